"""Nothing in; the console for tables on standard output out: as wide as the terminal, and unfolded in a pipe."""

from __future__ import annotations

import os
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

_UNFOLDED = 10_000
"""Columns. A program that reads a table wants a row a line; a person has a terminal, or sets COLUMNS."""


def stdout_console() -> Console:
    """The console; COLUMNS is honoured."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return Console(highlight=False)
    return Console(highlight=False, width=_UNFOLDED)


def plain_table(*headers: str) -> Table:
    """A table without lines: columns one space apart, nothing at the edges."""
    return Table(*headers, box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=bool(headers))


def show(console: Console, table: Table) -> None:
    """Print a table; where it is not a terminal that reads, without spaces at the ends of lines."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        console.print(Text(line.rstrip()), soft_wrap=True)
