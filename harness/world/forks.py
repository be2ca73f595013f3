"""Files that only this process may hold in; a process in whose forks they are another file, out.

A probe is the user's code, and may fork: what is forked off would speak for the cell, keep its lock when it is dead, or
hold open the pipe by which another thread that starts a process just then is told that it has started.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

_OURS: list[IO[Any]] = []
_STARTING = threading.RLock()  # held by who forks, and by who starts a process
_registered = False


def keep_from_forks(file: IO[Any]) -> None:
    """In every fork of this process from now on, `file` leads nowhere. What is executed does not inherit it anyway."""
    _register()
    _OURS[:] = [one for one in _OURS if not one.closed]
    _OURS.append(file)


@contextmanager
def starting() -> Iterator[None]:
    """Start a process inside: no fork inherits the other ends of its pipes."""
    _register()
    with _STARTING:
        yield


def _register() -> None:
    global _registered  # noqa: PLW0603 - there is one process
    if not _registered:
        _registered = True
        os.register_at_fork(before=_STARTING.acquire, after_in_parent=_STARTING.release, after_in_child=_in_child)


def _in_child() -> None:
    _STARTING.release()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for file in _OURS:
        if not file.closed:
            # Not closed: what the file object still does with its number must not meet another file.
            os.dup2(nowhere, file.fileno(), inheritable=False)
    os.close(nowhere)
