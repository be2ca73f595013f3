"""A database of an earlier version in; its tables as this version has them out. One step from each version to the next.

The steps say in SQL what they change, and do not use the tables' declarations: those are of today, a step of its day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Connection, text


def _lease_owners(connection: Connection) -> None:
    """1 to 2: leases say where their state is, which process of which machine works on them, and when it last said so.

    What an earlier version did not write is filled with what stands for not known; the last sign of life is the
    lease's beginning.
    """
    if not connection.dialect.has_table(connection, "lease"):
        return
    moment = "DATETIME" if connection.dialect.name == "sqlite" else "TIMESTAMP WITHOUT TIME ZONE"
    for statement in (
        "ALTER TABLE lease RENAME COLUMN program TO project",
        "ALTER TABLE lease ADD COLUMN backend VARCHAR NOT NULL DEFAULT ''",
        "ALTER TABLE lease ADD COLUMN machine VARCHAR NOT NULL DEFAULT ''",
        "ALTER TABLE lease ADD COLUMN process_started FLOAT NOT NULL DEFAULT 0",
        f"ALTER TABLE lease ADD COLUMN heartbeat {moment} NOT NULL DEFAULT '1970-01-01 00:00:00'",
        "UPDATE lease SET heartbeat = created",
    ):
        connection.execute(text(statement))


_STEPS: Final[Mapping[int, Callable[[Connection], None]]] = {1: _lease_owners}


def bring_up_to_date(connection: Connection, found: int | None) -> None:
    """Make every step that is missing since version `found`; None is one before versions, like 1, or an empty one."""
    due = [step for version, step in sorted(_STEPS.items()) if version >= (found or 1)]
    if due and connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # Python's driver begins none before an ALTER
    for step in due:
        step(connection)
