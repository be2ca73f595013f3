"""A cell's program in; its language host out, started once for all engine calls, and how an engine attaches to it.

It starts before anything else is known, so that the program's SDK is being imported while the world is opened and the
cell's process starts; then it is handed over to that process, with the environment in which programs are to run. An
engine that finds no host to attach to starts one by itself, from its PATH: slower, and otherwise the same. So a host
that died costs time, and never a destroy.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import harness

if TYPE_CHECKING:
    from types import TracebackType

    from harness.model import Program

CELL_VARIABLE = "HARNESS_CELL"  # by it, what a program left running is found
_START_SECONDS = 20.0  # until its ports are told, on a machine that is busy; 0.15 s at rest
END_SECONDS = 5.0  # programs get 2 s to end politely
_CODE = "import sys; sys.path.append({root!r}); from harness.hosts.cell_host import main; main()"
# Of the user's environment, what could lead an import anywhere, or is ours, does not reach the host; programs get
# their whole environment later.
_LATER = ("AWS_", "PULUMI_", "HARNESS_")
_HANDED_OVER: list[subprocess.Popen[bytes]] = []  # children of ours that serve another process


class Language:
    """The language host of one cell, held by two pipes. A context manager; it ends when nobody holds them any more."""

    def __init__(self, stdin: int, stdout: int, process: subprocess.Popen[bytes] | None = None) -> None:
        """`process` is the host where it is our own child."""
        self.pipes = (stdin, stdout)
        self._process = process
        for fd in self.pipes:
            os.set_inheritable(fd, False)  # they were handed over; nothing that we start may hold them
        self._ports: tuple[str, ...] | None = None
        self._ended = False

    @classmethod
    def start(cls, program: Program, directory: Path, *, fresh_after_up: bool) -> Self:
        """Start one for the cell whose files lie in `directory`; its log goes to the cell's.

        With `fresh_after_up`, whatever runs the program after `up` gets an interpreter with another hash seed.

        Raises:
            OSError: no process, pipe or file can be had.
        """
        code = _CODE.format(root=str(Path(harness.__file__).parent.parent))
        options = json.dumps(dict(program.runtime_options))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_LATER)}
        theirs, stdin = os.pipe()
        stdout, theirs_too = os.pipe()
        try:
            with (directory / "cell.log").open("ab") as log:
                process = subprocess.Popen(
                    [
                        *(sys.executable, "-I", "-c", code, str(program.directory), str(program.main)),
                        *(options, "yes" if fresh_after_up else "no"),
                    ],
                    stdin=theirs,
                    stdout=theirs_too,
                    stderr=log,
                    env={
                        **kept,
                        "HARNESS_PYTHON": sys.executable,
                        CELL_VARIABLE: str(directory),
                        "PYTHONDONTWRITEBYTECODE": "1",
                    },
                    # Of its own, as the engine's is: a program that asks the user's terminal would be stopped for good.
                    start_new_session=True,
                )
        except BaseException:
            os.close(stdin)
            os.close(stdout)
            raise
        finally:
            os.close(theirs)
            os.close(theirs_too)
        return cls(stdin, stdout, process)

    def live(self, environment: Mapping[str, str]) -> None:
        """Give it the environment in which programs run."""
        # One that is gone already shows when an engine wants to attach.
        with contextlib.suppress(BrokenPipeError):
            os.write(self.pipes[0], json.dumps(dict(environment)).encode() + b"\n")

    def attachment(self, place: int = 0) -> dict[str, str]:
        """Environment by which an engine attaches; empty when there is no host. Two engines need two places."""
        if self._ports is None:
            self._ports = self._told()
        if not self._ports or self._gone():
            return {}
        return {"PULUMI_DEBUG_LANGUAGES": f"python:{self._ports[place]}"}

    def let_go(self) -> None:
        """Close the pipes, without waiting: another process holds them now."""
        if not self._ended:
            self._ended = True
            # Those of earlier cells have ended by now: a process that runs many must not collect them.
            _HANDED_OVER[:] = [process for process in _HANDED_OVER if process.poll() is None]
            if self._process is not None:
                _HANDED_OVER.append(self._process)
            for fd in self.pipes:
                os.close(fd)

    def close(self) -> None:
        """End it, with every program that it runs."""
        if self._ended:
            return
        self._ended = True
        os.close(self.pipes[0])
        # It holds the other end until it ends. Ports that nobody asked for may still lie there.
        while select.select([self.pipes[1]], [], [], END_SECONDS)[0] and os.read(self.pipes[1], 64):
            continue
        os.close(self.pipes[1])
        if self._process is not None:
            self._process.kill()  # it has ended, unless it hangs; then all that it runs ends with it
            self._process.wait()

    def _told(self) -> tuple[str, ...]:
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.pipes[1]], [], [], _START_SECONDS)
            part = os.read(self.pipes[1], 1) if ready else b""
            if not part:
                print("the language host does not start; each engine starts its own", file=sys.stderr)
                return ()
            line += part
        return tuple(line.decode("ascii").split())

    def _gone(self) -> bool:
        """Whether it ended: it says nothing after its ports, so a pipe that can be read is at its end."""
        return bool(select.select([self.pipes[1]], [], [], 0)[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
