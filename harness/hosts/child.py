"""A way to start a process in; its output chunk by chunk and its end out: a process group, gone when told."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

GRACE = 2.0  # seconds between SIGTERM and SIGKILL; the engine gives the whole host 5 s
_DRAIN = 1.0  # seconds for output that a process left in the pipe; a stray child that holds it open gets no longer
_CHUNK = 65536


class Process(Protocol):
    """What was started: the leader of a process group of its own."""

    pid: int

    def wait(self) -> int:
        """Wait for its end; its exit code, or the negative number of the signal that ended it."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The file descriptors that a process gets; closed here once it has them. `verdict` is -1 without one."""

    stdin: int
    stdout: int
    stderr: int
    verdict: int


Launch = Callable[[Ends], Process]


def spawn(command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Launch:
    """Start a command; with a verdict, one more argument names the file descriptor that it can write to."""

    def launch(ends: Ends) -> Process:
        verdict = (ends.verdict,) if ends.verdict >= 0 else ()
        return subprocess.Popen(
            [*command, *(str(fd) for fd in verdict)],
            stdin=ends.stdin,
            stdout=ends.stdout,
            stderr=ends.stderr,
            cwd=cwd,
            env=dict(environ),
            pass_fds=verdict,
            process_group=0,
        )

    return launch


class Child:
    """A process, the readers of its output, and the pipe of its verdict."""

    def __init__(
        self,
        launch: Launch,
        on_stdout: Callable[[bytes], None],
        on_stderr: Callable[[bytes], None],
        *,
        verdict: bool = False,
        on_exit: Callable[[], None] = lambda: None,
    ) -> None:
        """Start it. `on_exit` is called once when it has ended, before the rest of its output is waited for.

        Raises:
            OSError: it cannot be started.
        """
        pipes = [os.pipe() for _ in range(4 if verdict else 3)]
        (stdin, self._stdin), (stdout, stdout_end), (stderr, stderr_end) = pipes[:3]
        judged, verdict_end = pipes[3] if verdict else (-1, -1)
        given = [fd for fd in (stdin, stdout_end, stderr_end, verdict_end) if fd >= 0]
        try:
            self._process = launch(Ends(stdin, stdout_end, stderr_end, verdict_end))
        except BaseException:
            for fd in (self._stdin, stdout, stderr, judged):
                if fd >= 0:
                    os.close(fd)
            raise
        finally:
            for fd in given:
                os.close(fd)
        self._on_exit = on_exit
        self._verdict = bytearray()
        self._ended = threading.Event()
        streams: list[tuple[int, Callable[[bytes], object]]] = [(stdout, on_stdout), (stderr, on_stderr)]
        if verdict:
            streams.append((judged, self._verdict.extend))
        self._readers = [threading.Thread(target=_drain, args=stream, daemon=True) for stream in streams]
        for reader in self._readers:
            reader.start()

    @property
    def group(self) -> int:
        """The process group, which is also the process id."""
        return self._process.pid

    def feed(self, document: bytes) -> None:
        """Write all of its stdin and close it."""
        try:
            with open(self._stdin, "wb") as stdin:  # noqa: PTH123 - a file descriptor
                stdin.write(document)
        except BrokenPipeError:  # it ended at once; `wait` tells how
            return

    def wait(self) -> tuple[int, bytes]:
        """Wait for its end, end what it left running in its group, and return code and verdict."""
        code = self._process.wait()
        self._ended.set()
        self._signal(signal.SIGKILL)
        self._on_exit()
        deadline = time.monotonic() + _DRAIN
        for reader in self._readers:
            reader.join(max(0.0, deadline - time.monotonic()))
        return code, bytes(self._verdict)

    def end(self) -> None:
        """Tell it to end; kill it, with all of its group, when it has not after GRACE seconds."""
        if not self._ended.is_set():
            self._signal(signal.SIGTERM)
            if not self._ended.wait(GRACE):
                self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.group, number)
        except (ProcessLookupError, PermissionError):  # all gone, or (macOS) only a zombie is left
            return


def _drain(stream: int, take: Callable[[bytes], object]) -> None:
    with open(stream, "rb", buffering=0) as source:
        while chunk := source.read(_CHUNK):
            take(chunk)
