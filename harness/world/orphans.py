"""In: a folder of work folders. Out: a new one held by a lock; those whose holders died are removed on the way.

A process that is killed removes nothing. The kernel lets go of its locks, though: a work folder whose lock can be taken
belongs to nobody.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_HELD: Final = ".held"


@contextmanager
def held_folder(parent: Path) -> Iterator[tuple[Path, int]]:
    """Make a work folder in `parent`, and give its path and the descriptor that holds it.

    The folder is held as long as any process has the descriptor open: hand it to the process that is to own the
    folder while the context is open; ours is closed at its end.

    Raises:
        OSError: the folder cannot be made.
    """
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    guard = os.open(parent / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # One at a time: a folder that was made but is not yet held would look abandoned to another process.
        fcntl.flock(guard, fcntl.LOCK_EX)
        remove_abandoned(parent)
        folder = Path(tempfile.mkdtemp(dir=parent))
        holder = os.open(folder / _HELD, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(holder, fcntl.LOCK_EX)
    finally:
        os.close(guard)
    try:
        yield folder, holder
    finally:
        os.close(holder)


def remove_abandoned(parent: Path) -> list[Path]:
    """Remove the work folders in `parent` that nobody holds any more, and tell which these were."""
    return [folder for folder in sorted(parent.iterdir()) if folder.is_dir() and _remove_unless_held(folder)]


def _remove_unless_held(folder: Path) -> bool:
    try:
        holder = os.open(folder / _HELD, os.O_RDWR)
    except FileNotFoundError:  # its maker died between making and holding it, or its owner is removing it now
        shutil.rmtree(folder, ignore_errors=True)
        return True
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        shutil.rmtree(folder, ignore_errors=True)
        return True
    finally:
        os.close(holder)
