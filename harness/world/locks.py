"""The locks of a stack's state in; those of dead engines of ours released, or who holds it, out.

A lock of the file backend names user, host and process. It is released when it is proved to be ours and its owner to be
dead; anybody else's may guard work that goes on.
"""

from __future__ import annotations

import json
import os
import platform
import pwd
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psutil

from harness.errors import RunError

_ATTRIBUTES: Final = ".attrs"  # beside each file of a file backend; no lock by itself
_SLACK: Final = (
    2.0  # seconds between a process's start as the kernel counts it and the clock that the lock was stamped by
)


@dataclass(frozen=True, slots=True)
class Self:
    """Who we are, in the words of a lock: any of these names of user and host."""

    users: frozenset[str]
    hosts: frozenset[str]


def ourselves() -> Self:
    """This process's user and host."""
    users = {str(os.getuid()), *(os.environ.get(name, "") for name in ("USER", "LOGNAME"))}
    with suppress(KeyError):  # a container may have no name for its user
        users.add(pwd.getpwuid(os.getuid()).pw_name)
    return Self(frozenset(users - {""}), frozenset({platform.node(), socket.gethostname()} - {""}))


def release_locks(
    state: Path, me: Self | None = None, started: Callable[[int], float | None] | None = None
) -> list[Path]:
    """Remove every lock below a file backend at `state` that an engine of ours left when it died. Says which.

    `started` tells when a process began (seconds since the epoch), None for one that is dead.

    Raises:
        RunError: a lock is somebody else's, or its owner lives. Nothing is removed then.
    """
    # Whatever it is called: the engine takes every file there for a lock, also its own draft of one.
    found = (state / ".pulumi" / "locks").rglob("*")
    locks = sorted(path for path in found if path.is_file() and path.suffix != _ATTRIBUTES)
    own, ask = me or ourselves(), started or _started
    for lock in locks:
        holder = _holder(lock, own, ask)
        if holder:
            raise RunError(
                f"the stack's state is locked: {holder}",
                hint=f"when that process is at an end: rm {lock}, then harness destroy again",
            )
    for lock in locks:
        lock.unlink(missing_ok=True)
        lock.with_name(lock.name + _ATTRIBUTES).unlink(missing_ok=True)
    return locks


def _holder(lock: Path, me: Self, started: Callable[[int], float | None]) -> str:
    """Who may still hold it; empty when it is a dead engine of ours."""
    try:
        content = json.loads(lock.read_bytes())
        user, host, process = str(content["username"]), str(content["hostname"]), int(content["pid"])
        stamped = _moment(content)
    except FileNotFoundError:
        return ""  # released in this moment
    except (ValueError, KeyError, TypeError):
        # Torn by a full disk or a crash in the middle of its writing. It lies in a folder that only we can write to.
        return "" if lock.stat().st_uid == os.getuid() else f"{lock} cannot be read, and is somebody else's"
    named = f"by {user} on {host}, process {process}"
    if user not in me.users:
        return f"{named}; you are {' or '.join(sorted(me.users))}"
    if host not in me.hosts:
        return f"{named}; this is {' or '.join(sorted(me.hosts))}, which cannot see whether it lives"
    began = started(process)
    if began is None or began > stamped + _SLACK:  # dead, or its number was given to another since
        return ""
    return f"{named}, which lives"


def _moment(content: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(str(content["timestamp"])).timestamp()


def _started(process: int) -> float | None:
    try:
        found = psutil.Process(process)
        return None if found.status() == psutil.STATUS_ZOMBIE else found.create_time()
    except psutil.NoSuchProcess:
        return None
