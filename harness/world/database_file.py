"""A database file in; whether it can be used out, by a look that waits for nobody and changes nothing.

Plain sqlite3, because SQLAlchemy costs 0.3 s to import and whoever looks is in a hurry.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.world.file_lock import is_held

SCHEMA: Final = 2
"""Version of the tables that this harness writes. A file without one has leases only, as in version 1."""
LOCK_SUFFIX: Final = ".lock"
"""Beside the database: held while its tables are looked at and made."""
_WAIT: Final = 0.5
"""Seconds. A writer of ours holds the database for some milliseconds; who holds it longer has a reason to be told."""


@dataclass(frozen=True, slots=True)
class FileState:
    """How a database file stands.

    Attributes:
        exists: False before the first run in this home.
        bytes: its size.
        schema: the version that it names, 0 without one.
        open_leases: how many leases are not closed.
        trouble: why it cannot be used, or nothing.
    """

    exists: bool
    bytes: int = 0
    schema: int = 0
    open_leases: int = 0
    trouble: str = ""


def look(path: Path) -> FileState:
    """Open the file, read a little, and take and give back the right to write. Never raises for what is in the way."""
    if not path.exists():
        return FileState(exists=False)
    try:
        size = path.stat().st_size
        if is_held(path.with_name(path.name + LOCK_SUFFIX)):
            return FileState(True, size, trouble="another process is making its tables, or was stopped while it did")
        existing = f"{path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(existing, uri=True, timeout=_WAIT, isolation_level=None)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            schema = _number(database, "SELECT MAX(version) FROM schema_version") if "schema_version" in tables else 0
            leases = _number(database, "SELECT COUNT(*) FROM lease WHERE state <> 'closed'") if "lease" in tables else 0
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
    except (sqlite3.Error, OSError) as error:
        return FileState(True, trouble=str(error))
    return FileState(True, size, schema, leases, newer(schema))


def newer(schema: int) -> str:
    """Why tables of this version cannot be used, or nothing."""
    return f"it was written by a newer harness (tables {schema}, this one knows {SCHEMA})" if schema > SCHEMA else ""


def _number(database: sqlite3.Connection, query: str) -> int:
    [value] = database.execute(query).fetchone()
    return int(value or 0)
