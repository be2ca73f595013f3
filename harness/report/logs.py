"""The path of a cell's log in; its end as text out, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.report.plain import printable

LONGEST = 64 * 1024  # bytes of one cell's log that a page carries


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The last lines; `left_out` bytes stand before them. Without text, `why` says what is the matter."""

    text: str
    left_out: int = 0
    why: str = ""


def end_of(log: str, longest: int = LONGEST) -> LogEnd:
    """The last whole lines that fit into `longest` bytes. Whoever ended the cell has taken the secrets out of it."""
    if not log:
        return LogEnd("", why="the cell has no log")
    try:
        with Path(log).open("rb") as file:
            size = file.seek(0, 2)
            start = max(0, size - longest)
            file.seek(start)
            block = file.read(longest)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return LogEnd("", why=f"the log cannot be read: {getattr(error, 'strerror', None) or error}")
    if start:
        whole = block.find(b"\n") + 1
        start, block = start + whole, block[whole:]
    text = printable(block.decode("utf-8", errors="backslashreplace"))
    return LogEnd(text, left_out=start, why="" if text.strip() else "the log is empty")
