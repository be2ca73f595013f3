"""Nothing in, our orphaned descendants ended: what a program started and then let go of does not outlive it.

A daemon leaves its group and session and loses its parent. On Linux orphans are made ours (we are their "subreaper"),
so each is still below us. Elsewhere the kernel gives them away, and only marks in their environment could find them.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_LONGEST = 2.0  # seconds; the engine gives the whole host 5 s, of which the program has had 2 to end politely
_LOOK = 0.002  # seconds between two rounds: those killed are dying, and what they started becomes ours


def adopt_orphans() -> None:
    """From now on, orphans among our descendants become our own children. Only Linux can do that."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_strays(spared: Callable[[int], bool]) -> None:
    """Kill and reap our children that are not `spared`, with all below them, until there are none.

    Args:
        spared: whether the child with that process id lives on; asked anew in every round.
    """
    end = time.monotonic() + _LONGEST
    while _has_children() and time.monotonic() < end:
        import psutil  # only here: most programs leave nothing, and it costs 20 ms

        strays = [child for child in psutil.Process().children() if not spared(child.pid)]
        if not strays:
            return
        for stray in strays:
            try:
                below = stray.children(recursive=True)
            except psutil.NoSuchProcess:
                below = []
            for process in (*below, stray):
                _kill(process.pid)
            _reap(stray.pid)
        time.sleep(_LOOK)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # it ended meanwhile, or became somebody else's
        return


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # whoever started it was quicker
        return


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
