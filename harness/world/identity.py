"""Nothing in; who we are, and whether a process that was recorded still lives, out.

A process id alone proves nothing: it is given out again, and other machines have the same. A process is known by the
boot of the machine, its namespace of process ids, its id and the moment at which it began.
"""

from __future__ import annotations

import enum
import getpass
import os
import platform
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import psutil

from harness.model import Lease

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")  # Linux: a new one with each boot
_NAMESPACE: Final = Path("/proc/self/ns/pid")  # a container has its own
_SAME: Final = 1.0  # seconds; psutil works a start out from the boot's time, which the clock's adjustments move


class Alive(enum.Enum):
    """What can be said about a process that was recorded."""

    YES = "lives"
    NO = "gone"  # proved: this machine would know it
    NOT_SEEN = "not seen"  # a machine of that name does not have it; whether it is that machine is not known
    UNKNOWN = "cannot be asked"  # another machine, or one that only has the same name


@cache
def machine() -> str:
    """What tells this machine, since it was started, from all others, and from containers on it; empty: not known."""
    try:
        return f"{_BOOT.read_text(encoding='ascii').strip()} {_NAMESPACE.readlink()}"
    except OSError:  # no Linux, or no /proc
        return ""


def owner() -> dict[str, Any]:
    """Who holds a lease that is opened now, in the lease's own words."""
    user = str(os.getuid())
    with suppress(KeyError, OSError):  # a container may have no name for its user
        user = getpass.getuser()
    return {
        "owner": user,
        "host": platform.node(),
        "machine": machine(),
        "process": os.getpid(),
        "process_started": psutil.Process().create_time(),
    }


def alive(lease: Lease) -> Alive:
    """Whether the process lives that works on the lease, or did last."""
    return _alive(lease.host, lease.machine, lease.process, lease.process_started)


def elsewhere(lease: Lease) -> bool:
    """Whether the lease is of another host: what answers, or refuses, at a loopback address here says nothing of it."""
    return lease.host != platform.node() and not (lease.machine and lease.machine == machine())


def _alive(host: str, where: str, process: int, started: float) -> Alive:
    if host != platform.node():
        return Alive.UNKNOWN
    there = _lives(process, started)
    if where and machine():
        if where == machine():
            return Alive.YES if there else Alive.NO
        # Started anew since, or another one of that name, or a container's neighbour: not to be told apart.
        return Alive.UNKNOWN
    return Alive.YES if there else Alive.NOT_SEEN


def _lives(process: int, started: float) -> bool:
    try:
        found = psutil.Process(process)
        if found.status() == psutil.STATUS_ZOMBIE:
            return False
        return not started or abs(found.create_time() - started) <= _SAME
    except psutil.NoSuchProcess:
        return False
