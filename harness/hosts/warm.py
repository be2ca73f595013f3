"""A program in; Pythons that have its SDK imported already, each run a fork of one, out.

Preview and `up` share one. The preview of a recheck gets another: its own hash seed orders sets otherwise, so a program
that depends on their order is found out as it would be tomorrow.
"""

from __future__ import annotations

import contextlib
import json
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


@dataclass(frozen=True)
class WarmProgram:
    """What is imported ahead, with what."""

    python: Path
    program: Path
    environ: Mapping[str, str]
    modules: Sequence[str] = ()


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
        self._lock = threading.Lock()
        self._forked: queue.SimpleQueue[_Fork | None] = queue.SimpleQueue()
        self._forks: dict[int, _Fork] = {}
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(str(what.python), "-u", str(_RUNNER), str(theirs.fileno())),
                    *(str(what.program), sys.prefix, *what.modules),
                ],
                stdin=subprocess.DEVNULL,
                stdout=2,  # a library that prints while it is imported must not speak for the host
                cwd=what.program.parent,
                env=dict(what.environ),
                pass_fds=(theirs.fileno(),),
                process_group=0,
            )
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
        self, cwd: Path, environ: Mapping[str, str], module: str | None = None, args: Sequence[str] = ()
    ) -> Launch:
        """A fork that runs the program of its stdin's request, or `python -m module args`."""
        request = {"module": module, "argv": list(args), "cwd": str(cwd), "environ": dict(environ)}
        line = json.dumps(request).encode() + b"\n"

        def start(ends: Ends) -> Process:
            fds = [fd for fd in (ends.stdin, ends.stdout, ends.stderr, ends.verdict) if fd >= 0]
            with self._lock:
                sent = socket.send_fds(self._channel, [line], fds)
                self._channel.sendall(line[sent:])
                try:
                    fork = self._forked.get(timeout=_FORK_SECONDS)
                except queue.Empty:
                    fork = None
            if fork is None:
                self.close()
                raise ChildProcessError("the prepared interpreter is gone")
            return fork

        return start

    def close(self) -> None:
        """End it, with all that was forked."""
        self._dead = True
        self._process.kill()

    def retire(self) -> None:
        """No more forks are wanted: it ends with the last of those that run."""
        with contextlib.suppress(OSError):  # it has ended already
            self._channel.sendall(b"{}\n")

    def _listen(self) -> None:
        with self._channel.makefile("rb") as lines:
            for line in lines:
                self._take(json.loads(line))
        self._dead = True
        self._process.wait()
        self._ready.set()
        self._forked.put(None)
        for fork in list(self._forks.values()):
            fork.code.put(-9)

    def _take(self, said: dict[str, Any]) -> None:
        if "ready" in said:
            self.version = said["ready"]
            self._ready.set()
        elif "pid" in said:
            fork = self._forks[said["pid"]] = _Fork(said["pid"])
            self._forked.put(fork)
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

    @property
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
        """`up` has begun: whatever runs the program after it gets a process with another hash seed."""
        self.after_preview()
        with self._lock:
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
