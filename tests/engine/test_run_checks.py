"""Policy, probes and reports in whole runs: what stops a run before anything exists, and what never stops a destroy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cut import cut

PACK = """
from pulumi_policy import *

def small(args, report):
    if args.resource_type == "aws:sqs/queue:Queue":
        RULE

PolicyPack("theirs", enforcement_level=EnforcementLevel.MANDATORY, policies=[
    ResourceValidationPolicy("no-queues", "No queues.", small),
    ResourceValidationPolicy("quiet", "Never says a word.", lambda args, report: None),
])
"""
TAGGED = '[tags]\nCostCenter = "42"\n'  # with a harness.toml, the rules on tags are mandatory
REPORTS = """
import shutil
if live:
    after(lambda: shutil.rmtree(FOLDER))
"""


def nothing_made(harness: Any, auditor: Any, done: Any) -> None:
    """The target never saw anything of it, and nobody holds anything."""
    assert done.cell["resources"]["created"] == 0
    assert "up" not in {phase["phase"] for phase in done.cell["phases"]}
    assert auditor(done.cell["account"]).left() == []
    assert harness("leases", "--json", "-").document == []
    assert harness.processes() == []
    assert not list(harness.home.glob("runs/*/*/state"))


def statuses(cell: dict[str, Any], pack: str = "harness") -> dict[str, str]:
    """How each rule of a pack ended."""
    return {rule["rule"]: rule["status"] for rule in cell["rules"] if rule["pack"] == pack}


def test_a_mandatory_violation_ends_the_cell_with_nothing_made(harness, shop, emulator, auditor) -> None:
    """FAILED, exit 1, every rule told, the passed ones too; as advisory, or with --no-policy, it passes."""
    directory = shop()
    settings = directory / "harness.toml"
    settings.write_text(TAGGED)
    args = ("run", str(directory), "--target", emulator.url, "--no-recheck", "--json", "-")
    done = harness(*args)
    assert done.code == 1, done.err
    assert done.cell["status"] == "FAILED"
    [pack] = {rule["pack"] for rule in done.cell["rules"]}
    found = statuses(done.cell, pack)
    assert found.pop("required-tags") == "failed"
    assert len(found) >= 9
    assert set(found.values()) == {"passed"}
    assert {(one["id"], one["severity"], one["resource"]) for one in done.cell["findings"]} == {
        ("required-tags", "mandatory", "Bucket bucket"),
        ("required-tags", "mandatory", "Queue queue"),
    }
    assert "2 violations of required-tags: " in done.cell["error"]["message"]
    assert "error: " in done.err
    assert "hint: " in done.err
    nothing_made(harness, auditor, done)

    settings.write_text(TAGGED + '[policy.rules]\nrequired-tags = "advisory"\nkms-rotation = "disabled"\n')
    done = harness(*args)
    assert done.code == 0, done.err
    found = statuses(done.cell, pack)
    assert (found["required-tags"], found["kms-rotation"]) == ("advised", "disabled")
    assert {one["severity"] for one in done.cell["findings"]} == {"advisory"}

    settings.write_text(TAGGED)
    done = harness(*args, "--no-policy")
    assert done.code == 0, done.err
    assert done.cell["rules"] == done.cell["findings"] == []


@pytest.mark.parametrize(
    ("rule", "before", "code", "status", "said"),
    [
        ('report("too many queues")', "", 1, "FAILED", "no-queues: Queue queue: too many queues"),
        ('report("x")', "import nowhere_at_all\n", 2, "REJECTED", "No module named 'nowhere_at_all'"),
        ("raise LookupError('in the rule')", "", 2, "REJECTED", "in the rule"),
    ],
)
def test_a_pack_of_the_users_stops_a_run(
    harness, shop, emulator, auditor, tmp_path: Path, rule: str, before: str, code: int, status: str, said: str
) -> None:
    """By a mandatory violation; by breaking at import or in a rule it never passes for passed."""
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (pack / "__main__.py").write_text(before + PACK.replace("RULE", rule))
    done = harness("run", str(shop()), "--target", emulator.url, "--policy-pack", str(pack), "--json", "-")
    assert done.code == code, done.err
    assert done.cell["status"] == status
    assert said in done.cell["error"]["message"]
    assert done.cell["error"]["hint"]
    assert done.cell["error"]["phase"] == "preflight"
    if code == 1:
        assert statuses(done.cell, "theirs") == {"no-queues": "failed", "quiet": "passed"}
    nothing_made(harness, auditor, done)


def test_a_probe_that_asks_for_an_unknown_output_is_rejected_before_up(harness, shop, emulator, auditor) -> None:
    """Declared or in Python: file, line, name, and what was meant."""
    source = "from harness.probes.registry import probe\n\n\n@probe\ndef asks(context):\n"
    directory = shop(probes=source + '    assert context.outputs["bucketNam"]\n')
    (directory / "harness.toml").write_text('[[probe]]\nkind = "s3-round-trip"\nbucket = "${bukcetName}"\n')
    done = harness("run", str(directory), "--target", emulator.url, "--no-policy", "--json", "-")
    assert done.code == 2, done.err
    assert done.cell["status"] == "REJECTED"
    message = done.cell["error"]["message"]
    assert f"{directory}/harness.toml:1: probe 's3-round-trip bukcetName' uses the output 'bukcetName'" in message
    assert f"{directory}/probes.py:4: probe 'asks' uses the output 'bucketNam'" in message
    assert "did you mean 'bucketName'?" in done.cell["error"]["hint"]
    nothing_made(harness, auditor, done)


@pytest.mark.campaign
def test_probes_that_hang_at_import_are_stopped_by_the_time_limit(harness, shop, emulator, auditor) -> None:
    """Nothing is made, for they are read before `up`."""
    directory = shop(probes="import time\ntime.sleep(600)\n")
    done = harness("run", str(directory), "--target", emulator.url, "--no-policy", "--timeout", "20s", "--json", "-")
    assert done.code == 2, done.err
    assert done.cell["status"] == "REJECTED"
    assert "time limit of 20 s" in done.cell["error"]["message"]
    assert f"the import of {directory}/probes.py stopped" in done.cell["error"]["message"]
    assert "--timeout" in done.cell["error"]["hint"]
    nothing_made(harness, auditor, done)


@pytest.mark.parametrize(
    ("settings", "place", "hint"),
    [
        ('[policy.rules]\nkms-rotation = "loud"\n', "harness.toml:2: policy.rules.kms-rotation", "mandatory"),
        ('[[probe]]\nkind = "htpt"\n', "harness.toml:2: probe[1].kind", "http"),
        ("[recheck]\nignores = []\n", "harness.toml:2: recheck.ignores: no such key", "allowed here: ignore"),
        ("[plicy]\n", "harness.toml:1: plicy: no such key", "allowed here: "),
        ("[recheck\n", "line 1", "mend the TOML"),
    ],
)
def test_a_malformed_table_is_refused_at_the_door(harness, shop, settings: str, place: str, hint: str) -> None:
    """Exit 2, two lines, and not even a folder for the run."""
    directory = shop()
    (directory / "harness.toml").write_text(settings)
    done = harness("run", str(directory))
    assert done.code == 2, done.err
    [error, told] = [line for line in done.err.splitlines() if line.startswith(("error: ", "hint: "))]
    assert f"{directory}/harness.toml" in error
    assert place in error
    assert hint in told
    assert done.out == ""
    assert harness.processes() == []
    assert not (harness.home / "runs").exists() or list((harness.home / "runs").iterdir()) == []


@pytest.mark.parametrize("off", cut([{"probe"}, {"recheck"}, {"recheck", "probe", "policy"}], 1))
def test_what_is_switched_off_is_told_as_skipped(harness, shop, emulator, off: set[str]) -> None:
    """The others run."""
    flags = [f"--no-{name}" for name in sorted(off)]
    probes = "from harness.probes.registry import probe\n\n@probe\ndef fine(context):\n    return 'seen'\n"
    done = harness("run", str(shop(probes=probes)), "--target", emulator.url, *flags, "--json", "-")
    assert done.code == 0, done.err
    phases = {phase["phase"]: (phase["status"], phase["detail"]) for phase in done.cell["phases"]}
    for name in ("recheck", "probe"):
        assert phases[name] == (("skipped", f"--no-{name}") if name in off else ("passed", ""))
    assert list(phases) == ["preflight", "up", "probe", "recheck", "destroy", "leak check"]
    assert len(done.cell["probes"]) == ("probe" not in off)
    assert len(done.cell["rechecks"]) == 2 * ("recheck" not in off)
    assert bool(done.cell["rules"]) == ("policy" not in off)


def test_a_report_that_cannot_be_written_at_the_end_costs_no_destroy(
    harness, shop, emulator, auditor, tmp_path: Path
) -> None:
    """Its folder disappears during the run: each report is told, exit 1, and everything is destroyed."""
    folder = tmp_path / "reports"
    folder.mkdir()
    paths = [arg for kind in ("json", "junit", "html") for arg in (f"--{kind}", str(folder / kind))]
    directory = shop(REPORTS.replace("FOLDER", repr(str(folder))))
    done = harness("run", str(directory), "--target", emulator.url, "--no-recheck", *paths)
    assert done.code == 1, done.err
    for kind in ("json", "junit", "html"):
        assert f"error: --{kind}: " in done.err
    assert done.err.count("hint: ") >= 3
    assert "Traceback" not in done.err
    [kept] = harness.home.glob("runs/*/*/result.json")
    cell = json.loads(kept.read_text())
    assert cell["status"] == "PASSED"
    assert cell["resources"]["created"] == cell["resources"]["deleted"] == 2
    assert auditor(cell["account"]).left() == []
    assert harness("leases", "--json", "-").document == []
    assert harness.processes() == []
