"""A program's output in, chunk by chunk; its beginning and its end out, in whole lines: a flood fills no disk."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

HEAD_BYTES = 1_000_000  # passed on as it comes, of each stream and run of a program
TAIL_BYTES = 64_000  # of what comes after that, the last is shown when the stream ends
LINE_BYTES = 1_000_000  # of a line that is longer nothing is passed on
_LINE_END = re.compile(rb"\r\n|[\r\n]")
CUT = "… output beyond 1 MB is not shown, but for its last 64 kB:\n"
CUT_OFF = "… output beyond 1 MB is not shown\n"
TOO_LONG = "… a line of more than 1 MB is not shown\n"


class CappedOutput:
    """One stream of one run.

    A line is passed on whole, once it has ended, or not at all: a part of it may hold a part of a secret, which nobody
    would recognize any more; and others, who write to the same place, would cut one in two.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._room = HEAD_BYTES
        self._line = bytearray()  # what has come of one that has not ended
        self._too_long = False  # and it began with what is dropped already
        self._tail = bytearray()
        self._at_line_start = True
        self._cut = False
        self._closed = False
        self._lock = threading.Lock()  # a stray that holds the stream open may still write when it is closed

    def take(self, chunk: bytes) -> None:
        """Pass on the lines that have ended and for which there is room, and keep the last of the rest."""
        with self._lock:
            if self._closed:
                return
            self._line += chunk
            if self._too_long:
                self._drop()
            ended = _end_of_lines(self._line)
            self._place(bytes(self._line[:ended]))
            del self._line[:ended]
            if len(self._line) > LINE_BYTES:
                self._too_long = True
                self._drop()

    def _drop(self) -> None:
        """Of a line that is too long, what has come of it."""
        end = _LINE_END.search(self._line)
        del self._line[: end.end() if end else None]
        if end:
            self._too_long = False
            self._place(TOO_LONG.encode())

    def _place(self, lines: bytes) -> None:
        fits = len(lines)
        if fits > self._room:
            fits = _end_of_lines(lines[: self._room])
        self._pass_on(lines[:fits])
        self._room = self._room - fits if fits == len(lines) else 0
        self._tail += lines[fits:]
        if len(self._tail) > TAIL_BYTES:
            self._cut = True
            del self._tail[:-TAIL_BYTES]

    def close(self) -> None:
        """Pass on the last of the rest; what comes later is dropped."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._place(TOO_LONG.encode() if self._too_long else bytes(self._line))
            if self._cut:
                _, *whole = _LINE_END.split(self._tail, maxsplit=1)
                self._tail = bytearray(b"".join(whole))
                told = CUT if self._tail else CUT_OFF
                self._pass_on((b"" if self._at_line_start else b"\n") + told.encode())
            self._pass_on(bytes(self._tail))

    def _pass_on(self, part: bytes) -> None:
        if part:
            self._write(part)
            self._at_line_start = part.endswith(b"\n")


def _end_of_lines(data: bytes | bytearray) -> int:
    """How many bytes the lines take that have ended; a bar that shows progress ends its line by going back."""
    return max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
