"""Pulumi property paths in (`tags["a.b"]`, `rules[0].port`), their parts out, and whether one lies under another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PART = re.compile(r'\.?([^.\[\]"]+)|\[(\d+|\*)\]|\["((?:[^"\\]|\\.)*)"\]')


def split(path: str) -> tuple[str, ...]:
    """Parts of a path, outermost first; indices stay text. A malformed path is one part, itself."""
    parts: list[str] = []
    position = 0
    while position < len(path):
        match = _PART.match(path, position)
        if match is None:
            return (path,)
        name, index, quoted = match.groups()
        parts.append(name or index or re.sub(r"\\(.)", r"\1", quoted or ""))
        position = match.end()
    return tuple(parts)


def root(path: str) -> str:
    """Name of the top-level property that a path leads into."""
    return split(path)[0] if path else ""


def under(path: str, roots: Iterable[str]) -> bool:
    """Whether a path is one of `roots` or lies below one; `*` in a root stands for any one part."""
    parts = split(path)
    return any(_covers(split(root), parts) for root in roots)


def _covers(outer: tuple[str, ...], inner: tuple[str, ...]) -> bool:
    return len(outer) <= len(inner) and all(want in {"*", have} for want, have in zip(outer, inner, strict=False))
