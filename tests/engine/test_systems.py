"""All systems at once, as `harness run programs/*` starts them; and what each of them must notice when it is broken."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEAST = {"starter": 3, "financial": 45, "webapp": 36, "payments": 60, "flask-api": 80, "platform": 134}


def test_all_systems_side_by_side_come_up_and_go_away(harness, emulator, auditor) -> None:
    """Four at a time: each as large as its original, every probe passed, nothing leaked, nothing unverified."""
    programs = sorted(str(one) for one in (ROOT / "programs").iterdir())  # with what lies beside them, as a shell does
    done = harness("run", *programs, "--parallel", "4", "--target", emulator.url, "--json", "-")
    cells = {cell["program"]: cell for cell in done.document["cells"]}
    assert done.code == 0, [(name, cell["error"]) for name, cell in cells.items() if cell["error"]]
    assert cells.keys() == LEAST.keys()
    for name, cell in cells.items():
        resources = cell["resources"]
        assert resources["planned"] == resources["created"] == resources["deleted"] >= LEAST[name], name
        assert resources["leaked"] == resources["unverified"] == []
        assert {probe["status"] for probe in cell["probes"]} == {"passed"}, name
        assert {one["status"] for one in cell["rechecks"]} == {"passed"}, name
        assert auditor(cell["account"]).left() == []
    assert len(cells["platform"]["probes"]) >= 25
    assert [one["name"] for one in cells["flask-api"]["stages"]] == ["repository", "whole"]
    assert [one["name"] for one in cells["payments"]["stages"]] == ["service", "whole"]
    assert harness.processes() == []
