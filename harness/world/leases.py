"""What we opened, where, until when, and whether it was closed: leases in the harness's database, synced to disk.

A lease is on disk before the first mutation of its cell, so that nothing that we open can be forgotten.
"""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from harness.model import Lease, LeaseState
from harness.world.database import BUSY, Database, open_database
from harness.world.tables import LeaseRow


class Leases:
    """The lease table of one harness home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, lease: Lease) -> None:
        """Write a lease, or take one over; it is on disk when this returns. Raises HomeError."""
        with self._database.session() as session:
            session.merge(LeaseRow(**lease.model_dump()))

    def settle(self, run: str, cell: str, state: LeaseState, reason: str) -> None:
        """Say how a lease stands now. Raises HomeError."""
        where = (LeaseRow.run == run, LeaseRow.cell == cell)
        with self._database.session() as session:
            session.execute(update(LeaseRow).where(*where).values(state=state.value, reason=reason))

    def listed(self, *, run: str | None = None, only_open: bool = False) -> Sequence[Lease]:
        """Leases, oldest first. Raises HomeError."""
        query = select(LeaseRow).order_by(LeaseRow.created)
        if run is not None:
            query = query.where(LeaseRow.run == run)
        if only_open:
            query = query.where(LeaseRow.state != LeaseState.CLOSED.value)
        with self._database.session() as session:
            return [_lease(row) for row in session.scalars(query)]

    def close(self) -> None:
        """Give the database back."""
        self._database.close()


def open_leases(path: Path) -> Leases:
    """The lease table, created when it is not there. Raises HomeError."""
    return Leases(open_database(path, busy=BUSY))


def owner() -> dict[str, Any]:
    """Who holds a lease that is opened now: user, host, process."""
    user = str(os.getuid())
    with suppress(KeyError, OSError):  # a container may have no name for its user
        user = getpass.getuser()
    return {"owner": user, "host": platform.node(), "process": os.getpid()}


def _lease(row: LeaseRow) -> Lease:
    return Lease(**{name: getattr(row, name) for name in Lease.model_fields})
