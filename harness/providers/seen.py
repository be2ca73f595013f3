"""What a provider process was told and answered in; every value among it that is secret, out. In memory only.

A value is secret when a provider marks it (`contract.Secret`), when the engine marks it (configuration), or when the
engine's own events hide it: whoever read them names the places, and the values in those places are here.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.providers.contract import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.providers.sealed import Sealed

Path: TypeAlias = "Sequence[str | int]"


class Seen:
    """The secrets that one provider process knows. Safe from many threads."""

    def __init__(self, sealed: Sealed | None = None) -> None:
        """What is `sealed` can be had when this process has died."""
        self._sealed = sealed
        self._lock = threading.Lock()
        self._texts: set[str] = set()
        self._properties: dict[str, list[Mapping[str, Any]]] = {}

    def note(self, values: Iterable[Any]) -> None:
        """These are secret, at any depth."""
        found = {text for value in values for text in texts(value)}
        with self._lock:
            new = found - self._texts
            self._texts |= new
        if new and self._sealed is not None:
            self._sealed.add({"texts": sorted(new)})

    def keep(self, urn: str, properties: Mapping[str, Any]) -> None:
        """Inputs or outputs of a resource, each time that they differ; what is marked among them is secret."""
        self.note(_marked(properties))
        with self._lock:
            before = self._properties.setdefault(urn, [])
            new = properties not in before
            if new:
                before.append(properties)
        if new and self._sealed is not None:
            self._sealed.add({"urn": urn, "properties": _plain(properties)})

    @classmethod
    def unsealed(cls, sealed: Sealed) -> Seen:
        """What another process had sealed. Raises OSError: it cannot be read."""
        seen = cls()
        for record in sealed.records():
            if "urn" in record:
                seen.keep(record["urn"], record["properties"])
            else:
                seen.note(record["texts"])
        return seen

    def secrets(self, hidden: Mapping[str, Iterable[Path]]) -> list[str]:
        """All secret texts. `hidden` names by URN the places that the engine's events hide."""
        with self._lock:
            known = {urn: tuple(self._properties.get(urn, ())) for urn in hidden}
        for urn, places in hidden.items():
            for place in places:
                self.note(_at(properties, place) for properties in known[urn])
        with self._lock:
            return sorted(self._texts)


def texts(value: Any) -> Iterator[str]:
    """The texts and numbers in a value, as text. What is not known yet, or lies in a file, has none."""
    match value:
        case Secret():
            yield from texts(value.value)
        case str():
            yield value
        case bool() | None:
            return
        case int() | float():
            yield str(value)
        case dict():
            for one in value.values():
                yield from texts(one)
        case list() | tuple():
            for one in value:
                yield from texts(one)


def _plain(value: Any) -> Any:
    """The value as JSON can hold it; what has no text is left out."""
    match value:
        case Secret():
            return _plain(value.value)
        case str() | int() | float() | None:
            return value
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return None


def _marked(value: Any) -> Iterator[Any]:
    match value:
        case Secret():
            yield value.value
        case dict():
            for one in value.values():
                yield from _marked(one)
        case list() | tuple():
            for one in value:
                yield from _marked(one)


def _at(value: Any, place: Path) -> Any:
    """What lies there; None when the value has another shape."""
    for step in place:
        if isinstance(value, Secret):
            value = value.value
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value
