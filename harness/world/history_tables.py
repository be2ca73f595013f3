"""The history's tables. A result in, its rows out; and rows in, the result out, without what is not kept.

Nothing in here is for one kind of database only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, Row, String, Table
from sqlalchemy.types import TypeEngine

from harness import __version__
from harness.model import (
    CellResult,
    CellStatus,
    Change,
    Failure,
    PhaseName,
    PhaseResult,
    ProbeOutcome,
    RecheckOutcome,
    ResourceRef,
    Resources,
    RuleOutcome,
    RunResult,
    Timing,
)
from harness.world.tables import Base, UTCDateTime

Values = dict[str, Any]


def _columns(**kinds: type[TypeEngine[Any]]) -> list[Column[Any]]:
    return [Column(name, kind, nullable=False) for name, kind in kinds.items()]


RUNS = Table(
    "history_run",
    Base.metadata,
    Column("id", Integer, primary_key=True),
    Column("run", String, nullable=False, index=True),
    Column("started", UTCDateTime, nullable=False),
    *_columns(kind=String, seconds=Float, exit_code=Integer, provider=String, target=String, harness=String),
    *_columns(engine_version=String, engine_origin=String, engine_path=String),
)
CELLS = Table(
    "history_cell",
    Base.metadata,
    Column("record", ForeignKey(RUNS.c.id), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("program", String, nullable=False, index=True),
    *_columns(name=String, stack=String, suffix=String, region=String, status=String, seconds=Float, log=String),
    *_columns(planned=Integer, created=Integer, updated=Integer, deleted=Integer),
    *_columns(message=String, hint=String, detail=String),
    Column("account", String),
    Column("started", UTCDateTime),
    Column("failed_phase", String),
)


def _part(name: str, /, **kinds: type[TypeEngine[Any]]) -> Table:
    return Table(
        f"history_{name}",
        Base.metadata,
        Column("record", ForeignKey(RUNS.c.id), primary_key=True),
        Column("cell", Integer, primary_key=True),
        Column("position", Integer, primary_key=True),
        *_columns(**kinds),
    )


# What a cell holds several of. The columns are called as the fields of the model.
PARTS = {
    "phases": _part("phase", phase=String, status=String, seconds=Float, started=Float, detail=String),
    "timings": _part("timing", urn=String, type=String, op=String, seconds=Float, started=Float, failed=Boolean),
    "rules": _part("rule", pack=String, rule=String, level=String, status=String, violations=Integer),
    "probes": _part("probe", name=String, kind=String, status=String, attempts=Integer, seconds=Float, detail=String),
    "rechecks": _part("recheck", name=String, status=String, seconds=Float, detail=String),
    "changes": _part("change", recheck=String, urn=String, type=String, op=String),
    "left": _part("left", kind=String, type=String, id=String, urn=String, reason=String, command=String),
}


def run_row(result: RunResult, kind: str) -> Values:
    """The row of RUNS, but for its id."""
    row = result.model_dump(include={"run", "started", "seconds", "exit_code", "provider", "target"})
    engine = {f"engine_{name}": result.engine.get(name, "") for name in ("version", "origin", "path")}
    return _storable({**row, **engine, "kind": kind, "harness": __version__})


def cell_row(cell: CellResult) -> Values:
    """The row of CELLS, but for its keys."""
    failure = cell.error or Failure(phase=None, message="")
    return _storable(
        {
            **cell.model_dump(include={"program", "stack", "suffix", "region", "account", "started", "seconds", "log"}),
            **cell.resources.model_dump(include={"planned", "created", "updated", "deleted"}),
            "name": cell.cell,
            "status": cell.status.value,
            "failed_phase": failure.phase,
            "message": failure.message,
            "hint": failure.hint,
            "detail": failure.detail,
        }
    )


def part_rows(name: str, cell: CellResult) -> list[Values]:
    """The rows of one of PARTS, but for their keys."""
    return [_storable(row) for row in _ROWS[name](cell)]


def past_result(run: Row[Any], cells: Sequence[CellResult]) -> RunResult:
    """A row of RUNS as the result that it was."""
    return RunResult(
        run=run.run,
        started=run.started,
        seconds=run.seconds,
        exit_code=run.exit_code,
        engine={"version": run.engine_version, "origin": run.engine_origin, "path": run.engine_path},
        provider=run.provider,
        target=run.target,
        cells=tuple(cells),
    )


def past_cell(row: Row[Any], parts: Mapping[str, Sequence[Row[Any]]]) -> CellResult:
    """A row of CELLS and the rows of PARTS as the result that they were."""
    of: Callable[[str], Sequence[Row[Any]]] = lambda name: parts.get(name, ())  # noqa: E731 - used seven times below
    left = {kind: tuple(ResourceRef(**_fields(r, "kind")) for r in of("left") if r.kind == kind) for kind in _LEFT}
    phase = None if row.failed_phase is None else PhaseName(row.failed_phase)
    failure = Failure(phase=phase, message=row.message, hint=row.hint, detail=row.detail)
    return CellResult(
        cell=row.name,
        program=row.program,
        stack=row.stack,
        suffix=row.suffix,
        region=row.region,
        account=row.account,
        status=CellStatus(row.status),
        started=row.started,
        seconds=row.seconds,
        log=row.log,
        phases=tuple(PhaseResult(**_fields(r)) for r in of("phases")),
        timings=tuple(Timing(**_fields(r)) for r in of("timings")),
        rules=tuple(RuleOutcome(**_fields(r)) for r in of("rules")),
        probes=tuple(ProbeOutcome(**_fields(r)) for r in of("probes")),
        rechecks=tuple(
            RecheckOutcome(
                **_fields(r),
                changes=tuple(Change(**_fields(c, "recheck")) for c in of("changes") if c.recheck == r.name),
            )
            for r in of("rechecks")
        ),
        resources=Resources(planned=row.planned, created=row.created, updated=row.updated, deleted=row.deleted, **left),
        error=failure if failure.message else None,
    )


_LEFT = ("leaked", "unverified")
_KEYS = ("record", "cell", "position")
_ROWS: Mapping[str, Callable[[CellResult], Iterable[Values]]] = {
    "phases": lambda cell: (phase.model_dump() for phase in cell.phases),
    "timings": lambda cell: (timing.model_dump() for timing in cell.timings),
    "rules": lambda cell: (rule.model_dump(exclude={"description"}) for rule in cell.rules),
    "probes": lambda cell: (_evidence(probe.model_dump()) for probe in cell.probes),
    "rechecks": lambda cell: (_evidence(recheck.model_dump(exclude={"changes"})) for recheck in cell.rechecks),
    "changes": lambda cell: (
        {"recheck": recheck.name, **change.model_dump(exclude={"properties"})}
        for recheck in cell.rechecks
        for change in recheck.changes
    ),
    "left": lambda cell: (
        {"kind": kind, **ref.model_dump()} for kind in _LEFT for ref in getattr(cell.resources, kind)
    ),
}


def _fields(row: Row[Any], *without: str) -> Values:
    return {name: value for name, value in row._mapping.items() if name not in (*_KEYS, *without)}  # noqa: SLF001 - SQLAlchemy's public name


def _evidence(row: Values) -> Values:
    """What was seen is kept only where it tells why something failed."""
    return {**row, "detail": ""} if row["status"] == "passed" else row


def _storable(row: Values) -> Values:
    """Texts as every database takes them: lone surrogates are no UTF-8, and PostgreSQL refuses the zero character."""
    return {name: _text(value) if isinstance(value, str) else value for name, value in row.items()}


def _text(value: str) -> str:
    return value.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\x00")
