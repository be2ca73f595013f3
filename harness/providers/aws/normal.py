"""Two values of a property in, whether they mean the same out: JSON as JSON, sets without order, text as numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from harness.providers.contract import UNKNOWN

if TYPE_CHECKING:
    from harness.providers.aws.declare import Resource

_PRINCIPALS: Final = ("Principal", "NotPrincipal")
_ROOT: Final = re.compile(r"^arn:aws[a-z-]*:iam::(\d{12}):root$")


def has_unknown(value: Any) -> bool:
    """Whether a value holds something that preview cannot know yet."""
    if value is UNKNOWN:
        return True
    if isinstance(value, Mapping):
        return any(has_unknown(one) for one in value.values())
    return isinstance(value, list | tuple) and any(has_unknown(one) for one in value)


def is_empty(value: Any) -> bool:
    """Nothing, as AWS and Terraform see it: absent, an empty text, list or block."""
    return value is None or (isinstance(value, str | list | tuple | dict) and not value)


def same(resource: Resource, name: str, one: Any, other: Any) -> bool:
    """Whether two values of this property mean the same at the target."""
    if is_empty(one) or is_empty(other):
        return is_empty(one) and is_empty(other)
    if has_unknown(one) or has_unknown(other):
        return False
    if isinstance(one, str) and isinstance(other, str) and (_names(one, other) or _names(other, one)):
        return True
    if name in resource.forms:
        form = resource.forms[name]
        return bool(form(one) == form(other))
    if resource.has(resource.json, name):
        return bool(_document(one) == _document(other))
    if name in resource.lax:
        one, other = _stripped(one, other, resource.lax[name].split())
    ordered = not resource.has(resource.sets, name)
    return bool(canonical(one, ordered=ordered) == canonical(other, ordered=ordered))


def _stripped(one: Any, other: Any, lax: list[str]) -> tuple[Any, Any]:
    """Both lists of blocks, without those members that a block of one side has and its like on the other has not."""
    if not (isinstance(one, list | tuple) and isinstance(other, list | tuple)):
        return one, other

    def like(block: Any) -> str:
        bare = {key: value for key, value in block.items() if key not in lax} if isinstance(block, Mapping) else block
        return json.dumps(canonical(bare), sort_keys=True, default=str)

    def kept(blocks: Any, beside: dict[str, Any]) -> list[Any]:
        return [
            {key: value for key, value in block.items() if key not in lax or key in (beside.get(like(block)) or {})}
            if isinstance(block, Mapping)
            else block
            for block in blocks
        ]

    mine, theirs = ({like(block): block for block in blocks} for blocks in (one, other))
    return kept(one, theirs), kept(other, mine)


def _names(arn: str, short: str) -> bool:
    """Whether an ARN ends in this id: AWS answers with either, whichever it was given."""
    return arn.startswith("arn:") and not short.startswith("arn:") and arn.endswith(("/" + short, ":" + short))


def canonical(value: Any, *, ordered: bool = True) -> Any:
    """A form in which equal values are equal: empty members dropped, numbers as text, sets sorted."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        inner = {key: canonical(one, ordered=ordered) for key, one in value.items() if not is_empty(one)}
        return {key: one for key, one in inner.items() if not is_empty(one)}
    if isinstance(value, list | tuple):
        items = [canonical(one, ordered=ordered) for one in value]
        return items if ordered else sorted(items, key=lambda one: json.dumps(one, sort_keys=True))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if value is None else str(value)


def _document(value: Any) -> Any:
    """A JSON document without the freedoms that IAM's language has: single values are lists, lists have no order."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return value  # not JSON after all: compared as text
    return _loosened(value)


def _loosened(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _loosened(_owners(one) if key in _PRINCIPALS else one) for key, one in value.items()}
    if isinstance(value, list):
        items = sorted((_loosened(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True, default=str))
        return items[0] if len(items) == 1 else items
    return str(value).lower() if isinstance(value, bool) else str(value)


def _owners(principal: Any) -> Any:
    """A statement's principals, accounts by their number: AWS answers with the ARN of the account's root."""
    if not isinstance(principal, Mapping) or "AWS" not in principal:
        return principal
    named = principal["AWS"] if isinstance(principal["AWS"], list) else [principal["AWS"]]
    return {**principal, "AWS": [_ROOT.sub(r"\1", str(one)) for one in named]}


def project(asked: Any, actual: Any) -> Any:
    """The part of what is there that was asked for: members that the program left to AWS are no drift."""
    if isinstance(asked, Mapping) and isinstance(actual, Mapping):
        return {key: project(one, actual.get(key)) for key, one in asked.items() if key in actual}
    if isinstance(asked, list | tuple) and isinstance(actual, list | tuple) and len(asked) == len(actual):
        return [project(one, other) for one, other in zip(asked, actual, strict=True)]
    return actual
