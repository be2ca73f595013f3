"""Messages in; JSON lines for the CLI out. Whether anybody reads them never holds up the cell.

A CLI that is gone is not an error; one that is stopped, or whose terminal is, must not stop a destroy with it.
"""

from __future__ import annotations

import os
import queue
import threading
from pathlib import Path
from typing import Final, TextIO

from harness.run.messages import AliveMessage, Message, ProgressMessage

_FULL: Final = 1000  # lines nobody has read: progress and signs of life are of no use behind them


class Voice:
    """Says what a cell has to say, in its order, by a thread of its own. Safe in a signal handler."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()  # its `put` may interrupt itself
        self._thread = threading.Thread(target=self._write, name="voice", daemon=True)
        self._thread.start()

    def say(self, message: Message) -> None:
        """One JSON line."""
        if isinstance(message, AliveMessage | ProgressMessage) and self._lines.qsize() > _FULL:
            return
        self._lines.put(message.model_dump_json() + "\n")

    def end(self, seconds: float) -> None:
        """Wait until all is said, `seconds` at most."""
        self._lines.put(None)
        self._thread.join(seconds)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._stream.write(line)
                if self._lines.empty():
                    self._stream.flush()
            except (BrokenPipeError, ValueError):
                self._stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the rest of our life
        self._stream.flush()
