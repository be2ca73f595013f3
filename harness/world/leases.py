"""What we opened, where, until when, and whether it was closed: leases in the harness's database, synced to disk.

A lease is on disk before the first mutation of its cell, so that nothing that we open can be forgotten.
"""

from __future__ import annotations

import fcntl
import getpass
import os
import platform
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, String, create_engine, event, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from harness.errors import HomeError
from harness.model import Lease, LeaseState

BUSY = 10.0  # seconds to wait for another process that writes


class _Base(DeclarativeBase):
    """The harness's tables."""


class _LeaseRow(_Base):
    __tablename__ = "lease"

    run: Mapped[str] = mapped_column(String, primary_key=True)
    cell: Mapped[str] = mapped_column(String, primary_key=True)
    stack: Mapped[str]
    program: Mapped[str]
    target: Mapped[str]
    region: Mapped[str]
    account: Mapped[str | None]
    directory: Mapped[str]
    owner: Mapped[str]
    host: Mapped[str]
    process: Mapped[int]
    created: Mapped[datetime]
    expires: Mapped[datetime]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(String, default="")


class Leases:
    """The lease table of one harness home."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path

    def open(self, lease: Lease) -> None:
        """Write a lease, or take one over; it is on disk when this returns. Raises HomeError."""
        row = _LeaseRow(**lease.model_dump())
        self._write(lambda session: session.merge(row))

    def settle(self, run: str, cell: str, state: LeaseState, reason: str) -> None:
        """Say how a lease stands now. Raises HomeError."""
        where = (_LeaseRow.run == run, _LeaseRow.cell == cell)

        def change(session: Session) -> None:
            session.execute(update(_LeaseRow).where(*where).values(state=state.value, reason=reason))

        self._write(change)

    def listed(self, *, run: str | None = None, only_open: bool = False) -> Sequence[Lease]:
        """Leases, oldest first. Raises HomeError."""
        query = select(_LeaseRow).order_by(_LeaseRow.created)
        if run is not None:
            query = query.where(_LeaseRow.run == run)
        if only_open:
            query = query.where(_LeaseRow.state != LeaseState.CLOSED.value)
        try:
            with Session(self._engine) as session:
                return [_lease(row) for row in session.scalars(query)]
        except SQLAlchemyError as error:
            raise self._refused(error) from error

    def close(self) -> None:
        """Give the database back."""
        self._engine.dispose()

    def _write(self, work: Callable[[Session], object]) -> None:
        try:
            with Session(self._engine) as session, session.begin():
                work(session)
        except SQLAlchemyError as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> HomeError:
        cause = getattr(error, "orig", None) or error
        return HomeError(
            f"the lease database {self._path} cannot be used: {cause}",
            hint="without a lease nothing is made; free the lock or the disk, or set HARNESS_HOME elsewhere",
        )


def open_leases(path: Path) -> Leases:
    """The lease table, created when it is not there. Raises HomeError."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY})
    event.listen(engine, "connect", _durable)
    leases = Leases(engine, path)
    try:
        with path.with_name(path.name + ".lock").open("w") as lock:
            # Two first users at once would both create the tables, and both switch the journal's mode.
            fcntl.flock(lock, fcntl.LOCK_EX)
            _Base.metadata.create_all(engine)
    except OSError as error:
        raise leases._refused(error) from error  # noqa: SLF001 - the same module
    except SQLAlchemyError as error:
        raise leases._refused(error) from error  # noqa: SLF001 - the same module
    return leases


def owner() -> dict[str, Any]:
    """Who holds a lease that is opened now: user, host, process."""
    user = str(os.getuid())
    with suppress(KeyError, OSError):  # a container may have no name for its user
        user = getpass.getuser()
    return {"owner": user, "host": platform.node(), "process": os.getpid()}


def _durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":  # to set it anew takes a lock, each time
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # WAL syncs at checkpoints only by default: a lease must be on disk
    cursor.close()


def _lease(row: _LeaseRow) -> Lease:
    values = {name: getattr(row, name) for name in Lease.model_fields}
    for name in ("created", "expires"):  # SQLite keeps no time zone; all of ours are UTC
        values[name] = values[name].replace(tzinfo=UTC)
    return Lease(**values)
