"""The engine's own texts in, as people read them out: messages without colour marks, URNs as names."""

from __future__ import annotations

import re

_COLOUR = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")


def plain(text: str) -> str:
    """Text without the engine's colour marks."""
    return _COLOUR.sub("", text).rstrip()


def short_name(urn: str) -> str:
    """`Type name` of a URN, as people say it: `Vpc main`."""
    type_token, _, name = urn.rpartition("::")
    return f"{type_token.rpartition(':')[2] or type_token} {name}" if type_token else urn
