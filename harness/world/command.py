"""An engine call in, its output out: how the engine is run, also below the Automation API.

The SDK starts the engine in the caller's process group, without time-out or cancel. Here every call has a session of
its own, so that Ctrl-C in a terminal reaches the harness alone; the engine, and only its process id, is told to stop
by `Guard.stop`; and nothing of its session outlives it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from harness.world.forks import starting
from harness.world.recorded import record_process, recorded_process

_REST = 2.0  # seconds without a line from the pipe of an engine that has ended: what was in it has been read
TICK = 0.05  # seconds between two looks at the event log and the stop flag
# After the first SIGINT the engine waits for calls in flight. The bundled provider honours Cancel within 0.1 s; a
# provider that does not may need as long as its slowest create, which is worth waiting for: cut off, it leaves a
# pending operation.
FIRST_GRACE = 60.0
BUNDLED_GRACE = 15.0  # of ours, which answers a Cancel within half a second unless the machine is overwhelmed
SECOND_GRACE = 10.0  # a second signal ends the engine at once (0.1 s measured); this is for a machine under load


class EngineStoppedError(Exception):
    """The engine was told to stop before it was done; `reason` is why, `killed` whether it had to be killed."""

    def __init__(self, reason: str, *, killed: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.killed = killed


@dataclass(frozen=True, slots=True)
class Guard:
    """When a call must end before it is done, and what is done meanwhile."""

    stop: Callable[[], str | None]  # a reason to stop now, or None; asked every TICK
    tick: Callable[[], None] = lambda: None  # called every TICK, and once after the end
    grace: float = FIRST_GRACE  # seconds that calls in flight get to end by themselves
    tell: Callable[[str], None] = lambda _text: None  # what is done to an engine that must stop


class EngineFailedError(Exception):
    """A call ended with another code than 0; `finished` is all that it printed."""

    def __init__(self, finished: Finished) -> None:
        super().__init__(f"\n code: {finished.code}\n stdout: {finished.stdout}\n stderr: {finished.stderr}\n")
        self.finished = finished


@dataclass(frozen=True, slots=True)
class Finished:
    """A call that has ended."""

    stdout: str
    stderr: str
    code: int


class EngineCommand:
    """`pulumi`, run under a guard."""

    def __init__(self, executable: Path, version: str, environment: Mapping[str, str], pid_file: Path) -> None:
        self.executable = executable
        self.version = version
        self._environment = dict(environment)
        self._pid_file = pid_file
        self._guard = Guard(stop=lambda: None)

    @contextmanager
    def guarded(self, guard: Guard) -> Iterator[None]:
        """Every call inside ends when the guard says so."""
        before, self._guard = self._guard, guard
        try:
            yield
        finally:
            self._guard = before

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], object] | None = None,
        on_error: Callable[[str], object] | None = None,
    ) -> Finished:
        """Run one command to its end. Raises EngineFailedError or EngineStoppedError."""
        environment = {**self._environment, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        command = [str(self.executable), "--non-interactive", *(arg for arg in args if arg != "--non-interactive")]
        with starting():
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=environment,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        readers = [
            _Reader(stream, callback) for stream, callback in ((process.stdout, on_output), (process.stderr, on_error))
        ]
        try:
            record_process(self._pid_file, process.pid)  # who comes after a crash must find the engine that still runs
            stopped = self._attend(process)
        finally:
            end_session(process.pid)
            process.wait()
        for reader in readers:
            reader.finish()
        self._guard.tick()
        self._pid_file.unlink(missing_ok=True)
        if stopped is not None:
            raise stopped
        finished = Finished(readers[0].text, readers[1].text, process.returncode)
        if process.returncode != 0:
            raise EngineFailedError(finished)
        return finished

    def _attend(self, process: subprocess.Popen[str]) -> EngineStoppedError | None:
        guard = self._guard
        while True:
            try:
                process.wait(TICK)
            except subprocess.TimeoutExpired:
                guard.tick()
                reason = guard.stop()
                if reason is not None:
                    guard.tell(f"{reason}: the engine is asked to stop and gets {guard.grace:.0f} s for it")
                    killed = stop_engine(process, (guard.grace, SECOND_GRACE), guard.tick, guard.tell)
                    return EngineStoppedError(reason, killed=killed)
            else:
                return None


def stop_engine(
    process: subprocess.Popen[str] | psutil.Process,
    graces: tuple[float, float] = (FIRST_GRACE, SECOND_GRACE),
    tick: Callable[[], None] = lambda: None,
    tell: Callable[[str], None] = lambda _text: None,
) -> bool:
    """Interrupt, wait, interrupt again, wait, kill. Says whether it had to be killed (then its lock is left).

    `graces` are the seconds of the two waits. An engine that was stopped (SIGSTOP) is let go on, to end itself.
    """
    for number, grace in enumerate(graces, 1):
        if number > 1:
            tell(f"the engine does not stop: a second signal, and {grace:.0f} s more")
        try:
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGCONT)
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False
        end = time.monotonic() + grace
        while time.monotonic() < end:
            tick()
            try:
                process.wait(TICK)
            except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
                continue
            return False
    tell("the engine does not stop: it is killed, and its lock released without it")
    process.kill()
    return True


def end_session(session: int) -> None:
    """Kill what is left of a session after its leader ended or must end: hosts, programs, plugins."""
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # it ended meanwhile, or was never ours
            continue


def stop_recorded_engine(pid_file: Path, graces: tuple[float, float] = (FIRST_GRACE, SECOND_GRACE)) -> None:
    """End the engine that a dead cell process left behind, if it still is that very process, and its session.

    Of an engine that is dead the session's number may be the user's own by now; what is left of it carries the cell's
    mark, by which `end_remnants` finds it.
    """
    engine = recorded_process(pid_file)
    if engine is not None:
        with suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile; what it started may not have
            stop_engine(engine, graces)
        end_session(engine.pid)
    pid_file.unlink(missing_ok=True)


class _Reader(threading.Thread):
    """Takes a stream to its end, so that the engine never blocks on a full pipe."""

    def __init__(self, stream: IO[str] | None, callback: Callable[[str], object] | None) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._callback = callback
        self._lines: list[str] = []
        self.start()

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    def finish(self) -> None:
        """Wait for the rest of what an engine said that has ended. A fork of ours may hold the pipe open for ever."""
        lines = -1
        while self.is_alive() and lines != len(self._lines):
            lines = len(self._lines)
            self.join(_REST)

    def run(self) -> None:
        assert self._stream is not None  # noqa: S101 - Popen was given a pipe
        with self._stream:
            for line in self._stream:
                self._lines.append(line.rstrip())
                if self._callback:
                    self._callback(line.rstrip())
