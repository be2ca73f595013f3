"""What a describe operation says in; a resource's outputs, and the inputs that would have made it so, out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from harness.providers.aws import normal, tags
from harness.providers.aws.failures import says_absent
from harness.providers.aws.shapes import fill, from_api, member_for
from harness.providers.contract import Secret

if TYPE_CHECKING:
    from harness.providers.aws.declare import Item, Resource
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

IMPORTED: Final = "__imported"
"""Mark among the inputs of an import, in the way of the SDK's own `__defaults`: no program has asked for these yet."""


def look(work: Work) -> Item | None:
    """The thing as the target has it now; None when it is not there. Raises botocore's errors."""
    resource = work.resource
    try:
        item = resource.read_with(work) if resource.read_with else work.ask(resource.read) if resource.read else None
    except Exception as error:
        if says_absent(error, resource):
            return None
        raise
    return item if item is None or isinstance(item, dict) else {"value": item}


def state_of(resource: Resource, item: Item) -> str:
    """The item's state in lower case, or empty when the type has none."""
    import jmespath

    if resource.wait is None:
        return ""
    value = jmespath.search(resource.wait.at, item)
    return "" if value is None else str(value).lower()


def is_gone(resource: Resource, item: Item | None) -> bool:
    """Absent, or in a state from which it does not come back."""
    if item is None:
        return True
    return resource.wait is not None and state_of(resource, item) in resource.wait.gone.lower().split()


def outputs(work: Work, item: Item) -> Props:
    """All outputs of a thing that is there, without Secret marks. Raises botocore's errors."""
    resource = work.resource
    result = _by_name(work, item)
    if resource.tagging:
        everything = tags.read(work, item)
        result["tagsAll"] = everything
        result["tags"] = tags.split(everything, work.inputs, work.rules)
    if resource.read_more:
        resource.read_more(work, item, result)
    _templates(work, result)
    return result


def carried(work: Work, item: Item) -> dict[str, str]:
    """The tags of a thing that is there, and no question more than they need. Raises botocore's errors."""
    _by_name(work, item)
    return tags.read(work, item)


def _by_name(work: Work, item: Item) -> Props:
    """Outputs as far as the item tells them; they stand in the work, too."""
    import jmespath

    resource = work.resource
    result: Props = {}
    for name in resource.properties:
        if name in resource.reads:
            value = jmespath.search(resource.reads[name], item)
        elif resource.has(resource.write_only, name) or resource.has(resource.inert, name):
            value = work.inputs.get(name, work.outputs.get(name))
        else:
            member = resource.rename.get(name)
            member = member if member in item else member_for(item, name)
            value = item.get(member) if member else None
        # An emulator that does not know a thing leaves it out, or has an empty text in its place.
        if (value is None or value == "") and resource.has(resource.untold, name) and work.clients.access.endpoint:
            value = work.inputs.get(name, work.outputs.get(name))
        if value is not None:
            value = from_api(value, {member: own for own, member in resource.rename.items()})
            result[name] = [value] if resource.has(resource.blocks, name) and not isinstance(value, list) else value
    if resource.regional:
        result["region"] = work.region
    prefix = resource.naming.prefix if resource.naming else ""
    if prefix and work.inputs.get(prefix):
        result[prefix] = work.inputs[prefix]
    _templates(work, result)
    work.outputs = {**work.outputs, **result}  # what tags and hooks ask next is named by outputs
    return result


def _templates(work: Work, result: Props) -> None:
    resource = work.resource
    for name, template in resource.templates.items():
        known: Props = {"id": work.id, "region": work.region, "partition": work.partition, **result}
        if "{account}" in template:
            known["account"] = result.get("ownerId") or work.account
        if all(known.get(part) is not None for part in re.findall(r"\{(\w+)\}", template)):
            result[name] = fill(template, known)


def fallback(work: Work) -> Props:
    """Outputs of a thing that could not be looked at: what was asked for."""
    known = {key: one for key, one in {**work.outputs, **work.inputs}.items() if not key.startswith("__")}
    return {**known, **({"region": work.region} if work.resource.regional else {})}


def as_inputs(work: Work, seen: Props) -> Props:
    """The inputs that the state should hold: those given, with what has drifted; or all of them, on an import."""
    resource = work.resource
    if not work.inputs:
        return _imported(resource, seen)
    result = dict(work.inputs)
    for name, asked in work.inputs.items():
        if _hidden(resource, name):
            continue
        actual = seen.get(name)
        if not resource.has(resource.sets, name):
            actual = normal.project(asked, actual)
        if not normal.same(resource, name, asked, actual):
            result[name] = actual
    unasked = [*resource.watched.split(), *(("tags", "tagsAll") if resource.tagging else ())]
    for name in unasked:
        if name not in work.inputs and not normal.is_empty(seen.get(name)):
            result[name] = seen[name]
    return {name: one for name, one in result.items() if one is not None}


def _hidden(resource: Resource, name: str) -> bool:
    """Whether the target cannot tell of this input."""
    own = resource.has(resource.write_only, name) or resource.has(resource.inert, name)
    return (
        own
        or name == "region"
        or name.startswith("__")
        or (resource.naming is not None and name == resource.naming.prefix)
    )


def _imported(resource: Resource, seen: Props) -> Props:
    result: Props = {IMPORTED: True, **resource.defaults}
    for name in resource.arguments:
        if name != "region" and not normal.is_empty(seen.get(name)):
            result[name] = seen[name]
    if resource.tagging:
        result["tagsAll"] = seen.get("tagsAll", {})
    return result


def marked(resource: Resource, props: Props) -> Props:
    """Outputs with those that are secret by nature marked."""
    return {
        key: Secret(one) if resource.has(resource.secret, key) and one is not None else one
        for key, one in props.items()
    }
