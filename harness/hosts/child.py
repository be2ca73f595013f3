"""A command in, its output chunk by chunk and its end out: one process with a group of its own, gone when told."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

GRACE = 2.0  # seconds between SIGTERM and SIGKILL; the engine gives the whole host 5 s
_DRAIN = 1.0  # seconds for output that a process left in the pipe; a stray child that holds it open gets no longer
_CHUNK = 65536


class Child:
    """A process, the readers of its output, and the pipe of its verdict."""

    def __init__(
        self,
        command: Sequence[str],
        cwd: Path,
        environ: Mapping[str, str],
        on_stdout: Callable[[bytes], None],
        on_stderr: Callable[[bytes], None],
        *,
        verdict: bool = False,
        on_exit: Callable[[], None] = lambda: None,
    ) -> None:
        """Start it. With `verdict`, one more argument names a file descriptor that it can write to.

        `on_exit` is called once when it has ended, before the rest of its output is waited for.

        Raises:
            OSError: it cannot be started.
        """
        read_end, write_end = os.pipe() if verdict else (-1, -1)
        try:
            self._process = subprocess.Popen(
                [*command, str(write_end)] if verdict else list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=dict(environ),
                pass_fds=(write_end,) if verdict else (),
                process_group=0,
            )
        except BaseException:
            if verdict:
                os.close(read_end)
            raise
        finally:
            if verdict:
                os.close(write_end)
        self._on_exit = on_exit
        self._verdict = bytearray()
        self._ended = threading.Event()
        streams: list[tuple[IO[bytes] | None, Callable[[bytes], object]]] = [
            (self._process.stdout, on_stdout),
            (self._process.stderr, on_stderr),
        ]
        if verdict:
            streams.append((os.fdopen(read_end, "rb", buffering=0), self._verdict.extend))
        self._readers = [threading.Thread(target=_drain, args=stream, daemon=True) for stream in streams]
        for reader in self._readers:
            reader.start()

    @property
    def group(self) -> int:
        """The process group, which is also the process id."""
        return self._process.pid

    def feed(self, document: bytes) -> None:
        """Write all of its stdin and close it."""
        assert self._process.stdin is not None  # noqa: S101 - Popen was given a pipe
        try:
            with self._process.stdin as stdin:
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


def _drain(stream: IO[bytes], take: Callable[[bytes], object]) -> None:
    with stream:
        while chunk := os.read(stream.fileno(), _CHUNK):
            take(chunk)
