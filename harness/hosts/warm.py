"""A program in; Pythons that have its SDK imported already, each run a fork of one, out.

Preview and `up` share one. The preview of a recheck gets another: its own hash seed orders sets otherwise, so a program
that depends on their order is found out as it would be tomorrow.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.hosts.child import Ends, Launch, Process

_RUNNER = Path(__file__).with_name("warm_runner.py")
_LOOK = 0.02  # seconds between two looks at whether the wait is still wanted
_FORK_SECONDS = 30.0  # for a fork that takes 10 ms on a machine at rest
_GONE = "the prepared interpreter is gone"


@dataclass(frozen=True)
class WarmProgram:
    """What is imported ahead, with what."""

    python: Path
    program: Path
    environ: Mapping[str, str]


class RefusedError(Exception):
    """No fork was made: there is none, or it would not be like a Python of the program's own."""


def or_cold(warm: Launch, cold: Launch) -> Launch:
    """A fork where one can be had; else the same from cold, which costs the time of the imports and nothing else."""

    def launch(ends: Ends) -> Process:
        try:
            return warm(ends)
        except RefusedError as why:
            print(f"this run starts a Python of its own: {why}", file=sys.stderr, flush=True)
            return cold(ends)

    return launch


class _Fork:
    """One run: a process that is a child of the warm one, which tells its end."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: queue.SimpleQueue[int] = queue.SimpleQueue()

    def wait(self) -> int:
        """Its exit code; -9 when the warm process died and took it along."""
        return self.code.get()


class WarmPython:
    """One warm process. Whoever holds it may fork from it until it dies or is closed."""

    def __init__(self, what: WarmProgram) -> None:
        """Start it; the imports go on in the background.

        Raises:
            OSError: it cannot be started.
        """
        self.what = what
        self.version = ""
        self._ready = threading.Event()
        self._dead = False
        self._forking = threading.Lock()  # one fork at a time: answers carry no name
        self._sending = threading.Lock()
        self._answers: queue.SimpleQueue[_Fork | str] = queue.SimpleQueue()  # text is why there is none
        self._forks: dict[int, _Fork] = {}
        self._channel, theirs = socket.socketpair()
        fd = theirs.fileno()
        try:
            self._process = subprocess.Popen(
                [
                    *(str(what.python), "-u", str(_RUNNER)),
                    *(str(fd), str(what.program), sys.prefix, str(os.getpid())),
                ],
                stdin=subprocess.DEVNULL,
                stdout=2,  # a library that prints while it is imported must not speak for the host
                cwd=what.program.parent,
                env=dict(what.environ),
                pass_fds=(fd,),
                process_group=0,
            )
        except BaseException:
            self._channel.close()
            raise
        finally:
            theirs.close()
        threading.Thread(target=self._listen, name="warm", daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def fits(self, python: Path) -> bool:
        """Whether it is that interpreter, and lives."""
        return not self._dead and python == self.what.python

    def wait_ready(self, wanted: Callable[[], bool]) -> bool:
        """Wait for the imports, as long as that is still wanted. Says whether it can be forked."""
        while wanted() and not self._dead:
            if self._ready.wait(_LOOK):
                return not self._dead
        return False

    def launch(
        self, cwd: Path, environ: Mapping[str, str], beside: Sequence[Path], module: str = "", args: Sequence[str] = ()
    ) -> Launch:
        """A fork that runs the program of its stdin's request, or `python -m module args`; raises RefusedError.

        `beside` are the folders in which it finds modules of its own before those of the installation.
        """
        request = {
            "module": module,
            "argv": list(args),
            "cwd": str(cwd),
            "beside": [str(folder) for folder in beside],
            "environ": dict(environ),
        }
        line = json.dumps(request).encode() + b"\n"

        def start(ends: Ends) -> Process:
            fds = [fd for fd in (ends.stdin, ends.stdout, ends.stderr, ends.verdict) if fd >= 0]
            with self._forking:
                answer = self._ask(line, fds)
            if isinstance(answer, str):
                raise RefusedError(answer)
            return answer

        return start

    def _ask(self, line: bytes, fds: Sequence[int]) -> _Fork | str:
        try:
            with self._sending:
                sent = socket.send_fds(self._channel, [line], fds)
                self._channel.sendall(line[sent:])
            answer = self._answers.get(timeout=_FORK_SECONDS)
        except OSError as error:  # it has ended
            return f"{_GONE}: {error.strerror or error}"
        except queue.Empty:
            self.close()  # an answer that comes later would be taken for that of another run
            return f"the prepared interpreter does not answer within {_FORK_SECONDS:.0f} s"
        if self._dead:
            self._answers.put(_GONE)  # for whoever asks next
        return answer

    def close(self) -> None:
        """End it, with all that was forked."""
        self._dead = True
        self._process.kill()

    def retire(self) -> None:
        """No more forks are wanted: it ends with the last of those that run."""
        with contextlib.suppress(OSError), self._sending:  # it has ended already
            self._channel.sendall(b"{}\n")

    def _listen(self) -> None:
        with self._channel.makefile("rb") as lines:
            for line in lines:
                self._take(json.loads(line))
        self._dead = True
        self._process.wait()
        with self._sending:
            self._channel.close()
        self._ready.set()
        self._answers.put(_GONE)
        for fork in list(self._forks.values()):
            fork.code.put(-9)

    def _take(self, said: dict[str, Any]) -> None:
        if "ready" in said:
            self.version = said["ready"]
            self._ready.set()
        elif "pid" in said:
            fork = self._forks[said["pid"]] = _Fork(said["pid"])
            self._answers.put(fork)
        elif "refused" in said:
            self._answers.put(said["refused"])
        elif "ended" in said:
            self._forks.pop(said["ended"]).code.put(said["code"])


class WarmShelf:
    """The warm process that the next run forks from, and the one for after `up`."""

    def __init__(self, what: WarmProgram, *, fresh_after_up: bool) -> None:
        self._what = what
        self._fresh_after_up = fresh_after_up
        self._lock = threading.Lock()
        self._every: list[WarmPython] = []
        self._current = self._start()
        self._next: WarmPython | None = None
        self._turned = False

    def pids(self) -> set[int]:
        """Processes that are meant to live on."""
        with self._lock:
            return {each.pid for each in self._every}

    def version(self, python: Path) -> str:
        """Python's version, where it is known already; empty otherwise."""
        with self._lock:
            current = self._current
        return current.version if current is not None and current.fits(python) else ""

    def take(self, python: Path, wanted: Callable[[], bool]) -> WarmPython | None:
        """One that is ready for this interpreter; None: start one from cold."""
        with self._lock:
            current = self._current
        if current is None or not current.fits(python) or not current.wait_ready(wanted):
            return None
        return current

    def after_preview(self) -> None:
        """A preview is through, and `up` comes next: begin with the process for what comes after that."""
        with self._lock:
            if self._fresh_after_up and self._next is None and not self._turned:
                self._next = self._start()

    def turn(self) -> None:
        """`up` has begun: whatever runs the program after it, the next stage's `up` too, gets another hash seed."""
        with self._lock:
            if self._fresh_after_up and self._next is None:
                self._next = self._start()
            self._turned = True
            before, self._current, self._next = self._current, self._next, None
        if before is not None:
            before.retire()

    def _start(self) -> WarmPython | None:
        try:
            started = WarmPython(self._what)
        except OSError as error:  # the run starts one from cold, which tells what is wrong
            print(f"no prepared interpreter: {error}", file=sys.stderr)
            return None
        self._every.append(started)
        return started
