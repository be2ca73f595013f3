"""Engine events of a recheck in; what would change, or was changed, and in which properties, out."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.model import Change, PropertyChange
from harness.run.timeline import is_engine_only
from harness.world.checkpoint import SECRET_TEXT

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # the engine's mark for what is known only after `up`
_LONGEST = 120  # characters of one value
_MIRRORS = {"tagsAll": "tags"}  # says the same again
_QUIET = {"same", "read", "read-discard", "discard-replaced", "remove-pending-replace"}
# Names whose values are not shown, although nobody marked them secret.
_SENSITIVE = ("password", "secret", "token", "private", "credential")


class Changes:
    """Takes the events of a preview (`planned`) or of a refresh; then tells what is not as it should be."""

    def __init__(self, ignored: Sequence[str] = ()) -> None:
        self._ignored = tuple(ignored)
        self._found: dict[str, Change] = {}

    def planned(self, event: Mapping[str, Any]) -> None:
        """One event of a second preview: any step is one too many."""
        step = (event.get("resourcePreEvent") or {}).get("metadata")
        if step is not None and step["op"] not in _QUIET:
            changed = set(step.get("detailedDiff") or step.get("diffs") or ())
            self._add(step, step["op"], changed, "inputs")

    def refreshed(self, event: Mapping[str, Any]) -> None:
        """One event of a refresh: gone, or a property that the program has set reads otherwise."""
        step = (event.get("resOutputsEvent") or {}).get("metadata")
        if step is None:
            return
        if step["op"] == "delete":
            self._found[step["urn"]] = Change(urn=step["urn"], type=step["type"], op="delete")
            return
        old, new = step.get("old") or {}, step.get("new") or {}
        before, after = old.get("outputs") or {}, new.get("outputs") or {}
        drifted = {name for name in old.get("inputs") or {} if before.get(name) != after.get(name)}
        self._add(step, step["op"], drifted | set(step.get("detailedDiff") or ()), "outputs")

    @property
    def found(self) -> tuple[Change, ...]:
        """What changed, in the order of the events; without what is ignored."""
        return tuple(self._found.values())

    def _add(self, step: Mapping[str, Any], op: str, names: set[str], side: str) -> None:
        if is_engine_only(step["type"]):
            return
        old, new = step.get("old") or {}, step.get("new") or {}
        properties = tuple(
            change
            for change in _properties(names, old.get(side) or {}, new.get(side) or {})
            if not self._is_ignored(step, change.property)
        )
        steps_alone = side == "inputs" and not names  # a create or delete has no properties to name
        if properties or steps_alone:
            op = "update" if op in _QUIET else op
            self._found[step["urn"]] = Change(urn=step["urn"], type=step["type"], op=op, properties=properties)

    def _is_ignored(self, step: Mapping[str, Any], name: str) -> bool:
        logical = step["urn"].rpartition("::")[2]
        spoken = (f"{logical}.{name}", f"{step['type']}.{name}")
        return any(fnmatch.fnmatchcase(text, pattern) for text in spoken for pattern in self._ignored)


def _properties(names: set[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[PropertyChange]:
    tops = {name.partition(".")[0].partition("[")[0]: name for name in sorted(names, reverse=True)}
    for top in sorted(tops):
        if _MIRRORS.get(top) in tops:
            continue
        found = list(_leaves(top, before.get(top), after.get(top)))
        for name, one, other in found or [(tops[top], before.get(top), after.get(top))]:
            yield PropertyChange(property=name, before=_shown(name, one), after=_shown(name, other))


def _leaves(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """The innermost places in which two values differ."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            yield from _leaves(f"{path}.{key}", before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _leaves(f"{path}[{index}]", one, other)
    else:
        yield path, before, after


def _shown(name: str, value: Any) -> str:
    if value is None:
        return ""
    if any(word in name.lower() for word in _SENSITIVE):
        return SECRET_TEXT
    if value == UNKNOWN:
        return "(known after up)"
    text = value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)
    text = text.replace(UNKNOWN, "(known after up)")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
