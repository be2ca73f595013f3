"""A cell's folder in; out the reason to stop once nothing could be written there for a while.

An engine whose state cannot be written does not always fail: with creates in flight it may wait for ever, doing
nothing, or try each of them for half a minute, one after the other. The destroy is not stopped by this; it tries again
for as long as it may.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from harness.world.files import CellFiles

FULL: Final = 1 << 20  # bytes: with less free, neither a state nor a log of any size can be written
PATIENCE: Final = 5.0  # seconds that it must last: a build beside us may fill and empty the disk
LOOK: Final = 0.5  # seconds between two looks


class DiskWatch:
    """Asked often, from several threads; looks seldom."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._clock = clock
        self._looked = float("-inf")
        self._since: float | None = None
        self._trouble = ""

    def full(self) -> str | None:
        """The reason to stop, or None."""
        now = self._clock()
        if now - self._looked >= LOOK:
            self._looked = now
            self._trouble = "full" if self._is_full() else "read-only" if self._is_read_only() else ""
            if not self._trouble:
                self._since = None
            elif self._since is None:
                self._since = now
        since = self._since
        if since is None or now - since < PATIENCE:
            return None
        return f"nothing can be written under {self._folder}: it is {self._trouble} (disk)"

    def _is_read_only(self) -> bool:
        """A disk that failed is made so by the kernel; the state may have been put on another."""
        places = (self._folder, CellFiles(self._folder).state)
        return any(place.exists() and not os.access(place, os.W_OK) for place in places)

    def _is_full(self) -> bool:
        try:
            room = os.statvfs(self._folder)
        except OSError:  # gone, or not to be asked: whoever needs it says so
            return False
        free = room.f_bavail if os.geteuid() else room.f_bfree  # some file systems keep blocks for root
        return free * room.f_frsize < FULL
