"""Engine events of a recheck in; what would change, or was changed, and in which properties, out."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from harness.model import Change, PropertyChange
from harness.providers import contract
from harness.run.timeline import is_engine_only
from harness.world.checkpoint import SECRET_TEXT, masked

UNKNOWN = contract.UNKNOWN.value  # how the engine's events tell what is known only after `up`
_LONGEST = 120  # characters of one value
_MIRRORS = {"tagsAll": "tags"}  # says the same again
_QUIET = {"same", "read", "read-discard", "discard-replaced", "remove-pending-replace"}
# A replacement is told in three steps; the last knows no properties.
_REPLACES = {"create-replacement", "replace", "import-replacement", "read-replacement"}
_REST_OF_REPLACE = "delete-replaced"
# Names whose values are not shown, although nobody marked them secret; `_` and `-` do not count.
_SENSITIVE = ("password", "passphrase", "secret", "token", "privatekey", "credential")


class Changes:
    """Takes the events of a preview (`planned`) or of a refresh; then tells what is not as it should be."""

    def __init__(self, ignored: Sequence[str] = (), theirs: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        """`ignored` are globs of names or types with properties; `theirs` are properties by URN."""
        self._ignored = tuple(ignored)
        self._theirs = theirs
        self._found: dict[str, Change] = {}

    def planned(self, event: Mapping[str, Any]) -> None:
        """One event of a second preview: any step is one too many."""
        step = (event.get("resourcePreEvent") or {}).get("metadata")
        if step is None or step["op"] in _QUIET or step["op"] == _REST_OF_REPLACE:
            return
        names = set(step.get("detailedDiff") or step.get("diffs") or ())
        op = "replace" if step["op"] in _REPLACES else step["op"]
        changed = _properties(names, *_sides(step, "inputs"))
        # A create or delete has no properties to name, and so has no update whose provider does not tell them.
        self._add(step, op, changed, alone=not names)

    def refreshed(self, event: Mapping[str, Any]) -> None:
        """One event of a refresh: gone, or a property that the program has set reads otherwise."""
        step = (event.get("resOutputsEvent") or {}).get("metadata")
        if step is None:
            return
        if step["op"] == "delete":
            self._add(step, "delete", (), alone=True)
            return
        before, after = _sides(step, "outputs")
        declared = (step.get("old") or {}).get("inputs") or {}
        drifted = {name for name in declared if any(_leaves(name, before.get(name), after.get(name)))}
        names = drifted | set(step.get("detailedDiff") or ())
        self._add(step, "update", _properties(names, before, after), alone=False)

    @property
    def found(self) -> tuple[Change, ...]:
        """What changed, in the order of the events; without what is ignored."""
        return tuple(self._found.values())

    def _add(self, step: Mapping[str, Any], op: str, changes: Iterable[PropertyChange], *, alone: bool) -> None:
        """Keep it when a property is left that nobody ignores; or when the step counts `alone`."""
        if is_engine_only(step["type"]):
            return
        properties = tuple(change for change in changes if not self._is_ignored(step, change.property))
        if properties or alone:
            self._found[step["urn"]] = Change(urn=step["urn"], type=step["type"], op=op, properties=properties)

    def _is_ignored(self, step: Mapping[str, Any], name: str) -> bool:
        if any(_covers(path, name) for path in self._theirs.get(step["urn"], ())):
            return True
        logical = step["urn"].rpartition("::")[2]
        spoken = (f"{logical}.{name}", f"{step['type']}.{name}")
        return any(_covers(pattern, text) for text in spoken for pattern in self._ignored)


def _covers(pattern: str, text: str) -> bool:
    """Whether a glob means this property, or one above it. Only `*` and `?` are special: `[0]` is a place in a list."""
    glob = pattern.replace("[", "[[]")
    return any(fnmatch.fnmatchcase(text, glob + below) for below in ("", ".*", "[[]*"))


def _sides(step: Mapping[str, Any], side: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Inputs or outputs before and after, with `[secret]` for what is secret in either."""
    old, new = (masked((step.get(state) or {}).get(side) or {}) for state in ("old", "new"))
    return _as_secret(new, old), _as_secret(old, new)


def _as_secret(other: Any, value: Any) -> Any:
    """The value with `[secret]` where `other` has it: what was given as a secret may be read back in plain text."""
    if value is None:
        return None
    if other == SECRET_TEXT:
        return SECRET_TEXT
    if isinstance(other, Mapping) and isinstance(value, Mapping):
        return {key: _as_secret(other.get(key), part) for key, part in value.items()}
    if isinstance(other, list) and isinstance(value, list) and len(other) == len(value):
        return [_as_secret(one, part) for one, part in zip(other, value, strict=True)]
    return SECRET_TEXT if _holds_secret(other) else value


def _holds_secret(value: Any) -> bool:
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return value == SECRET_TEXT or any(_holds_secret(part) for part in parts)


def _properties(names: set[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[PropertyChange]:
    """Each innermost place that differs, below the properties of `names`; and what is named and shows nowhere."""
    tops: dict[str, list[str]] = {}
    for name in sorted(names):
        tops.setdefault(name.partition(".")[0].partition("[")[0], []).append(name)
    for top, named in sorted(tops.items()):
        if _MIRRORS.get(top) in tops:
            continue
        leaves = list(_leaves(top, before.get(top), after.get(top)))
        yield from (_change(*leaf) for leaf in leaves)
        for name in named:  # a secret, whose values the events do not hold
            if not any(_within(path, name) or _within(name, path) for path, _, _ in leaves):
                yield _change(name, _at(name, before), _at(name, after))


def _within(path: str, other: str) -> bool:
    return path == other or path.startswith((f"{other}.", f"{other}["))


def _at(path: str, properties: Mapping[str, Any]) -> Any:
    """The value at a path without lists in it; of any other the one of the property above."""
    value: Any = properties
    for part in path.partition("[")[0].split("."):
        value = value.get(part) if isinstance(value, Mapping) else value
    return value


def _leaves(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """The innermost places in which two values differ. Secrets never do: only the engine's own diff can tell."""
    if before == after or SECRET_TEXT in (before, after) or (_is_nothing(before) and _is_nothing(after)):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            yield from _leaves(f"{path}.{key}", before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _leaves(f"{path}[{index}]", one, other)
    else:
        yield path, before, after


def _is_nothing(value: Any) -> bool:
    return value is None or value in ({}, [])


def _change(path: str, before: Any, after: Any) -> PropertyChange:
    return PropertyChange(property=path, before=_shown(path, before), after=_shown(path, after))


def _shown(path: str, value: Any) -> str:
    if value is None:
        return ""
    if value == UNKNOWN:
        return "(known after up)"
    value = _veiled(path, value)
    text = value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)
    text = text.replace(UNKNOWN, "(known after up)")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _veiled(path: str, value: Any) -> Any:
    """The value without what its names give away as sensitive, at any depth."""
    if any(word in path.lower().replace("_", "").replace("-", "") for word in _SENSITIVE):
        return SECRET_TEXT
    if isinstance(value, Mapping):
        return {key: _veiled(str(key), part) for key, part in value.items()}
    return [_veiled("", part) for part in value] if isinstance(value, list) else value
