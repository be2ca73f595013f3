"""Messages of cells in; a live picture out, and the lines that stay. All of it on stderr."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TextIO, cast

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.model import PhaseName, PhaseStatus
from harness.report.plain import printable
from harness.run.messages import Message, NoteMessage, PhaseMessage, ProgressMessage

REFRESH = 4  # pictures a second

MARK = {
    PhaseStatus.PASSED: "ok",
    PhaseStatus.FAILED: "FAILED",
    PhaseStatus.INTERRUPTED: "stopped",
    PhaseStatus.SKIPPED: "-",
}


class _Forgiving(io.TextIOBase):
    """A stream that goes silent when it breaks: a closed terminal must not stop a destroy."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if self._stream is not None:
            try:
                self._stream.write(text)
            except (OSError, ValueError):
                self._break()
        return len(text)

    def flush(self) -> None:
        if self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._break()

    def _break(self) -> None:
        """Say no more. What lies in the stream's buffer goes nowhere, or Python's own end would stumble over it."""
        stream, self._stream = self._stream, None
        if stream is not None and not stream.closed:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)

    def isatty(self) -> bool:
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:
            return False

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError("the stream is closed")
        return self._stream.fileno()


def stderr_console() -> Console:
    """Where people read: standard error, as long as somebody listens there."""
    return Console(file=cast("TextIO", _Forgiving(sys.stderr)))


@dataclass(slots=True)
class _CellView:
    phase: PhaseName | None = None
    began: float = 0.0
    done: int = 0
    planned: int = 0
    waiting: str = ""
    ended: list[str] = field(default_factory=list)


class LiveView(AbstractContextManager["LiveView"]):
    """Shows every cell while it runs: a moving picture in a terminal, a line per phase elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._cells: dict[str, _CellView] = {}
        self._lock = threading.Lock()
        self._live = Live(
            self._picture(), console=console, refresh_per_second=REFRESH, transient=True, get_renderable=self._picture
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def tell(self, text: str) -> None:
        """A line that stays."""
        self._console.print(Text(text), style="dim", highlight=False, soft_wrap=True)

    def hear(self, cell: str, message: Message) -> None:
        """One message of one cell."""
        with self._lock:
            view = self._cells.setdefault(cell, _CellView())
            match message:
                case PhaseMessage():
                    self._phase(cell, view, message)
                case ProgressMessage():
                    view.done, view.planned, view.waiting = message.done, message.planned, message.waiting
                case NoteMessage():
                    self._console.print(Text(f"{cell}: {message.text}"), highlight=False, soft_wrap=True)
                case _:
                    self._cells.pop(cell)

    def _phase(self, cell: str, view: _CellView, message: PhaseMessage) -> None:
        if message.status is PhaseStatus.RUNNING:
            view.phase, view.began = message.phase, time.monotonic()
            view.done = view.planned = 0
            view.waiting = ""
            return
        if message.status is PhaseStatus.SKIPPED:
            return
        changes = message.phase in {PhaseName.UP, PhaseName.DESTROY}  # the others count steps that nobody takes
        counted = f", {view.done} resources" if view.done and changes else ""
        if message.phase is PhaseName.PREFLIGHT:
            counted = f", {view.planned} resources planned" if view.planned else ""
        line = f"{cell}: {message.phase} {MARK[message.status]} ({message.seconds:.1f} s{counted})"
        self._console.print(Text(line), highlight=False, soft_wrap=True)

    def _picture(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, view in list(self._cells.items()):
            if view.phase is None:
                continue
            of = f"{view.done}/{view.planned}" if view.planned else ""
            waiting = f"waiting for {view.waiting}" if view.waiting else ""
            elapsed = f"{time.monotonic() - view.began:.0f} s"
            table.add_row(
                Text(">"), Text(name), Text(str(view.phase)), Text(of), Text(elapsed), Text(waiting, style="dim")
            )
        return table


def print_error(message: str, hint: str, console: Console) -> None:
    """`error:` and `hint:`, the way every failure is told."""
    console.print(Text.assemble(("error: ", "bold red"), printable(message)), highlight=False, soft_wrap=True)
    if hint:
        console.print(Text.assemble(("hint: ", "bold cyan"), printable(hint)), highlight=False, soft_wrap=True)


def print_warning(message: str, hint: str, console: Console) -> None:
    """What went wrong beside the work, and costs nothing."""
    console.print(Text.assemble(("warning: ", "bold yellow"), printable(message)), highlight=False, soft_wrap=True)
    if hint:
        console.print(Text.assemble(("hint: ", "bold cyan"), printable(hint)), highlight=False, soft_wrap=True)
