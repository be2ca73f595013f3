"""The nouns: the pinned version, an engine, and where one came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

ENGINE_VERSION: Final = "3.255.0"
"""The one version for every route: the newest that both the vendor released and the Go module proxy serves."""

Origin: TypeAlias = Literal["path", "cache", "download", "build"]


@dataclass(frozen=True)
class Engine:
    """An engine that can be run.

    Attributes:
        path: the executable, absolute.
        version: without a leading `v`.
        origin: how this call came by it.
    """

    path: Path
    version: str
    origin: Origin


class RouteError(Exception):
    """One way of coming by an engine did not work; the message is one line and names no remedy."""
