"""Text with `${output}` in, the outputs that it names, or the value that it stands for, out.

`"${bucketName}"` alone is the output itself, list or number as it is; inside other text its words stand in its place.
A path goes further into it (`${names[0]}`, `${service.url}`); an output whose own name holds dots or brackets is
written `${["a.b"]}`. `$${` is a plain `${`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness.providers.paths import split

OPEN: Final = "${"
_PLAIN: Final = "$${"
_MARK: Final = re.compile(r"\$\$\{|\$\{([^}]*)\}|\$\{")


def names(value: Any) -> frozenset[str]:
    """Names of the outputs that a value of a TOML file refers to, at any depth."""
    return frozenset(split(path)[0] for path in _paths(value))


def refers(value: Any) -> bool:
    """Whether the value is complete only when the outputs are known."""
    return any(True for _ in _paths(value))


def misspelt(value: Any) -> str:
    """What is wrong with the notation in a value, or empty."""
    for text in _texts(value):
        for found in _MARK.finditer(text):
            path = found[1]
            if found[0] == OPEN:
                return f"`{OPEN}` without `}}` in {text!r}"
            if path is not None and not _is_path(path):
                return f"{found[0]!r} names no output"
    return ""


def resolved(value: Any, outputs: Mapping[str, Any]) -> Any:
    """The value with every reference replaced.

    Raises:
        KeyError: the stack has no such output, or the output nothing at that path.
        TypeError: a list or table stands inside text.
    """
    if isinstance(value, list):
        return [resolved(one, outputs) for one in value]
    if isinstance(value, Mapping):
        return {key: resolved(one, outputs) for key, one in value.items()}
    if not isinstance(value, str):
        return value
    whole = _MARK.fullmatch(value)
    if whole is not None and whole[1] is not None:
        return _looked_up(whole[1], outputs)
    return _MARK.sub(lambda found: OPEN if found[0] == _PLAIN else _words(found[1], outputs), value)


def shown(value: Any) -> str:
    """The value as a person would call it: `serviceUrl/health`."""
    if isinstance(value, list):
        return ", ".join(shown(one) for one in value)
    return _MARK.sub(lambda found: found[1] or OPEN, str(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _paths(value: Any) -> Iterator[str]:
    for text in _texts(value):
        yield from (found[1] for found in _MARK.finditer(text) if found[1])


def _is_path(path: str) -> bool:
    """`split` takes what is malformed for one part as it stands; no such part has these characters unquoted."""
    parts = split(path) if path.strip() == path else ()
    return bool(parts) and not (parts == (path,) and re.search(r"[\[\]\"\s]", path))


def _looked_up(path: str, outputs: Mapping[str, Any]) -> Any:
    first, *rest = split(path)
    value = outputs[first]
    for part in rest:
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise KeyError(f"the output {first!r} has nothing at {path!r}") from error
    return value


def _words(path: str, outputs: Mapping[str, Any]) -> str:
    value = _looked_up(path, outputs)
    if isinstance(value, Mapping | list):
        kind = "list" if isinstance(value, list) else "table"
        raise TypeError(f"${{{path}}} is a {kind}, which can stand alone but not inside text")
    return value if isinstance(value, str) else json.dumps(value)
