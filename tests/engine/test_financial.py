"""The main job: `financial`, some fifty resources, comes up, is probed, destroyed and proved gone, whatever happens."""

import random
import shutil
import time
from pathlib import Path

import pytest
from cut import cut

ROOT = Path(__file__).resolve().parents[2]
FINANCIAL = ROOT / "programs" / "financial"
HALF_WAY = """
import pulumi as _pulumi

def _fail(_):
    if not _pulumi.runtime.is_dry_run():
        raise ValueError("half-way")
"""
# After the network, and not before: else the engine may meet the refusal first, and nothing is half-way.
REFUSED = """
import pulumi as _pulumi
import pulumi_aws as _aws

_aws.rds.Cluster(
    "bad",
    engine="aurora-postgresql",
    engine_version="15.3",
    cluster_identifier="bad",
    master_username="x",
    manage_master_user_password=True,
    opts=_pulumi.ResourceOptions(depends_on=[network.vpc]),
)
"""


@pytest.mark.campaign
def test_all_of_it_comes_up_and_goes_away(harness, emulator, auditor) -> None:
    """Every resource created and deleted, none leaked, none unverified, every probe passed."""
    done = harness("run", str(FINANCIAL), "--target", emulator.url, "--region", "eu-central-1", "--json", "-")
    assert done.code == 0, done.err
    cell = done.cell
    resources = cell["resources"]
    assert resources["planned"] == resources["created"] == resources["deleted"] >= 45
    assert resources["leaked"] == resources["unverified"] == []
    assert {probe["status"] for probe in cell["probes"]} == {"passed"}
    assert len(cell["probes"]) >= 7
    assert auditor(cell["account"], "eu-central-1").left() == []
    assert harness.processes() == []


@pytest.mark.campaign
def test_three_at_once_do_not_disturb_each_other(harness, emulator, auditor) -> None:
    """Three runs against one emulator, each in an account of its own."""
    started = [harness.start("run", str(FINANCIAL), "--target", emulator.url, "--json", "-") for _ in range(3)]
    ended = [harness.finish(process) for process in started]
    assert [done.code for done in ended] == [0, 0, 0], "\n".join(done.err for done in ended)
    assert len({done.cell["account"] for done in ended}) == 3
    for done in ended:
        assert auditor(done.cell["account"]).left() == []


@pytest.fixture
def copy(tmp_path: Path):
    """A copy of the program with one more line of source."""

    def make(source: str) -> Path:
        directory = tmp_path / "financial"
        shutil.copytree(FINANCIAL, directory)
        with (directory / "__main__.py").open("a") as main:
            main.write(source)
        return directory

    return make


@pytest.mark.parametrize(
    ("source", "said"),
    cut(
        [
            (REFUSED, "Cannot find version 15.3"),
            (HALF_WAY + "network.vpc.id.apply(_fail)\n", "half-way"),
        ],
        1,
    ),
)
def test_a_failure_half_way_is_told_and_all_of_it_destroyed(harness, emulator, auditor, copy, source, said) -> None:
    """An exception in the program, and a resource that the target refuses."""
    done = harness("run", str(copy(source)), "--target", emulator.url, "--no-policy", "--json", "-")
    assert done.code == 1, done.err
    assert done.cell["status"] == "ERRORED"
    assert said in done.cell["error"]["message"]
    assert done.cell["resources"]["created"] > 0
    assert auditor(done.cell["account"]).left() == []


@pytest.mark.parametrize(
    ("name", "wait"), cut([(name, wait) for wait in (1.0, 0.2, 2.0) for name in ("SIGINT", "SIGTERM")], 2)
)
def test_a_signal_at_any_moment_of_up_leaves_nothing(harness, emulator, auditor, eventually, name, wait) -> None:
    """Creates in flight included; exit 130, or 0 when the signal came too late to stop anything."""
    import signal

    process = harness.start("run", str(FINANCIAL), "--target", emulator.url, "--no-preflight", "--json", "-")
    eventually(lambda: any(harness.home.glob("runs/*/*/events/up-*.jsonl")))
    time.sleep(wait + random.random() / 4)
    process.send_signal(getattr(signal, name))
    done = harness.finish(process)
    assert (done.code, done.cell["status"]) in {(130, "INTERRUPTED"), (0, "PASSED")}, done.err
    assert done.cell["resources"]["leaked"] == done.cell["resources"]["unverified"] == []
    assert auditor(done.cell["account"]).left() == []
    assert harness.processes() == []
