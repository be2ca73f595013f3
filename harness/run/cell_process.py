"""A cell's specification in; its process out, with its messages, and a second process for the destroy if it dies."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence

from pydantic import ValidationError

from harness.model import CellResult, CellStatus, Failure, PhaseName, PhaseResult, PhaseStatus, ResourceRef, Resources
from harness.run.leak_record import write_leak_record
from harness.run.messages import GO, MESSAGES, CellSpec, Message, NoteMessage, ResultMessage
from harness.run.secrecy import Secrecy
from harness.world.files import CellFiles
from harness.world.language import Language
from harness.world.target import Target, program_environment

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

    @property
    def files(self) -> CellFiles:
        """Where the cell's files lie."""
        return CellFiles(self._spec.directory)

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
                return result
            failure = failure or self._death(spec)
            self._hear(NoteMessage(text=f"{failure.message}; destroying what it made"))
            first = spec.first_failure or failure
            spec = spec.model_copy(update={"recover": True, "first_failure": first})
        return _lost(spec)

    def stop(self, reason: str) -> None:
        """Ask the cell to stop and destroy."""
        self._stop = reason
        self._write(f"stop {reason}")

    def begin(self) -> None:
        """Start the process: it may preview, and makes nothing before `run`. Raises OSError or HomeError."""
        spec = self._spec
        files = CellFiles(spec.directory)
        files.make()
        if self._host is not None:
            spec = spec.model_copy(update={"host": self._host.pipes})
        with files.log.open("ab") as log:
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
            with contextlib.suppress(BrokenPipeError):  # it has ended already
                process.stdin.close()
            process.stdout.close()
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
        self._write(GO)
        if self._stop is not None and not spec.recover:
            self.stop(self._stop)
        result = None
        with process.stdout:
            for line in process.stdout:
                try:
                    message = MESSAGES.validate_json(line)
                except ValidationError:  # the last line of a process that was killed while it wrote
                    continue
                if isinstance(message, ResultMessage):
                    result = message.result
                else:
                    self._hear(message)
        return result

    def _death(self, spec: CellSpec) -> Failure:
        code = self._process.returncode if self._process else None
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        # Nothing of the log is repeated here: who would have taken the secrets out of it is dead.
        return Failure(
            phase=None, message=f"the cell process {how}", hint=f"its log is {CellFiles(spec.directory).log}"
        )


def _lost(spec: CellSpec) -> CellResult:
    """No process came to an end: nobody can say what is left, so it counts as leaked."""
    unknown = ResourceRef(type="stack", id=spec.cell.stack, reason="the destroy did not come to an end")
    phase = PhaseResult(phase=PhaseName.DESTROY, status=PhaseStatus.FAILED, seconds=0, detail="every process died")
    result = spec.blank_result(CellStatus.LEAKED, spec.first_failure)
    told = result.model_copy(update={"phases": (phase,), "resources": Resources(unverified=(unknown,))})
    return write_leak_record(spec, told, Secrecy(spec).text)


def _environment(spec: CellSpec) -> dict[str, str]:
    """The caller's, led to the target: probes run in that process, and may call boto3 by themselves."""
    target, files = Target(kind=spec.target, url=spec.url), CellFiles(spec.directory)
    return {
        **program_environment(target, os.environ, spec.cell.region, spec.account),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(files.temporary),
    }
