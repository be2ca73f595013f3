"""A mark in, the processes that carry it ended: daemons that a cell's program, engine or providers left running.

Who leaves group, session and parent still has the environment it was started with, unless it clears that as well.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import psutil

from harness.world.language import CELL_VARIABLE

PROCESS_VARIABLE: Final = "HARNESS_CELL_PROCESS"
"""By it what one process of a cell left running is found: its probes run in it, and may start or fork others."""
_ROUNDS: Final = 10  # a process may start others while it is being ended; those carry the mark, too
_DEATH: Final = 0.5  # seconds for the kernel to take down what was killed


def end_remnants(mark: str, variable: str = CELL_VARIABLE) -> int:
    """Kill every process of this user whose environment has `variable`=`mark`, and all below it.

    This process and those above it are spared. What cannot be read or killed is somebody else's and is left alone.

    Args:
        mark: by default the cell's directory, as it is in the environment of the cell's engine; empty: nobody's.
        variable: which variable carries the mark.

    Returns:
        How many were killed.
    """
    if not mark:
        return 0
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    ended: set[psutil.Process] = set()
    for _ in range(_ROUNDS):
        found = {process for process in _carriers(mark, variable) if process.pid not in spared}
        if not found:
            break
        doomed = found | {child for process in found for child in _below(process) if child.pid not in spared}
        killed = [process for process in doomed if _kill(process)]
        if not killed:
            break
        ended.update(killed)
        psutil.wait_procs(killed, timeout=_DEATH)
    return len(ended)


def _carriers(mark: str, variable: str) -> list[psutil.Process]:
    found = []
    for pid in psutil.pids():
        try:
            if _may_carry(pid, mark, variable):
                process = psutil.Process(pid)
                # Asked again by an object that knows a number given to another process, should that have happened.
                if process.uids().real == os.getuid() and process.environ().get(variable) == mark:
                    found.append(process)
        except (psutil.Error, OSError):  # it ended meanwhile, or is not ours to read
            continue
    return found


def _may_carry(pid: int, mark: str, variable: str) -> bool:
    """A first look that costs a tenth of psutil's, where the kernel shows the environment as a file."""
    if sys.platform != "linux":
        return True
    return os.fsencode(f"{variable}={mark}") in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:  # it ended meanwhile
        return []


def _kill(process: psutil.Process) -> bool:
    try:
        process.kill()
    except psutil.Error:  # it ended meanwhile, or is not ours to kill
        return False
    return True
