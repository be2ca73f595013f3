"""Leases for tests, with whatever is to be different, and what a cell of one was told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.model import Cell, Lease, Limits, Program
from harness.run.messages import CellSpec
from harness.world.files import CellFiles
from harness.world.identity import owner


def lease(run: str = "r-1", cell: str = "c", **changed) -> Lease:
    """One that is open, and ours."""
    now = datetime.now(UTC)
    facts = {
        "run": run,
        "cell": cell,
        "stack": cell,
        "project": "p",
        "target": "http://127.0.0.1:1",
        "region": "us-east-1",
        "account": "100000000001",
        "directory": "/x",
        "created": now,
        "expires": now + timedelta(hours=1),
        "heartbeat": now,
        **owner(),
    }
    return Lease(**{**facts, **changed})


def cell_spec(tmp_path: Path) -> CellSpec:
    """Of a cell that is to be destroyed, and whose folder is made."""
    directory = tmp_path / "r-1" / "c"
    program = Program(name="p", directory=tmp_path, main=tmp_path)
    cell = Cell(
        name="c", program=program, stack="c", suffix="c", region="us-east-1", config={}, stack_config=None, tags={}
    )
    CellFiles(directory).make()
    return CellSpec(
        run="r-1",
        cell=cell,
        account="100000000001",
        directory=directory,
        engine=tmp_path,
        engine_version="3",
        hosts=tmp_path,
        provider="bundled",
        target="url",
        url="http://127.0.0.1:1",
        limits=Limits(run=1, destroy=1),
        expires=datetime.now(UTC).isoformat(),
        recover=True,
    )
