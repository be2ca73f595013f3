"""Rows in, a table for a person on standard output."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from harness.model import Lease


def show_leases(leases: Sequence[Lease]) -> None:
    """One row a lease; says so when there is none."""
    console = Console()
    if not leases:
        console.print("no open lease: nothing of ours is up")
        return
    table = Table("run", "cell", "state", "target", "region", "account", "owner", "expires (UTC)", "why")
    for lease in leases:
        table.add_row(
            lease.run,
            lease.cell,
            lease.state.value,
            lease.target,
            lease.region,
            lease.account or "",
            f"{lease.owner}@{lease.host}",
            f"{lease.expires:%Y-%m-%d %H:%M}",
            lease.reason,
        )
    console.print(table)
