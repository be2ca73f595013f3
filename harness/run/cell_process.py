"""A cell's specification in; its process out, with its messages, and a second process for the destroy if it dies.

A process that is stopped, stuck or late is killed, and counts as one that died. Given up, it is killed with all that it
started, and no second one follows.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from pydantic import ValidationError

from harness.model import CellResult, CellStatus, Failure, PhaseName, PhaseResult, PhaseStatus, ResourceRef, Resources
from harness.run.interrupts import held_back
from harness.run.leak_record import write_leak_record
from harness.run.messages import ABANDON, GO, MESSAGES, AliveMessage, CellSpec, Message, NoteMessage, ResultMessage
from harness.run.overdue import Overdue
from harness.run.secrecy import Secrecy
from harness.world.command import stop_recorded_engine
from harness.world.files import CellFiles
from harness.world.language import Language
from harness.world.remnants import PROCESS_VARIABLE, end_remnants
from harness.world.target import Target, program_environment

GIVEN_UP_GRACES = (0.5, 3.0)  # seconds: a second signal ends an engine at once, with its lock released
LOOK = 1.0  # seconds between two looks at whether a process lives that says nothing
GOODBYE = 5.0  # seconds that a process which shall not run has to end
RECOVERIES = 2  # processes that may follow one that died: a third would most likely die of the same


class CellProcess:
    """Runs one cell in a process of its own, to its result, whatever becomes of the process."""

    def __init__(
        self,
        spec: CellSpec,
        hear: Callable[[Message], None],
        keep_open: Sequence[int] = (),
        host: Language | None = None,
    ) -> None:
        """`host` is a language host that was started early; it goes to the process."""
        self._spec = spec
        self._host = host
        self._begun = False
        self._hear = hear
        self._keep_open = tuple(keep_open)
        self._process: subprocess.Popen[str] | None = None
        self._stop: str | None = None
        self._overdue: Overdue | None = None
        self._killed: str | None = None
        self._given_up: str | None = None

    @property
    def standing(self) -> str:
        """Where the cell stands, in words."""
        return self._overdue.standing.told() if self._overdue is not None else "not begun"

    @property
    def destroying(self) -> bool:
        """Whether the destroy has begun."""
        return self._overdue is not None and self._overdue.standing.destroying

    @property
    def files(self) -> CellFiles:
        """Where the cell's files lie."""
        return CellFiles(self._spec.directory)

    @property
    def recovers(self) -> bool:
        """Whether it ends what an earlier process of the cell left, and a lease stands for that."""
        return self._spec.recover

    def run(self) -> CellResult:
        """Block until the cell has a result. A process that died is followed by one that destroys."""
        spec = self._spec
        for _ in range(RECOVERIES + 1):
            try:
                result, failure = self._once(spec), None
            except OSError as error:  # no process, pipe or file could be had
                self._end_host()
                result = None
                hint = "free processes, memory or disk; then harness destroy finishes it"
                failure = Failure(phase=None, message=f"the cell process cannot be started: {error}", hint=hint)
            if result is not None:
                return _not_begun(spec, result) or result
            if self._given_up is not None:
                return self._lost(spec, self._given_up)
            failure = failure or self._death(spec)
            self._hear(NoteMessage(text=f"{failure.message}; destroying what it made"))
            first = spec.first_failure or failure
            spec = spec.model_copy(update={"recover": True, "first_failure": first})
        return self._lost(spec, "every process died")

    def stop(self, reason: str) -> None:
        """Ask the cell to stop and destroy."""
        self._stop = reason
        if self._overdue is not None:
            self._overdue.asked_to_stop()
        self._write(f"stop {reason}")

    def watch(self) -> None:
        """Kill the process when it is stopped, stuck or late: `run` lets another destroy. To be called often."""
        process, overdue = self._process, self._overdue
        if process is None or overdue is None or self._killed is not None:
            return
        self._killed = overdue.why()
        if self._killed is not None:
            process.kill()

    def give_up(self, why: str) -> None:
        """End the process and all that it started, destroyed or not; `run` returns soon, and says what is left."""
        self._given_up = why
        if self._process is not None:
            self._process.kill()

    def begin(self) -> None:
        """Start the process: it may preview, and makes nothing before `run`. Raises OSError or HomeError."""
        spec = self._spec
        files = CellFiles(spec.directory)
        files.make()
        files.result.unlink(missing_ok=True)  # an earlier process's must not pass for this one's
        if self._host is not None:
            spec = spec.model_copy(update={"host": self._host.pipes})
        with files.log.open("ab") as log, held_back():
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "harness.run.cell"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
                start_new_session=True,  # the terminal's Ctrl-C is for the CLI, which asks the cell to stop
                pass_fds=(*self._keep_open, *(spec.host or ())),
                env=_environment(spec),
            )
        self._begun = True
        if self._host is not None:
            self._host.let_go()
            self._host = None
        self._write(spec.model_dump_json())

    def abandon(self) -> None:
        """End a process that was begun and shall not run. It has made nothing."""
        process = self._process
        if process is not None and process.stdin is not None and process.stdout is not None:
            self._write(ABANDON)
            with contextlib.suppress(BrokenPipeError):  # it has ended already
                process.stdin.close()
            process.stdout.close()
            try:
                process.wait(GOODBYE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._end_host()

    def _end_host(self) -> None:
        """End a host that no process took over."""
        host, self._host = self._host, None
        if host is not None:
            host.close()

    def _write(self, line: str) -> None:
        """A line for the process. One that has just ended shows by the end of what it says."""
        process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(BrokenPipeError, ValueError):
                process.stdin.write(line + "\n")
                process.stdin.flush()

    def _once(self, spec: CellSpec) -> CellResult | None:
        if not self._begun:
            self._spec = spec
            self.begin()
        self._begun = False
        process, spec = self._process, self._spec
        assert process is not None  # noqa: S101 - it was begun
        try:
            return self._attend(process, spec)
        finally:
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):  # it had its result before it was told to go on
                    process.stdin.close()
            process.wait()

    def _attend(self, process: subprocess.Popen[str], spec: CellSpec) -> CellResult | None:
        assert process.stdout is not None  # noqa: S101 - Popen was given pipes
        self._killed = None
        self._overdue = overdue = Overdue(time.monotonic, spec.limits, recovers=spec.recover)
        if self._given_up is not None:  # before there was a process to kill
            process.kill()
        self._write(GO)
        if self._stop is not None and not spec.recover:
            self.stop(self._stop)
        result = None
        with process.stdout:
            for line in _lines(process):
                try:
                    message = MESSAGES.validate_json(line)
                except ValidationError:  # the last line of a process that was killed while it wrote
                    continue
                overdue.hear(message)
                if isinstance(message, ResultMessage):
                    result = message.result  # the last that it has to say
                    process.wait()
                    break
                if not isinstance(message, AliveMessage):
                    overdue.hearing = True
                    self._hear(message)
                    overdue.hearing = False
        return result or self._written()

    def _written(self) -> CellResult | None:
        """The result of a process that ended while nobody listened: it was written first."""
        try:
            return CellResult.model_validate_json(self.files.result.read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return None

    def _lost(self, spec: CellSpec, why: str) -> CellResult:
        """Nobody of the cell is left: then its files are cleaned as a cell does it at its end."""
        self._end_family()
        secrecy = _secrecy(spec)
        return write_leak_record(spec, secrecy.clean(_unknown(spec, why)), secrecy.text)

    def _end_family(self) -> None:
        """Engines first, with two signals in quick succession: they write what they know."""
        for pid_file in (self.files.engine_pid, *self.files.more_engine_pids):
            stop_recorded_engine(pid_file, GIVEN_UP_GRACES)
        end_remnants(str(self.files.directory))

    def _death(self, spec: CellSpec) -> Failure:
        code = self._process.returncode if self._process else None
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        if self._killed is not None:
            how = f"{self._killed} and was killed"
        # Nothing of the log is repeated here: who would have taken the secrets out of it is dead.
        return Failure(
            phase=None, message=f"the cell process {how}", hint=f"its log is {CellFiles(spec.directory).log}"
        )


def _lines(process: subprocess.Popen[str]) -> Iterator[bytes]:
    """What a process says, as long as it lives: something that it left running may hold its end open for ever."""
    assert process.stdout is not None  # noqa: S101 - Popen was given pipes
    rest, fd = b"", process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            if not selector.select(LOOK):
                if process.poll() is not None:
                    return
                continue
            chunk = os.read(fd, 65536)
            if not chunk:
                yield rest
                return
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines


def _not_begun(spec: CellSpec, result: CellResult) -> CellResult | None:
    """A recovery that ended before its first phase, the destroy, has proved nothing; None for any other result."""
    if not spec.recover or result.phases:
        return None
    return lost(spec, result.error.message if result.error else "its process began no destroy")


def lost(spec: CellSpec, why: str) -> CellResult:
    """None was begun that could say what is left, so it counts as leaked. An earlier one may still be at work."""
    secrecy = _secrecy(spec)
    secrecy.blank_log()  # a report shows it
    return write_leak_record(spec, _unknown(spec, why), secrecy.text)


def _secrecy(spec: CellSpec) -> Secrecy:
    """With what processes knew that died; what cannot be removed is told in the cell's log."""
    files = CellFiles(spec.directory)

    def tell(text: str) -> None:
        with contextlib.suppress(OSError), files.log.open("a", encoding="utf-8") as log:
            log.write(f"{text}\n")

    return Secrecy(spec.model_copy(update={"recover": True}), tell=tell)


def _unknown(spec: CellSpec, why: str) -> CellResult:
    unknown = ResourceRef(type="stack", id=spec.cell.stack, reason="the destroy did not come to an end")
    phase = PhaseResult(phase=PhaseName.DESTROY, status=PhaseStatus.FAILED, seconds=0, detail=why)
    hint = f"harness destroy {spec.run} finishes it; the lease stays open"
    failure = spec.first_failure or Failure(phase=PhaseName.DESTROY, message=f"not destroyed: {why}", hint=hint)
    result = spec.blank_result(CellStatus.LEAKED, failure)
    return result.model_copy(update={"phases": (phase,), "resources": Resources(unverified=(unknown,))})


def _environment(spec: CellSpec) -> dict[str, str]:
    """The caller's, led to the target: probes run in that process, and may call boto3 by themselves."""
    target, files = Target(kind=spec.target, url=spec.url), CellFiles(spec.directory)
    return {
        **program_environment(target, os.environ, spec.cell.region, spec.account),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(files.temporary),
        PROCESS_VARIABLE: secrets.token_hex(8),
    }
