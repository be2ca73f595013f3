"""A folder in; out the reason to stop once its disk has been full for a while.

An engine whose state cannot be written does not always fail: with creates in flight it may wait for ever, doing
nothing. The destroy is not stopped by this; it tries again for as long as it may.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

FULL: Final = 1 << 20  # bytes: with less free, neither a state nor a log of any size can be written
PATIENCE: Final = 5.0  # seconds that it must last: a build beside us may fill and empty the disk
LOOK: Final = 0.5  # seconds between two looks


class DiskWatch:
    """Asked often, from several threads; looks seldom."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._clock = clock
        self._looked = float("-inf")
        self._full_since: float | None = None

    def full(self) -> str | None:
        """The reason to stop, or None."""
        now = self._clock()
        if now - self._looked >= LOOK:
            self._looked = now
            if not self._is_full():
                self._full_since = None
            elif self._full_since is None:
                self._full_since = now
        since = self._full_since
        if since is None or now - since < PATIENCE:
            return None
        return f"nothing can be written under {self._folder}: it is full (disk)"

    def _is_full(self) -> bool:
        try:
            room = os.statvfs(self._folder)
        except OSError:  # gone, or not to be asked: whoever needs it says so
            return False
        free = room.f_bavail if os.geteuid() else room.f_bfree  # some file systems keep blocks for root
        return free * room.f_frsize < FULL
