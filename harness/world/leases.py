"""What we opened, where, until when, and whether it was closed: leases in the harness's database, synced to disk.

A lease is on disk before the first mutation of its cell, so that nothing that we open can be forgotten. Whoever works
on a lease owns it, and says so again and again; another takes it over by changing what it saw: of two one wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import ColumnElement, and_, delete, insert, not_, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from harness.model import Lease, LeaseState
from harness.world.database import BUSY, Database, open_database
from harness.world.identity import owner
from harness.world.tables import LeaseRow


class Leases:
    """The lease table of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, lease: Lease) -> None:
        """Write a lease, or write it anew; it is on disk when this returns. Raises HomeError."""
        # Statements, no objects: the mapper would keep what it compiles for each database that was ever opened.
        with self._database.session() as session:
            session.execute(delete(LeaseRow).where(LeaseRow.run == lease.run, LeaseRow.cell == lease.cell))
            session.execute(insert(LeaseRow).values(**lease.model_dump()))

    def begin(self, lease: Lease) -> bool:
        """Write a lease unless there is one of that run and cell; says whether it was written. Raises HomeError."""
        with self._database.session() as session:
            try:
                with session.begin_nested():
                    session.execute(insert(LeaseRow).values(**lease.model_dump()))
            except IntegrityError:
                return False
        return True

    def take_over(self, seen: Lease, now: datetime | None = None) -> bool:
        """Become the owner of a lease as it was seen; False when it has changed since. Raises HomeError.

        It is open then, and ours, until it is settled or we are dead.
        """
        values = {**owner(), "state": LeaseState.OPEN.value, "heartbeat": now or datetime.now(UTC)}
        where = (
            LeaseRow.run == seen.run,
            LeaseRow.cell == seen.cell,
            LeaseRow.state == seen.state.value,
            LeaseRow.host == seen.host,
            LeaseRow.process == seen.process,
            LeaseRow.heartbeat == seen.heartbeat,
            LeaseRow.expires == seen.expires,  # somebody may have extended it since
        )
        with self._database.session() as session:
            changed = session.execute(update(LeaseRow).where(*where).values(values).returning(LeaseRow.run))
            return changed.first() is not None

    def beat(self, cells: Iterable[tuple[str, str]], now: datetime | None = None) -> list[tuple[str, str]]:
        """Say that we still work on these (run, cell); returns those that somebody else took over. Raises HomeError."""
        these = tuple_(LeaseRow.run, LeaseRow.cell).in_(list(cells))
        with self._database.session() as session:
            session.execute(update(LeaseRow).where(these, *_ours()).values(heartbeat=now or datetime.now(UTC)))
            held = session.execute(select(LeaseRow.run, LeaseRow.cell).where(these, not_(and_(*_ours()))))
            return [(run, cell) for run, cell in held]

    def extend(self, run: str, until: datetime) -> int:
        """Let a run's leases that are not closed expire then; how many these were. Raises HomeError."""
        where = (LeaseRow.run == run, LeaseRow.state != LeaseState.CLOSED.value)
        with self._database.session() as session:
            changed = session.execute(update(LeaseRow).where(*where).values(expires=until).returning(LeaseRow.cell))
            return len(changed.all())

    def settle(self, run: str, cell: str, state: LeaseState, reason: str) -> bool:
        """Say how a lease of ours stands now; False when somebody else took it over. Raises HomeError.

        One that is gone with its database is nobody's.
        """
        where = (LeaseRow.run == run, LeaseRow.cell == cell, *_ours())
        values = {"state": state.value, "reason": reason}
        with self._database.session() as session:
            settled = session.execute(update(LeaseRow).where(*where).values(values).returning(LeaseRow.run))
            if settled.first() is not None:
                return True
            return session.execute(select(LeaseRow.run).where(*where[:2])).first() is None

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


def open_leases(where: Path | str, *, busy: float | None = None) -> Leases:
    """The lease table, created when it is not there; `busy` as in `open_database`. Raises HomeError."""
    return Leases(open_database(where, busy=BUSY if busy is None else busy))


def _ours() -> tuple[ColumnElement[bool], ...]:
    """What holds for a lease that this process opened or took over.

    As long as we live nobody else on this machine has our process id. Its start is not asked for: it is worked out from
    the clock, and the clock may be set while we run.
    """
    us = owner()
    return tuple(getattr(LeaseRow, name) == us[name] for name in ("host", "machine", "process"))


def _lease(row: LeaseRow) -> Lease:
    return Lease(**{name: getattr(row, name) for name in Lease.model_fields})
