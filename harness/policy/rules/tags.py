"""A resource in; the required tags that the program has not declared for it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.policy.rule import UNKNOWN, Params, Resource, param, rule

# Laid by the harness on everything of a run (harness.model.RUN_TAG): default tags that hold it are not the program's.
_RUN_TAG = "harness:run"
# Tags of these are a list of keys and values, and the provider computes no `tagsAll` for them.
_LISTED = frozenset({"aws:autoscaling/group:Group"})


@dataclass(frozen=True)
class RequiredTags(Params):
    """Which tags."""

    tags: tuple[str, ...] = param(("Environment", "Project", "CostCenter"), "a list of tag keys")


@rule(
    "required-tags",
    description="Every taggable resource carries the required tags.",
    remedy="give the resource `tags=`, or its provider `default_tags`, with these keys",
    params=RequiredTags,
    on_naming=True,
)
def required_tags(resource: Resource, params: RequiredTags) -> Iterator[str]:
    """What the harness lays on every resource is in `tagsAll` only, and does not count."""
    if not _taggable(resource):
        return
    own, inherited = _tags(resource.get("tags")), _defaults(resource.provider)
    if own is UNKNOWN or inherited is UNKNOWN:
        return
    together = {**inherited, **own}
    missing = [key for key in params.tags if together.get(key) in (None, "")]
    if missing:
        yield f"it lacks the tag{'s' if len(missing) > 1 else ''} {', '.join(missing)}"


def _taggable(resource: Resource) -> bool:
    """Both providers complete the inputs of everything that takes tags by `tagsAll`, also where no tag is given."""
    if not resource.type.startswith("aws:"):
        return False
    return "tagsAll" in resource.props or resource.type in _LISTED


def _tags(value: Any) -> Any:
    if isinstance(value, list):
        pairs = [one for one in value if isinstance(one, Mapping)]
        return UNKNOWN if UNKNOWN in value else {pair.get("key"): pair.get("value") for pair in pairs}
    if value is None or isinstance(value, Mapping):
        return value or {}
    return UNKNOWN


def _defaults(provider: Mapping[str, Any] | None) -> Any:
    declared = (provider or {}).get("defaultTags")
    if isinstance(declared, str):  # providers are configured by text: nested values are JSON
        import json

        declared = json.loads(declared)
    tags = _tags(declared.get("tags") if isinstance(declared, Mapping) else declared)
    return {} if tags is not UNKNOWN and _RUN_TAG in tags else tags
