"""Results of runs in, what is remembered of them out: phases, resource times, rules, probes and rechecks.

Outputs, findings and the evidence of what passed are not kept: they may be large, or nobody else's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, Select, delete, insert, select
from sqlalchemy.orm import Session

from harness.errors import UsageError
from harness.model import CellResult, RunResult
from harness.world.database import Database
from harness.world.history_tables import CELLS, PARTS, RUNS, cell_row, part_rows, past_cell, past_result, run_row

Kind = Literal["run", "destroy"]
MATCHES_TOLD = 5  # runs that are named when the beginning of an id fits several


@dataclass(frozen=True, slots=True)
class Past:
    """What is remembered of a run, or of a `harness destroy` that ended one.

    Attributes:
        kind: which of the two.
        harness: the version that recorded it.
        result: as it was, without what is not kept; without phases and what else cells hold when only listed.
    """

    kind: Kind
    harness: str
    result: RunResult


class History:
    """What one harness home remembers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, result: RunResult, kind: Kind = "run") -> None:
        """Remember a result: one transaction, on disk when this returns. Raises HomeError."""
        with self._database.session() as session:
            record = session.execute(insert(RUNS).values(run_row(result, kind)).returning(RUNS.c.id)).scalar_one()
            for at, cell in enumerate(result.cells):
                session.execute(insert(CELLS).values(record=record, position=at, **cell_row(cell)))
            for name, table in PARTS.items():
                rows = [
                    {"record": record, "cell": at, "position": position, **values}
                    for at, cell in enumerate(result.cells)
                    for position, values in enumerate(part_rows(name, cell))
                ]
                if rows:
                    session.execute(insert(table), rows)

    def recent(
        self, *, program: str | None = None, kind: Kind | None = None, limit: int, details: bool = False
    ) -> list[Past]:
        """The newest `limit` records, newest first; of one program or one kind only, when it is given.

        Raises:
            HomeError: the database cannot be used.
            UsageError: no run of `program` is remembered; the hint names those that are.
        """
        query = select(RUNS)
        if program is not None:
            query = query.where(RUNS.c.id.in_(select(CELLS.c.record).where(CELLS.c.program == program)))
        if kind is not None:
            query = query.where(RUNS.c.kind == kind)
        with self._database.session() as session:
            found = _load(
                session, query.order_by(RUNS.c.started.desc(), RUNS.c.id.desc()).limit(limit), details=details
            )
            if found or program is None:
                return found
            of_kind = select(CELLS.c.program).join(RUNS, RUNS.c.id == CELLS.c.record)
            if kind is not None:
                of_kind = of_kind.where(RUNS.c.kind == kind)
            known = session.scalars(of_kind.distinct().order_by(CELLS.c.program)).all()
        raise UsageError(
            f"no run of a program {program!r} is remembered",
            hint=f"there are runs of {', '.join(known)}" if known else "harness run makes the first",
        )

    def of_run(self, beginning: str) -> list[Past]:
        """All that is remembered of the one run whose id begins so, oldest first.

        Raises:
            HomeError: the database cannot be used.
            UsageError: no id begins so, or several do.
        """
        with self._database.session() as session:
            fitting = RUNS.c.run.startswith(beginning, autoescape=True)
            runs = session.scalars(select(RUNS.c.run).distinct().where(fitting).order_by(RUNS.c.run)).all()
            if beginning in runs:
                runs = [beginning]
            if len(runs) == 1:
                return _load(session, select(RUNS).where(RUNS.c.run == runs[0]).order_by(RUNS.c.id), details=True)
        if not runs:
            raise UsageError(
                f"no run {beginning!r} is remembered",
                hint="harness history list names those that are; harness leases what is open",
            )
        more = f" and {len(runs) - MATCHES_TOLD} more" if len(runs) > MATCHES_TOLD else ""
        raise UsageError(
            f"several runs begin with {beginning!r}", hint=f"give more of it: {', '.join(runs[:MATCHES_TOLD])}{more}"
        )

    def prune(self, before: datetime) -> int:
        """Forget what began before that moment; returns how many runs that were. Raises HomeError."""
        old = select(RUNS.c.id).where(RUNS.c.started < before)
        with self._database.session() as session:
            gone = session.scalars(old).all()
            for table in (*PARTS.values(), CELLS):
                session.execute(delete(table).where(table.c.record.in_(old)))
            session.execute(delete(RUNS).where(RUNS.c.started < before))
        return len(gone)


def _load(session: Session, query: Select[Any], *, details: bool) -> list[Past]:
    runs = session.execute(query).all()
    ids = [run.id for run in runs]
    parts: dict[tuple[int, int], dict[str, list[Row[Any]]]] = {}
    for name, table in PARTS.items() if details else ():
        for row in session.execute(select(table).where(table.c.record.in_(ids)).order_by(table.c.position)):
            parts.setdefault((row.record, row.cell), {}).setdefault(name, []).append(row)
    cells: dict[int, list[CellResult]] = {}
    for row in session.execute(select(CELLS).where(CELLS.c.record.in_(ids)).order_by(CELLS.c.position)):
        cells.setdefault(row.record, []).append(past_cell(row, parts.get((row.record, row.position), {})))
    return [Past(run.kind, run.harness, past_result(run, cells.get(run.id, []))) for run in runs]
