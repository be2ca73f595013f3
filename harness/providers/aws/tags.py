"""Tags in their three AWS shapes in, a plain mapping out, and back; which are the program's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.providers.aws.shapes import fill, norm
from harness.providers.contract import UNKNOWN

if TYPE_CHECKING:
    from harness.providers.aws.declare import Item
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props


@dataclass(frozen=True)
class TagRules:
    """What the provider's configuration says of tags."""

    defaults: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    ignored_prefixes: tuple[str, ...] = ()

    def seen(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Without the tags that are AWS's own or that the program told us to ignore."""
        hidden = ("aws:", *self.ignored_prefixes)
        return {key: one for key, one in tags.items() if key not in self.ignored and not key.startswith(hidden)}

    def merged(self, tags: Any) -> Any:
        """All tags that a resource gets: its own win over the provider's."""
        if tags is UNKNOWN:
            return UNKNOWN
        return {**self.defaults, **{key: one if one is UNKNOWN else str(one) for key, one in (tags or {}).items()}}


def to_api(shape: Any, tags: Mapping[str, str]) -> Any:
    """Tags in the shape of this member of the model: a map, or a list of key and value."""
    if shape.type_name == "map":
        return dict(tags)
    if shape.type_name == "structure":  # S3: a list in a structure
        inner = next(iter(shape.members))
        return {inner: to_api(shape.members[inner], tags)}
    members = shape.member.members
    key = next(name for name in members if "key" in name.lower())
    value = next(name for name in members if "value" in name.lower())
    return [{key: one, value: other} for one, other in tags.items()]


def from_api(raw: Any) -> dict[str, str]:
    """Tags of an answer as a mapping; nothing is no tags."""
    if not raw:
        return {}
    if isinstance(raw, Mapping):
        return {str(key): str(one) for key, one in raw.items()}
    result = {}
    for pair in raw:
        by_norm = {norm(key).removeprefix("tag"): one for key, one in pair.items()}
        result[str(by_norm["key"])] = str(by_norm.get("value") or "")
    return result


def member(shape: Any) -> str | None:
    """The parameter that takes tags, if the operation has one."""
    return next((name for name in shape.members if norm(name) in {"tags", "taglist", "taglists"}), None)


def put_in_create(work: Work, operation: str, params: Item) -> bool:
    """Add the tags to a create operation's parameters; False when it takes none."""
    tags = work.inputs.get("tagsAll") or {}
    tagging = work.resource.tagging
    shape = work.input_shape(operation)
    if tagging is None or not tags:
        return True
    if tagging.spec:
        pairs = [{"Key": key, "Value": one} for key, one in tags.items()]
        params["TagSpecifications"] = [{"ResourceType": tagging.spec, "Tags": pairs}]
        return True
    name = member(shape)
    if name is None:
        return False
    params[name] = to_api(shape.members[name], tags)
    return True


def write(work: Work, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Bring the tags at the target from `before` to `after`."""
    tagging = work.resource.tagging
    if tagging is None or dict(before) == dict(after):
        return
    if tagging.write:
        tagging.write(work, after)
        return
    gone = [key for key in before if key not in after]
    if gone and tagging.untag:
        params = fill(tagging.untag.params, work.values())
        shape = work.input_shape(tagging.untag.operation)
        if "TagKeys" in shape.members or "tagKeys" in shape.members:
            params["TagKeys" if "TagKeys" in shape.members else "tagKeys"] = gone
        else:
            name = member(shape)
            params[name] = gone if name == "tags" else [{"Key": key} for key in gone]
        work.call(tagging.untag.operation, **params)
    new = {key: one for key, one in after.items() if before.get(key) != one}
    if new and tagging.tag:
        params = fill(tagging.tag.params, work.values())
        shape = work.input_shape(tagging.tag.operation)
        name = member(shape)
        if name is None:
            raise ValueError(f"{tagging.tag.operation} takes no tags")
        params[name] = to_api(shape.members[name], new)
        work.call(tagging.tag.operation, **params)


def read(work: Work, item: Item) -> dict[str, str]:
    """All tags that a thing carries, without AWS's own and the ignored ones."""
    tagging = work.resource.tagging
    if tagging is None:
        return {}
    if tagging.listing:
        raw = work.ask(tagging.listing)
    else:
        raw = next((one for key, one in item.items() if norm(key) in {"tags", "taglist", "tagset"}), None)
    return work.rules.seen(from_api(raw))


def split(actual: Mapping[str, str], inputs: Props, rules: TagRules) -> dict[str, str]:
    """Of all tags that are there, those that count as the program's own."""
    own = inputs.get("tags") or {}
    known = inputs.get("tagsAll") or rules.defaults
    return {key: one for key, one in actual.items() if key in own or known.get(key) != one}
