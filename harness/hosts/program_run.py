"""The engine's Run request in; the program run to its end in a process of its own, and what went wrong, out."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from harness.hosts.child import Child, Launch, spawn
from harness.hosts.interpreter import InterpreterError, activated, find_interpreter
from harness.hosts.output import CappedOutput
from harness.hosts.tended import Tended
from harness.hosts.warm import WarmShelf, or_cold

_RUNNER = Path(__file__).with_name("program_runner.py")


@dataclass(frozen=True)
class ProgramRun:
    """One run of a program for one engine."""

    request: Any
    context: Any
    engine_address: str  # where the program's messages go
    tended: Tended
    shelf: WarmShelf | None

    def run(self) -> str | None:
        """None when all went well, else what to tell; empty when there is nothing to tell."""
        request = self.request
        if request.attach_debugger:
            return "the harness's Python language host cannot attach a debugger; run without --attach-debugger"
        info = request.info
        folder = Path(info.program_directory or request.pwd)
        program = folder / (info.entry_point or request.program or ".")
        if program.is_dir():
            program = program / "__main__.py"
        if not program.is_file():
            return f"there is no program at {program}; `main` in Pulumi.yaml names the file or its folder"
        try:
            python = interpreter_of(info)
        except InterpreterError as error:
            return str(error)
        try:
            ended = self._attend(self._launch(python, folder, program), program)
        except OSError as error:
            return f"the program's interpreter {python} cannot be started: {error.strerror or error}"
        if ended is None or self.tended.cancelled or not self.context.is_active():
            return ""
        return _judge(*ended, python)

    def _launch(self, python: Path, folder: Path, program: Path) -> Launch:
        environ = {**activated(python, os.environ), "PWD": str(folder)}
        cold = spawn((str(python), "-u", str(_RUNNER), str(os.getpid())), folder, environ)
        warm = None
        if self.shelf is not None:
            warm = self.shelf.take(python, lambda: self.context.is_active() and not self.tended.cancelled)
        return cold if warm is None else or_cold(warm.launch(folder, environ, [program.parent]), cold)

    def _attend(self, launch: Launch, program: Path) -> tuple[int, bytes] | None:
        """Exit code and verdict; None when the engine was stopping before it began."""
        out, err = (CappedOutput(_passer(fd)) for fd in (1, 2))

        def start() -> Child:
            return Child(launch, out.take, err.take, verdict=True, on_exit=self.tended.family.end_strays)

        with self.tended.child(start, self.context) as child:
            if child is None:
                return None
            if self.shelf is not None and not self.request.dryRun:
                self.shelf.turn()  # an `up` is the last that runs in the interpreter of the preview before it
            child.feed(json.dumps(self._asked(program)).encode())
            ended = child.wait()
            for stream in (out, err):
                stream.close()
        if self.shelf is not None and self.request.dryRun:
            self.shelf.after_preview()
        return ended

    def _asked(self, program: Path) -> dict[str, Any]:
        request = self.request
        return {
            "program": str(program),
            "root": request.info.root_directory or str(program.parent),
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization or "organization",
            "monitor": request.monitor_address,
            "engine": self.engine_address,
            "parallel": request.parallel,
            "preview": request.dryRun,
            "config": dict(request.config),
            "secret_keys": list(request.configSecretKeys),
            "keep_bytecode_under": sys.prefix,
            "drop_debug": self.shelf is not None,  # the engine of a cell is never asked for debug messages
        }


def interpreter_of(info: Any) -> Path:
    """The Python of the program or pack that the engine's ProgramInfo tells of. Raises InterpreterError."""
    options: Mapping[str, Any] = json_format.MessageToDict(info.options)
    folder = Path(info.program_directory)
    return find_interpreter(options, Path(info.root_directory or folder), folder, os.environ)


def _judge(code: int, verdict: bytes, python: Path) -> str | None:
    if code < 0:
        return f"the program was killed by signal {-code} ({_signal_name(-code)}) before it was done"
    if not verdict:
        return f"the program exited with code {code} before it was done (its interpreter is {python})"
    document = json.loads(verdict)
    if document["kind"] == "error":
        return str(document["message"])
    return None if document["kind"] == "done" else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return "no name"


def _passer(fd: int) -> Callable[[bytes], None]:
    """Write chunks to one of our own streams, which the engine reads and shows, or which is the cell's log."""

    def pass_on(chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            try:
                view = view[os.write(fd, view) :]
            except OSError:  # a full disk, or nobody reads: the output is lost, but the program must not wait for it
                return

    return pass_on
