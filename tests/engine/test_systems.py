"""All systems at once, as `harness run programs/*` starts them; and what each of them must notice when it is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from commands import ALL_SYSTEMS, Finished

ROOT = Path(__file__).resolve().parents[2]
LEAST = {"starter": 3, "financial": 45, "webapp": 36, "payments": 60, "flask-api": 80, "platform": 134}
PROGRAMS = sorted(str(one) for one in (ROOT / "programs").iterdir())  # with what lies beside them, as a shell does
BESIDE = {  # what moto serves, beside the emulator itself
    "payments": "aws:codepipeline/pipeline:Pipeline",
    "webapp": "aws:appautoscaling/target:Target",
    "flask-api": "aws:appautoscaling/target:Target",
    "platform": "aws:appautoscaling/target:Target",
}


def all_came_and_went(done: Finished) -> dict[str, Any]:
    """Each as large as its original, every probe passed, nothing leaked, nothing unverified; the cells by program."""
    cells = {cell["program"]: cell for cell in done.document["cells"]}
    assert done.code == 0, [(name, cell["error"]) for name, cell in cells.items() if cell["error"]]
    assert cells.keys() == LEAST.keys()
    for name, cell in cells.items():
        resources = cell["resources"]
        assert resources["planned"] == resources["created"] == resources["deleted"] >= LEAST[name], name
        assert resources["leaked"] == resources["unverified"] == []
        assert {probe["status"] for probe in cell["probes"]} == {"passed"}, name
        assert {one["status"] for one in cell["rechecks"]} == {"passed"}, name
    for name, type_ in BESIDE.items():
        assert {one["op"] for one in cells[name]["timings"] if one["type"] == type_} >= {"create", "delete"}, name
    assert [one["name"] for one in cells["flask-api"]["stages"]] == ["repository", "whole"]
    assert [one["name"] for one in cells["payments"]["stages"]] == ["service", "whole"]
    return cells


def test_all_systems_come_up_and_go_away(harness) -> None:
    """`harness run programs/*` and no flag but the report: an emulator of the run's own, as many at a time as usual."""
    done = harness.finish(harness.start("run", *PROGRAMS, "--json", "-"), ALL_SYSTEMS)
    all_came_and_went(done)
    assert done.document["target"] == "emulator"
    assert harness.remains() == []


@pytest.mark.campaign
def test_all_systems_side_by_side_come_up_and_go_away(harness, emulator, auditor) -> None:
    """Four at a time at an emulator that stays, where the auditor finds nothing of them."""
    args = (*PROGRAMS, "--parallel", "4", "--target", emulator.url, "--json", "-")
    done = harness.finish(harness.start("run", *args), ALL_SYSTEMS)
    for cell in all_came_and_went(done).values():
        assert auditor(cell["account"], cell["region"]).left(beside=True) == []
    assert harness.processes() == []
