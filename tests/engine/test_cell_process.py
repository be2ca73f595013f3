"""What the command line hears from the process of a cell, whatever comes first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.model import CellStatus, PhaseName
from harness.run.cell_process import CellProcess
from harness.run.messages import CellSpec
from harness.world.emulator import Emulator
from harness.world.engine import Engine

SPEC: dict = {
    "run": "r-1",
    "cell": {
        "name": "shop-abc",
        "stack": "shop-abc",
        "suffix": "abc",
        "region": "us-east-1",
        "config": {},
        "stack_config": None,
        "tags": {},
    },
    "account": "111122223333",
    "provider": "bundled",
    "target": "emulator",
    "expires": "2026-01-01T00:00:00",
    "limits": {"run": 60, "destroy": 60},
}


def test_a_cell_that_ends_before_it_is_told_to_go_on_has_its_result(
    shop: Callable[..., Path], emulator: Emulator, engine: Engine, hosts: Path, tmp_path: Path
) -> None:
    """Preflight may refuse sooner than the lease is on disk: what it said counts, and no second process is started."""
    directory = str(shop())
    program = {"name": "shop", "directory": directory, "main": directory}  # not as the engine wants it
    where = {"engine": engine.path, "engine_version": engine.version, "hosts": hosts, "url": emulator.url}
    spec = SPEC | where | {"directory": tmp_path / "cell", "cell": SPEC["cell"] | {"program": program}}
    heard: list[object] = []
    process = CellProcess(CellSpec.model_validate(spec), heard.append)
    process.begin()
    assert process._process is not None
    process._process.wait(60)  # by now nobody reads its input any more
    result = process.run()
    assert result.error is not None
    assert result.error.phase is PhaseName.PREFLIGHT, result.error
    assert result.status is CellStatus.REJECTED
    assert not [one for one in heard if "destroying" in str(one)]
