"""Messages of cells in, a live picture out; and at the end a summary in a person's words. All of it on stderr."""

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
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.model import CellResult, CellStatus, Failure, PhaseName, PhaseStatus, RunResult
from harness.run.messages import Message, NoteMessage, PhaseMessage, ProgressMessage

SLOWEST = 5  # resources that are named in the summary
REFRESH = 4  # pictures a second

_STYLE = {
    CellStatus.PASSED: "green",
    CellStatus.SKIPPED: "dim",
    CellStatus.KEPT: "yellow",
    CellStatus.INTERRUPTED: "yellow",
}
_MARK = {
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
        counted = f", {view.done} resources" if view.done else ""
        if message.phase is PhaseName.PREFLIGHT:
            counted = f", {view.planned} resources planned" if view.planned else ""
        line = f"{cell}: {message.phase} {_MARK[message.status]} ({message.seconds:.1f} s{counted})"
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


def summarise(result: RunResult, console: Console) -> None:
    """Phases, slowest resources, what failed and what is left, and one line of verdict."""
    for cell in result.cells:
        _cell(cell, console)
        if cell.status in {CellStatus.LEAKED, CellStatus.KEPT}:
            console.print(
                Text(f"  to end it: harness destroy {result.run}"), style="bold", highlight=False, soft_wrap=True
            )
    counts = ", ".join(
        f"{sum(cell.status is status for cell in result.cells)} {status.value.lower()}"
        for status in CellStatus
        if any(cell.status is status for cell in result.cells)
    )
    line = (
        f"{counts} in {result.seconds:.1f} s (engine {result.engine['version']} from {result.engine['origin']}, "
        f"provider {result.provider}, target {result.target}, run {result.run})"
    )
    console.print(Text(line), style="bold", highlight=False, soft_wrap=True)


def _cell(cell: CellResult, console: Console) -> None:
    style = _STYLE.get(cell.status, "red")
    console.print()
    console.print(
        f"[bold {style}]{cell.status}[/] {escape(cell.cell)} in {cell.region}", highlight=False, soft_wrap=True
    )
    if cell.phases:
        console.print(
            Text("  " + " · ".join(f"{p.phase} {_MARK[p.status]} {p.seconds:.1f} s" for p in cell.phases)),
            soft_wrap=True,
        )
    slow = sorted((t for t in cell.timings if not t.op.startswith("delete")), key=lambda t: -t.seconds)[:SLOWEST]
    if slow:
        names = ", ".join(f"{t.urn.rpartition('::')[2]} {t.seconds:.1f} s" for t in slow)
        console.print(Text(f"  slowest: {names}"), highlight=False, soft_wrap=True)
    r = cell.resources
    if cell.phases:
        probes = (
            f", {sum(p.status == 'passed' for p in cell.probes)}/{len(cell.probes)} probes passed"
            if cell.probes
            else ""
        )
        left = f"{len(r.leaked)} leaked, {len(r.unverified)} unverified"
        console.print(
            Text(f"  resources: {r.created} created, {r.deleted} deleted, {left}{probes}"),
            highlight=False,
            soft_wrap=True,
        )
    if cell.error is not None:
        _failure(cell.error, console)
    for ref in r.leaked:
        console.print(
            Text(f"  still there: {ref.type} {ref.id}: {ref.reason}"), style="red", highlight=False, soft_wrap=True
        )
    for ref in r.unverified:
        console.print(
            Text(f"  unverified: {ref.type} {ref.id}: {ref.reason}"), style="yellow", highlight=False, soft_wrap=True
        )
    if cell.status is not CellStatus.PASSED and cell.log:
        console.print(Text(f"  log: {cell.log}"), style="dim", highlight=False, soft_wrap=True)


def _failure(failure: Failure, console: Console) -> None:
    print_error(failure.message, failure.hint, console)
    if failure.detail:
        for line in failure.detail.splitlines():
            console.print(Text(f"  {line}"), style="dim", highlight=False, soft_wrap=True)


def print_error(message: str, hint: str, console: Console) -> None:
    """`error:` and `hint:`, the way every failure is told."""
    console.print(Text.assemble(("error: ", "bold red"), message), highlight=False, soft_wrap=True)
    if hint:
        console.print(Text.assemble(("hint: ", "bold cyan"), hint), highlight=False, soft_wrap=True)
