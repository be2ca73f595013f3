"""A file or URL in; the harness's database out: durable, its schema brought up to date, for leases and history."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from harness.errors import HomeError
from harness.world.database_file import LOCK_SUFFIX, SCHEMA, newer
from harness.world.database_steps import bring_up_to_date
from harness.world.file_lock import locked
from harness.world.history_tables import RUNS  # noqa: F401 - so that its tables are known when they are created
from harness.world.tables import SCHEMA_TABLE, Base

BUSY = 10.0  # seconds to wait for another process that writes
_LOOK: Final = 0.01  # seconds between two looks at a lock file
_TABLES_LOCK = 0x68_61_72_6E  # PostgreSQL's advisory lock while tables are looked at and made: `harn`


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
    if isinstance(where, Path):
        engine = create_engine(f"sqlite:///{where}", connect_args={"timeout": busy})
        event.listen(engine, "connect", _durable)
        place = str(where)
    else:
        engine, place = _server(where, busy)
    try:
        with _alone(where, busy), engine.begin() as connection:
            _prepare(connection, place)
    except (OSError, SQLAlchemyError) as error:
        engine.dispose()
        raise _refused(place, error) from error
    except HomeError:
        engine.dispose()
        raise
    return Database(engine, place)


def _server(where: str, busy: float) -> tuple[Engine, str]:
    """Raises HomeError: the URL, or the driver that it needs, is not there."""
    try:
        url = make_url(where)
        engine = create_engine(url)
    except (ArgumentError, ValueError):  # its text repeats the URL, password and all
        raise HomeError(
            "the URL of the database cannot be read", hint="write postgresql+psycopg://user@host/name"
        ) from None
    except ImportError as error:
        raise HomeError(
            f"the driver of the database is not installed: {error}", hint="pip install 'harness[postgresql]'"
        ) from error

    def patience(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = {int(busy * 1000)}")
        cursor.execute(f"SET statement_timeout = {int(busy * 1000)}")
        connection.commit()
        cursor.close()

    def within(_dialect: Any, _record: Any, _args: Any, options: dict[str, Any]) -> None:
        options.setdefault("connect_timeout", max(2, int(busy)))  # seconds; libpq takes 1 for 2

    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", patience)
        event.listen(engine, "do_connect", within)
    return engine, url.render_as_string(hide_password=True)


@contextmanager
def _alone(where: Path | str, busy: float) -> Iterator[None]:
    """Two first users at once would both create the tables, and both switch the journal's mode.

    Raises TimeoutError: another process has held it for `busy` seconds; it may be stopped.
    """
    if not isinstance(where, Path):
        yield
        return
    with where.with_name(where.name + LOCK_SUFFIX).open("w") as lock:
        until = time.monotonic() + busy
        while not locked(lock):
            if time.monotonic() > until:
                raise TimeoutError(f"another process is making its tables, or was stopped while it did ({lock.name})")
            time.sleep(_LOOK)
        yield


def _prepare(connection: Connection, place: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_TABLES_LOCK)))
    if connection.dialect.has_table(connection, SCHEMA_TABLE.name):
        found = connection.scalar(select(SCHEMA_TABLE.c.version))
        if found is not None and (trouble := newer(found)):
            raise HomeError(
                f"the database {place} cannot be used: {trouble}",
                hint="use the newer harness, or set HARNESS_HOME elsewhere",
            )
    else:
        found = None
    bring_up_to_date(connection, found)
    Base.metadata.create_all(connection)
    if found is None:
        connection.execute(SCHEMA_TABLE.insert().values(id=1, version=SCHEMA))
    elif found < SCHEMA:
        connection.execute(SCHEMA_TABLE.update().values(version=SCHEMA))


def _refused(place: str, error: Exception) -> HomeError:
    cause = getattr(error, "orig", None) or error
    return HomeError(
        f"the database {place} cannot be used: {cause}",
        hint="free the lock or the disk, or set HARNESS_HOME (or HARNESS_DATABASE) elsewhere; "
        "without a lease in it nothing is made",
    )


def _durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":  # to set it anew takes a lock, each time
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # WAL syncs at checkpoints only by default: a lease must be on disk
    cursor.close()
