"""Nothing in; the tables of the harness's database out, but for the history's, which have a file of their own."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Column, DateTime, Dialect, Integer, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


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
SCHEMA_TABLE = Table(
    "schema_version",
    Base.metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
)


class LeaseRow(Base):
    """One lease; its fields are those of the model."""

    __tablename__ = "lease"

    run: Mapped[str] = mapped_column(String, primary_key=True)
    cell: Mapped[str] = mapped_column(String, primary_key=True)
    stack: Mapped[str]
    project: Mapped[str]
    target: Mapped[str]
    region: Mapped[str]
    account: Mapped[str | None]
    directory: Mapped[str]
    backend: Mapped[str]
    owner: Mapped[str]
    host: Mapped[str]
    machine: Mapped[str]
    process: Mapped[int]
    process_started: Mapped[float]
    created: Mapped[datetime] = mapped_column(UTCDateTime)
    expires: Mapped[datetime] = mapped_column(UTCDateTime)
    heartbeat: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(String, default="")
