"""Rows in, a table for a person on standard output."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.model import Lease


def show_leases(leases: Sequence[Lease]) -> None:
    """One row a lease, readable in 80 columns; says so when there is none."""
    console = Console()
    if not leases:
        console.print("no open lease: nothing of ours is up")
        return
    table = Table("run", "state", "what", "where", "until (UTC), whose", box=None, pad_edge=False)
    for lease in leases:
        table.add_row(
            Text(lease.run, no_wrap=True),
            Text(lease.state.value, no_wrap=True),
            _lines(lease.cell, lease.reason),
            _lines(lease.target, f"{lease.region} {lease.account or ''}"),
            _lines(f"{lease.expires:%Y-%m-%d %H:%M}", f"{lease.owner}@{lease.host}"),
        )
    console.print(table)


def _lines(*parts: str) -> Text:
    return Text("\n".join(part for part in parts if part), overflow="fold")
