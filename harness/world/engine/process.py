"""A command in, its output or a RouteError out: a child with a time limit that cannot outlive us, however we die."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Final

from harness.world.engine.model import RouteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

SIGN_OF_LIFE: Final = 15.0
"""Seconds between two lines about a child that still runs."""
_KEPT_OUTPUT: Final = 2000
"""Characters of the end of a failed child's output that are worth a look."""
# Our end of the pipe on fd 3 closes when we die, even by SIGKILL; then the whole group goes.
_LIFELINE: Final = """exec 3<&0 </dev/null
{ read -r _ <&3; kill -KILL 0; } &
watch=$!
exec 3<&-
"$@"
code=$?
kill -KILL $watch
exit $code"""


def run(
    command: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str],
    *,
    seconds: float,
    alive: Callable[[float], None] = lambda _elapsed: None,
) -> str:
    """Run `command` in a process group of its own and return what it printed, both streams as one.

    Args:
        command: program and arguments.
        cwd: its working directory.
        environ: its whole environment.
        seconds: after so many it is killed.
        alive: called every SIGN_OF_LIFE seconds with the seconds since the start.

    Raises:
        RouteError: it cannot be started, fails, or takes longer than `seconds`.
    """
    start = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        try:
            child = subprocess.Popen(
                ["/bin/sh", "-c", _LIFELINE, "lifeline", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=dict(environ),
                process_group=0,
            )
        except OSError as error:
            raise RouteError(f"{command[0]} cannot be started: {error.strerror or error}") from error
        try:
            _wait(child, start, seconds, alive)
        except TimeoutError:
            raise RouteError(f"`{command[0]} {command[1]}` was not done after {seconds:.0f} s") from None
        finally:
            _kill_group(child)
        output.seek(0)
        text = output.read()
    if child.returncode != 0:
        lines = text[-_KEPT_OUTPUT:].strip().splitlines()
        last = lines[-1].strip() if lines else "it printed nothing"
        raise RouteError(f"`{command[0]} {command[1]}` failed with code {child.returncode}: {last}")
    return text


def _wait(child: subprocess.Popen[bytes], start: float, seconds: float, alive: Callable[[float], None]) -> None:
    while True:
        left = start + seconds - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            child.wait(min(left, SIGN_OF_LIFE))
        except subprocess.TimeoutExpired:
            alive(time.monotonic() - start)
        else:
            return


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # all gone, or (macOS) only zombies are left
        pass
    finally:
        if child.stdin:
            child.stdin.close()
        child.wait()
