"""A resource of the stack in; its tags, its names and its key, as the target itself tells them, out.

One row per type (`questions.py`) says which call is asked. A type without a row is asked of the tagging API by its ARN;
what that does not know either, cannot be asked, and is told as such: the API of an emulator answers for some services
only, and that of AWS leaves out what never had a tag.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from typing import Any, Final

from harness.probes.context import ProbeContext, StackResource
from harness.probes.questions import EC2, ROWS, Question, Row
from harness.probes.questions_of_keys import KEYS


class UnaskableError(Exception):
    """The target cannot be asked about this resource, for this reason."""


_EC2_TYPES: Final = ("aws:ec2/", "aws:vpc/")
_OWN_MARKS: Final = ("arn", "tagsAll", "name")  # outputs of what is a thing of its own and not a part of another


def has_tags(resource: StackResource) -> bool:
    """Whether its type can carry tags."""
    row = ROWS.get(resource.type)
    return row.tags is not None if row is not None else bool({"tags", "tagsAll"} & resource.outputs.keys())


def has_name(resource: StackResource) -> bool:
    """Whether it has, or may have, a name of its own; a route or an attachment is a part of something else."""
    row = ROWS.get(resource.type)
    return row.name is not None if row is not None else bool(set(_OWN_MARKS) & resource.outputs.keys())


def ask_tags(context: ProbeContext, resource: StackResource) -> dict[str, str]:
    """Its tags at the target. Raises UnaskableError, or what boto3 raises."""
    row = _row(resource)
    if row is None or row.tags is None:
        return _pairs(_by_tagging_api(context, resource)["Tags"])
    return _pairs(_answer(context, resource, row.tags))


def ask_names(context: ProbeContext, resource: StackResource) -> list[str]:
    """Its names at the target; none when it has none, which only some types may.

    Raises:
        UnaskableError: it cannot be asked, or is not there.
    """
    row = _row(resource)
    if row is None or row.name is None:
        return [str(_by_tagging_api(context, resource)["ResourceARN"])]
    found = _answer(context, resource, row.name)
    names = [str(one) for one in (found if isinstance(found, list) else [found]) if one]
    lost = not row.named and "Name" in (resource.outputs.get("tagsAll") or {})
    if not names and (row.named or lost):
        raise UnaskableError("its Name tag is gone" if lost else "the target does not have it")
    return names


def ask_key(context: ProbeContext, resource: StackResource) -> str:
    """What it says of the key that it is under: id, ARN or alias; empty for none. Of types that `KEYS` has."""
    return str(_answer(context, resource, KEYS[resource.type]) or "")


def _row(resource: StackResource) -> Row | None:
    return ROWS.get(resource.type) or (EC2 if resource.type.startswith(_EC2_TYPES) else None)


def _answer(context: ProbeContext, resource: StackResource, question: Question) -> Any:
    import jmespath
    from botocore.exceptions import ClientError

    values = {**resource.outputs, "id": resource.id}
    client = context.client(question.service, resource.region)
    try:
        said = getattr(client, question.operation)(**_filled(question.params, values))
    except ClientError as error:
        if question.empty and error.response["Error"]["Code"] == question.empty:
            return []
        raise
    return jmespath.search(_filled(question.at, values), said)


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(template, Mapping):
        return {key: _filled(one, values) for key, one in template.items()}
    if isinstance(template, list):
        return [_filled(one, values) for one in template]
    try:
        # Not str.format: JMESPath has braces and brackets of its own, ours stand around a plain word.
        return "".join(
            text + (str(values[name]) if name else "") for text, name, *_ in string.Formatter().parse(template)
        )
    except KeyError as error:
        raise UnaskableError(f"the state does not tell its {error.args[0]}") from error


def _by_tagging_api(context: ProbeContext, resource: StackResource) -> dict[str, Any]:
    arn = resource.outputs.get("arn")
    if not isinstance(arn, str):
        raise UnaskableError(f"{resource.type} is not known here, and the state does not tell its ARN")
    client = context.client("resourcegroupstaggingapi", resource.region)
    found: list[dict[str, Any]] = client.get_resources(ResourceARNList=[arn])["ResourceTagMappingList"]
    mine = next((one for one in found if one["ResourceARN"] == arn), None)
    if mine is None:
        raise UnaskableError(f"{resource.type} is not known here, and the tagging API does not tell of it")
    return mine


def _pairs(raw: Mapping[str, str] | Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags in any of AWS's shapes: a map, or a list of Key and Value, of key and value, or of TagKey and TagValue."""
    if isinstance(raw, Mapping):
        return dict(raw)
    return {
        one.get("Key") or one.get("key") or one.get("TagKey", ""): (
            one.get("Value") or one.get("value") or one.get("TagValue", "")
        )
        for one in raw or ()
    }
