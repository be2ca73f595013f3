"""A program's output in, chunk by chunk; its beginning and its end out: a program that floods does not fill a disk."""

from __future__ import annotations

import threading
from collections.abc import Callable

HEAD_BYTES = 1_000_000  # passed on as it comes, of each stream and run of a program
TAIL_BYTES = 64_000  # of what comes after that, the last is shown when the stream ends
CUT = "… output beyond 1 MB is not shown, but for its last 64 kB:\n"


class CappedOutput:
    """One stream of one run."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._room = HEAD_BYTES
        self._tail = bytearray()
        self._at_line_start = True
        self._cut = False
        self._closed = False
        self._lock = threading.Lock()  # a stray that holds the stream open may still write when it is closed

    def take(self, chunk: bytes) -> None:
        """Pass on what there is room for, and keep the last of the rest."""
        with self._lock:
            if self._closed:
                return
            head, rest = chunk[: self._room], chunk[self._room :]
            self._room -= len(head)
            self._pass_on(head)
            self._tail += rest
            if len(self._tail) > TAIL_BYTES:
                self._cut = True
                del self._tail[:-TAIL_BYTES]

    def close(self) -> None:
        """Pass on the last of the rest; what comes later is dropped."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._cut:
                self._pass_on((b"" if self._at_line_start else b"\n") + CUT.encode())
                # Whole lines where there are any; characters of several bytes must not be cut in any case.
                self._tail = bytearray(self._tail.partition(b"\n")[2] or self._tail)
                while self._tail and self._tail[0] & 0xC0 == 0x80:  # noqa: PLR2004 - UTF-8's continuation bytes
                    del self._tail[0]
            self._pass_on(bytes(self._tail))

    def _pass_on(self, part: bytes) -> None:
        if part:
            self._write(part)
            self._at_line_start = part.endswith(b"\n")
