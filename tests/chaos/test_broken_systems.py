"""Each system with one thing broken: its probes, or its policy before anything is made, must notice; all of it goes."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from cut import cut

PROGRAMS = Path(__file__).resolve().parents[2] / "programs"
PATIENCE = 10  # seconds of each probe; what is broken stays so


@dataclass(frozen=True)
class Break:
    """A program, what is put for what in which of its files, and who says what of it."""

    program: str
    file: str
    old: str
    new: str
    noticed: str
    said: str


BREAKS = [
    Break(
        "webapp",
        "parts/network.py",
        "destination_cidr_block=ANYWHERE,\n            nat_gateway_id",
        'destination_cidr_block="192.168.0.0/16",\n            nat_gateway_id',
        "vpc-layout vpcId",
        "do not lead to nat-",
    ),
    Break(
        "payments",
        "__main__.py",
        "readable=[connection],",
        "readable=[],",
        "containers may read db-connection",
        "may not secretsmanager:GetSecretValue",
    ),
    Break(
        "flask_api",
        "api.py",
        'Check(port=PORT, path="/health")',
        'Check(port=80, path="/health")',
        "target-chain ecsService, /health",
        "targets are reached on port 80, wanted 5000",
    ),
    Break(
        "platform",
        "events.py",
        'pulumi.export("streamName", self.stream.name)',
        'pulumi.export("streamName", self._settings.name("gone"))',
        "stream-round-trip streamName",
        "ResourceNotFound",
    ),
]


def broken(folder: Path, program: str, file: str, old: str, new: str) -> Path:
    """A copy of the program, links followed, with that change, and probes that soon give up."""
    copy = folder / program
    shutil.copytree(PROGRAMS / program, copy)
    source = copy / file
    text = source.read_text()
    assert text.count(old) == 1, f"{file} has changed"
    source.write_text(text.replace(old, new))
    settings = copy / "harness.toml"
    tables = re.sub(r"^timeout = .*\n", "", settings.read_text(), flags=re.MULTILINE)
    settings.write_text(tables.replace("[[probe]]\n", f"[[probe]]\ntimeout = {PATIENCE}\n"))
    return copy


@pytest.mark.parametrize("one", cut(BREAKS, 1), ids=lambda one: one.program)
def test_a_probe_notices_what_is_broken(harness, emulator, auditor, tmp_path, one: Break) -> None:
    """That probe and no other, with words that say what is wrong; destroy takes all of it."""
    program = broken(tmp_path, one.program, one.file, one.old, one.new)
    done = harness(
        "run", str(program), "--target", emulator.url, "--no-preflight", "--no-policy", "--no-recheck", "--json", "-"
    )
    assert (done.code, done.cell["status"]) == (1, "FAILED"), done.err
    failed = {probe["name"]: probe["detail"] for probe in done.cell["probes"] if probe["status"] != "passed"}
    assert failed.keys() == {one.noticed}
    assert one.said in failed[one.noticed]
    assert done.cell["resources"]["leaked"] == done.cell["resources"]["unverified"] == []
    assert auditor(done.cell["account"]).left() == []


def test_policy_notices_logs_that_never_expire_before_anything_is_made(harness, emulator, auditor, tmp_path) -> None:
    """Financial, with its retention off."""
    program = broken(tmp_path, "financial", "parts/logs.py", "retention_in_days=RETENTION_DAYS,\n", "")
    done = harness("run", str(program), "--target", emulator.url, "--json", "-")
    assert (done.code, done.cell["status"]) == (1, "FAILED"), done.err
    assert {one["id"] for one in done.cell["findings"] if one["severity"] == "mandatory"} == {"log-retention"}
    assert done.cell["resources"]["created"] == 0
    assert auditor(done.cell["account"]).left() == []
