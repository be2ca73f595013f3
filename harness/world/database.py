"""A file or URL in; the harness's database out: durable, its schema known, shared by leases and history."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Dialect, Engine, Integer, Table, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from harness.errors import HomeError
from harness.world.database_file import LOCK_SUFFIX, SCHEMA, newer

BUSY = 10.0  # seconds to wait for another process that writes


class Base(DeclarativeBase):
    """The harness's tables. A module that declares some is named in `_declare`."""


class UTCDateTime(TypeDecorator[datetime]):
    """Aware datetimes, kept as UTC without zone: SQLite keeps no zone, and PostgreSQL would convert to its own."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """On its way in."""
        del dialect
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """On its way out."""
        del dialect
        return None if value is None else value.replace(tzinfo=UTC)


# One row: the version of all tables, by which a later harness knows what it must change.
_SCHEMA = Table(
    "schema_version",
    Base.metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
)


class Database:
    """An open database. `place` is where it lies, as it may be shown."""

    def __init__(self, engine: Engine, place: str) -> None:
        self._engine = engine
        self.place = place

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction: on disk when the block has ended, undone when it raises. Raises HomeError."""
        try:
            with Session(self._engine) as session, session.begin():
                yield session
        except SQLAlchemyError as error:
            raise _refused(self.place, error) from error

    def close(self) -> None:
        """Give the database back."""
        self._engine.dispose()


def open_database(where: Path | str, *, busy: float = BUSY) -> Database:
    """The database with all tables; those that it lacks are created.

    Args:
        where: an SQLite file, or the URL of a database of another kind (`postgresql+psycopg://...`).
        busy: seconds to wait for another process that writes to the file.

    Raises:
        HomeError: it cannot be opened, is locked, is no database, or was written by a newer harness.
    """
    _declare()
    if isinstance(where, Path):
        engine = create_engine(f"sqlite:///{where}", connect_args={"timeout": busy})
        event.listen(engine, "connect", _durable)
        place = str(where)
    else:
        url = make_url(where)
        engine, place = create_engine(url), url.render_as_string(hide_password=True)
    try:
        with _alone(where), engine.begin() as connection:
            _prepare(connection, place)
    except (OSError, SQLAlchemyError) as error:
        engine.dispose()
        raise _refused(place, error) from error
    except HomeError:
        engine.dispose()
        raise
    return Database(engine, place)


def _declare() -> None:
    """All tables are known before any is created, whatever the caller imported: here, since they stand on this file."""
    import harness.world.history_tables
    import harness.world.leases  # noqa: F401 - for the tables that it declares


@contextmanager
def _alone(where: Path | str) -> Iterator[None]:
    """Two first users at once would both create the tables, and both switch the journal's mode."""
    if not isinstance(where, Path):
        yield
        return
    with where.with_name(where.name + LOCK_SUFFIX).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _prepare(connection: Connection, place: str) -> None:
    if connection.dialect.has_table(connection, _SCHEMA.name):
        found = connection.scalar(select(_SCHEMA.c.version))
        if found is not None and (trouble := newer(found)):
            raise HomeError(
                f"the database {place} cannot be used: {trouble}",
                hint="use the newer harness, or set HARNESS_HOME elsewhere",
            )
    else:
        found = None
    Base.metadata.create_all(connection)
    if found is None:
        connection.execute(_SCHEMA.insert().values(id=1, version=SCHEMA))


def _refused(place: str, error: Exception) -> HomeError:
    cause = getattr(error, "orig", None) or error
    return HomeError(
        f"the database {place} cannot be used: {cause}",
        hint="free the lock or the disk, or set HARNESS_HOME elsewhere; without a lease in it nothing is made",
    )


def _durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":  # to set it anew takes a lock, each time
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # WAL syncs at checkpoints only by default: a lease must be on disk
    cursor.close()
