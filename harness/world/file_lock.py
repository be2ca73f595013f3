"""A lock file in; whether it is ours now, or somebody's, out. The kernel frees it when its holder ends, however."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO


def locked(file: TextIO) -> bool:
    """Take it for this process, as long as the file is open; False when another has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether a process holds it now; what is not there nobody holds."""
    try:
        with path.open("r", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
