"""A program's output in, chunk by chunk; its beginning and its end out, in whole lines: a flood fills no disk."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

HEAD_BYTES = 1_000_000  # passed on as it comes, of each stream and run of a program
TAIL_BYTES = 64_000  # of what comes after that, the last is shown when the stream ends
LINE_BYTES = 64_000  # a line that is longer is passed on in pieces
_LINE_END = re.compile(rb"\r\n|[\r\n]")
CUT = "… output beyond 1 MB is not shown, but for its last 64 kB:\n"


class CappedOutput:
    """One stream of one run.

    A line is passed on whole, once it has ended: others write to the same place, and what they wrote in the middle of
    it would cut a secret in two, which nobody would recognize any more.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._room = HEAD_BYTES
        self._line = bytearray()  # what has come of one that has not ended
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
            ended = _end_of_lines(self._line) or (len(self._line) if len(self._line) > LINE_BYTES else 0)
            self._place(bytes(self._line[:ended]))
            del self._line[:ended]

    def _place(self, lines: bytes) -> None:
        fits = len(lines)
        if fits > self._room:
            fits = _end_of_lines(lines[: self._room])
            if not fits and not _end_of_lines(lines[:LINE_BYTES]):  # a line without end: pieces of it are shown
                fits = self._room
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
            self._place(bytes(self._line))
            if self._cut:
                self._pass_on((b"" if self._at_line_start else b"\n") + CUT.encode())
                # Whole lines where there are any; characters of several bytes must not be cut in any case.
                self._tail = bytearray(_LINE_END.split(self._tail, maxsplit=1)[-1] or self._tail)
                while self._tail and self._tail[0] & 0xC0 == 0x80:  # noqa: PLR2004 - UTF-8's continuation bytes
                    del self._tail[0]
            self._pass_on(bytes(self._tail))

    def _pass_on(self, part: bytes) -> None:
        if part:
            self._write(part)
            self._at_line_start = part.endswith(b"\n")


def _end_of_lines(data: bytes | bytearray) -> int:
    """How many bytes the lines take that have ended; a bar that shows progress ends its line by going back."""
    return max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
