"""Rows in, a table for a person on standard output."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.model import Lease, LeaseState
from harness.run.leasing import spoken, worked_on


def show_leases(leases: Sequence[Lease], now: datetime) -> None:
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
            _lines(lease.cell, lease.reason or _evidence(lease, now)),
            _lines(lease.target, f"{lease.region} {lease.account or ''}"),
            _lines(_until(lease, now), f"{lease.owner}@{lease.host}", f"process {lease.process}", _life(lease, now)),
        )
    console.print(table)
    for lease in leases:
        if lease.state is not LeaseState.CLOSED:
            console.print(Text(f"state of {lease.cell}: {lease.backend or lease.directory}", overflow="fold"))


def _evidence(lease: Lease, now: datetime) -> str:
    return worked_on(lease, now)[1] if lease.state is LeaseState.OPEN else ""


def _until(lease: Lease, now: datetime) -> str:
    over = lease.state is not LeaseState.CLOSED and now >= lease.expires
    return f"{lease.expires:%Y-%m-%d %H:%M}{' expired' if over else ''}"


def _life(lease: Lease, now: datetime) -> str:
    if lease.state is LeaseState.CLOSED:
        return ""
    return f"sign of life {spoken(max(0.0, (now - lease.heartbeat).total_seconds()))} ago"


def _lines(*parts: str) -> Text:
    return Text("\n".join(part for part in parts if part), overflow="fold")
