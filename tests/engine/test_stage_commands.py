"""A stage's command: what it reaches, says and leaves running; and what only a stage declares: all of it ends."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from cut import cut
from staged_programs import LATER, ONLY_FIRST, QUIET, STAGE

from harness.hosts.output import CUT
from harness.model import Cell, Limits, Program, Stage
from harness.run.cell_world import CellWorld, open_cell_world
from harness.run.messages import CellSpec
from harness.run.record import Record
from harness.run.shield import Shield
from harness.run.stage_command import run_command

SECOND = '[[stage]]\nname = "second"\nconfig = { part = "second" }\n'
HANGS = STAGE + 'run = ["sh", "-c", "echo $$ > pid; sleep 600 & setsid sleep 600"]\n'
SAYS = """
import sys, time

token = {token!r}
sys.stdout.write("token " + token[:9])
sys.stdout.flush()
time.sleep(0.3)
print("meanwhile", file=sys.stderr, flush=True)
time.sleep(0.3)
sys.stdout.write(token[9:] + "\\n10 %\\r20 %\\r")
for _ in range(40_000):
    print("x" * 80)
"""


def the_command(folder: Path, eventually) -> psutil.Process:
    """The one that runs now."""
    eventually(lambda: (folder / "pid").exists() and (folder / "pid").read_text().strip())
    return psutil.Process(int((folder / "pid").read_text()))


def test_with_the_official_provider_a_command_stays_on_this_machine(tmp_path, emulator, account, monkeypatch) -> None:
    """The engine keeps the caller's proxy, by which it fetches the plugin; the command finds one that leads nowhere."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setattr(CellWorld, "provider", lambda _: SimpleNamespace(answers=lambda _: True))
    stage = Stage(name="first", config={"shop:part": "first"}, run=("sh", "-c", "env > seen.txt"))
    program = Program(name="shop", directory=tmp_path, main=tmp_path, stages=(stage,))
    names = {"name": "shop-x", "stack": "shop-x", "suffix": "x", "region": "us-east-1"}
    spec = CellSpec(
        run="r-1",
        cell=Cell(program=program, config={}, stack_config=None, tags={"Project": "shop"}, **names),
        account=account,
        directory=tmp_path / "cell",
        engine=tmp_path,
        engine_version="3",
        hosts=tmp_path,
        provider="official",
        target="url",
        url=emulator.url,
        limits=Limits(run=60, destroy=60),
        expires="2026-01-01T00:00:00+00:00",
        recover=True,
    )
    shield = Shield(time.monotonic, 60, lambda _: None)
    (tmp_path / "cell").mkdir()
    with open_cell_world(spec, shield, lambda _: None) as world:
        run_command(stage, world, Record(spec, lambda _: None, time.monotonic), shield)
    seen = dict(line.partition("=")[::2] for line in (tmp_path / "seen.txt").read_text().splitlines())
    assert seen["HTTPS_PROXY"] == seen["https_proxy"] == seen["ALL_PROXY"] != "http://proxy.example:3128"
    assert '"Project": "shop"' in seen["HARNESS_TAGS"]
    assert '"harness:run": "r-1"' in seen["HARNESS_TAGS"]


def test_what_a_command_says_is_whole_lines_without_secrets_and_not_without_end(harness, emulator, staged) -> None:
    """Two streams, a secret in two pieces, a bar that shows progress, three megabytes."""
    folder = staged(STAGE + 'run = ["python", "says.py"]\n', LATER)
    (folder / "says.py").write_text(SAYS.format(token="canary-of-the-stage"))
    flags = (*QUIET, "--no-preflight", "--config", "apiToken=canary-of-the-stage")
    done = harness("run", str(folder), "--target", emulator.url, *flags, "--json", "-")
    assert done.code == 0, done.err
    text = Path(done.cell["log"]).read_text()
    lines = [line.partition(" ")[2] for line in text.splitlines()]
    assert {"token [secret]", "meanwhile", "10 %", "20 %", CUT.strip()} <= set(lines)
    assert "canary" not in text
    assert len(text) < 2_000_000


@pytest.mark.campaign
def test_a_daemon_of_a_command_ends_with_it(harness, emulator, auditor, staged) -> None:
    """It left group and session; before the next `up` it is gone."""
    lives = r"grep -q sleep /proc/$(cat pid)/cmdline"
    folder = staged(
        STAGE + 'run = ["sh", "-c", "setsid sleep 600 & echo $! > pid; sleep 0.5"]\n'
        f"{SECOND}run = ['sh', '-c', '{lives} && exit 7; exit 0']\n",
        LATER,
    )
    done = harness("run", str(folder), "--target", emulator.url, *QUIET, "--no-preflight", "--json", "-")
    assert done.code == 0, done.err
    assert [one["status"] for one in done.cell["stages"]] == ["passed"] * 3
    assert auditor(done.cell["account"]).left() == []


@pytest.mark.parametrize("how", cut(["SIGKILL", "--phase-timeout"], 1))
def test_a_command_ends_with_its_cell_and_with_its_phase(harness, emulator, auditor, staged, eventually, how) -> None:
    """With what left its group; another process destroys what was made, or the same one does."""
    folder = staged(HANGS, LATER)
    flags = () if how == "SIGKILL" else ("--phase-timeout", "up=20s")
    process = harness.start(
        "run", str(folder), "--target", emulator.url, *QUIET, "--no-preflight", *flags, "--json", "-"
    )
    command = the_command(folder, eventually)
    eventually(lambda: len(command.children()) == 2)
    family = [command, *command.children()]
    if how == "SIGKILL":
        [cell] = [one for one in psutil.Process(process.pid).children() if "harness.run.cell" in one.cmdline()]
        cell.send_signal(signal.SIGKILL)
    done = harness.finish(process)
    assert (done.code, done.cell["status"]) == (1, "ERRORED"), done.err
    told = "was killed by signal 9" if how == "SIGKILL" else "stage first: sh -c"
    assert told in done.cell["error"]["message"]
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert auditor(done.cell["account"]).left() == []
    assert harness.processes() == []


def test_a_whole_that_fails_takes_what_a_stage_protects_along(harness, emulator, auditor, staged) -> None:
    """Nothing of the stage is left, and it is the whole that failed."""
    source = LATER + (
        "aws.sqs.Queue('kept', name=f'kept-{suffix}', opts=pulumi.ResourceOptions(protect=True))\n"
        "if live and config.get('part') != 'first':\n    after(lambda: fail(ValueError('in the middle')))\n"
    )
    done = harness("run", str(staged(STAGE, source)), "--target", emulator.url, *QUIET, "--no-preflight", "--json", "-")
    assert (done.code, done.cell["status"]) == (1, "ERRORED"), done.err
    assert "in the middle" in done.cell["error"]["message"]
    assert [(one["name"], one["status"]) for one in done.cell["stages"]] == [("first", "passed"), ("whole", "failed")]
    assert auditor(done.cell["account"]).left() == []


@pytest.mark.parametrize("option", cut(["retain_on_delete=True", ""], 1))
def test_what_only_a_stage_declares_is_gone_and_not_counted_as_standing(
    harness, emulator, auditor, staged, option
) -> None:
    """The whole deletes it, or lets go of it: then the leak check finds it."""
    early = f"aws.sqs.Queue('early', name=f'early-{{suffix}}', opts=pulumi.ResourceOptions({option}))\n"
    folder = staged(STAGE, LATER + ONLY_FIRST + early)
    done = harness("run", str(folder), "--target", emulator.url, *QUIET, "--no-preflight", "--json", "-")
    assert done.code == 0, done.err
    assert re.search(r"up ok \(.* s, 3 resources\)", done.err), done.err
    assert [one["created"] for one in done.cell["stages"]] == [3, 1]
    assert done.cell["resources"]["created"] == done.cell["resources"]["deleted"] == 4
    assert auditor(done.cell["account"]).left() == []
