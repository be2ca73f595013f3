"""A program that goes up part by part, and what must be there before it: made, found, awaited, and taken away again."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from power_cut import kill_all

from harness.model import Cell, CellStatus, Limits, Prerequisite, Program
from harness.run.messages import CellSpec
from harness.run.prerequisites import prerequisites
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield
from harness.world.emulator import Emulator

LATER = """
if config.get("part") != "first":
    late = aws.sqs.Queue("late", name=f"shop-late-{suffix}")
    pulumi.export("lateUrl", late.url)
    pulumi.export("hidden", pulumi.Output.secret("hunter2"))
"""
STAGE = '[[stage]]\nname = "first"\nconfig = { part = "first" }\n'
COMMAND = """#!/bin/sh
env > seen.txt
echo "the image is on its way"
exit $1
"""
WANTED = '[[prerequisite]]\nkind = "secret"\nname = "db-connection"\nfields = ["host", "password"]\n'
READS = """
found = aws.secretsmanager.get_secret(name="db-connection")
pulumi.export("found", found.arn)
"""
QUIET = ("--no-policy", "--no-recheck")


@pytest.fixture
def staged(shop) -> Callable[..., Path]:
    """The shop with a harness.toml and a command beside it."""

    def make(settings: str, source: str = "") -> Path:
        folder: Path = shop(source)
        (folder / "harness.toml").write_text(settings)
        command = folder / "push.sh"
        command.write_text(COMMAND)
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
        return folder

    return make


def test_a_part_goes_first_then_its_command_then_the_whole(harness, emulator, auditor, staged) -> None:
    """The command sees what the part has put out, and the target; destroy takes all of it; each stage has its time."""
    folder = staged(STAGE + 'run = ["./push.sh", "0"]\n', LATER)
    done = harness("run", str(folder), "--target", emulator.url, *QUIET, "--json", "-")
    assert done.code == 0, done.err
    cell = done.cell
    first, whole = cell["stages"]
    assert (first["name"], first["status"], first["created"]) == ("first", "passed", 2)
    assert (whole["name"], whole["status"], whole["created"], whole["command"]) == ("whole", "passed", 1, 0)
    assert 0 < first["command"] < first["seconds"]
    assert re.search(r"up ok \(.* s, 3 resources\)", done.err), "those of all stages"
    assert cell["resources"]["planned"] == cell["resources"]["created"] == cell["resources"]["deleted"] == 3
    seen = dict(line.partition("=")[::2] for line in (folder / "seen.txt").read_text().splitlines())
    assert seen["OUTPUT_BUCKET_NAME"] == cell["outputs"]["bucketName"]
    assert "OUTPUT_LATE_URL" not in seen, "the second part is not there yet"
    assert (seen["AWS_ENDPOINT_URL"], seen["AWS_ACCESS_KEY_ID"]) == (emulator.url, cell["account"])
    assert not [name for name in seen if name.startswith("PULUMI_")], "the engine's own are not its business"
    assert "the image is on its way" in Path(cell["log"]).read_text()
    assert auditor(cell["account"]).left() == []


def test_a_command_that_fails_is_told_and_the_part_destroyed(harness, emulator, auditor, staged) -> None:
    """With its exit code and its last line; the whole is not tried."""
    folder = staged(STAGE + 'run = ["./push.sh", "3"]\n', LATER)
    done = harness("run", str(folder), "--target", emulator.url, *QUIET, "--no-preflight", "--json", "-")
    assert (done.code, done.cell["status"]) == (1, "ERRORED")
    said = done.cell["error"]["message"]
    assert said == "stage first: ./push.sh 3: ended with 3: the image is on its way"
    assert [(one["name"], one["status"]) for one in done.cell["stages"]] == [("first", "failed")]
    assert done.cell["resources"]["deleted"] == done.cell["resources"]["created"] == 2
    assert auditor(done.cell["account"]).left() == []


def test_a_command_that_hangs_ends_with_the_run(harness, emulator, auditor, staged, eventually) -> None:
    """SIGINT in the middle of it: it is ended with all that it started, and what was made is destroyed."""
    folder = staged(STAGE + 'run = ["sh", "-c", "echo $$ > pid; sleep 600 & sleep 600"]\n', LATER)
    process = harness.start("run", str(folder), "--target", emulator.url, *QUIET, "--no-preflight", "--json", "-")
    eventually(lambda: (folder / "pid").exists() and (folder / "pid").read_text().strip())
    children = psutil.Process(int((folder / "pid").read_text())).children()
    process.send_signal(signal.SIGINT)
    done = harness.finish(process)
    assert (done.code, done.cell["status"]) == (130, "INTERRUPTED"), done.err
    assert not [one for one in children if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert auditor(done.cell["account"]).left() == []
    assert harness.processes() == []


def test_what_a_program_needs_is_made_before_its_preview_and_removed_after_it(
    harness, emulator, auditor, staged
) -> None:
    """On an emulator: it is there when the preview reads it, told, not counted as the stack's, and gone."""
    done = harness("run", str(staged(WANTED, READS)), "--target", emulator.url, *QUIET, "--json", "-")
    assert done.code == 0, done.err
    assert ":secret:db-connection-" in done.cell["outputs"]["found"]
    assert "made the secret db-connection, a prerequisite" in done.err
    assert done.cell["resources"]["created"] == 2
    assert auditor(done.cell["account"]).left() == []


def test_after_a_power_cut_a_sweep_removes_what_was_made_for_it_too(
    harness, emulator, auditor, staged, eventually
) -> None:
    """The names are on disk before the secrets exist."""
    hangs = "\nif live:\n    after(lambda: time.sleep(600))\n"
    folder = staged(WANTED, READS + hangs)
    process = harness.start("run", str(folder), "--target", emulator.url, *QUIET, "--no-preflight", "--json", "-")
    eventually(lambda: bool(harness("leases", "--json", "-").document))
    [lease] = harness("leases", "--json", "-").document
    ask = auditor(lease["account"])
    eventually(lambda: len(ask.left()) >= 3)
    kill_all(process)
    swept = harness("sweep", "--apply", "--json", "-")
    assert swept.code == 0, swept.err
    assert ask.left() == []
    assert harness("leases", "--json", "-").document == []


@pytest.fixture
def client(emulator: Emulator, account: str) -> Any:
    """Secrets Manager in an account of the test's own."""
    return boto3.client(
        "secretsmanager",
        endpoint_url=emulator.url,
        region_name="us-east-1",
        aws_access_key_id=account,
        aws_secret_access_key="x",
    )


@pytest.fixture
def needing(tmp_path: Path, emulator: Emulator, account: str) -> Callable[..., Record]:
    """A cell of a program with one prerequisite, before anything of it has happened."""

    def make(**more: Any) -> Record:
        wanted = Prerequisite(name="github-token", purpose="a token")
        program = Program(name="shop", directory=tmp_path, main=tmp_path, prerequisites=(wanted,))
        names = {"name": "shop-1", "stack": "s", "suffix": "x", "region": "us-east-1"}
        spec = CellSpec(
            run="r-1",
            cell=Cell(program=program, config={}, stack_config=None, tags={}, **names),
            account=account,
            directory=tmp_path,
            engine=tmp_path,
            engine_version="3",
            hosts=tmp_path,
            provider="bundled",
            limits=Limits(run=60, destroy=60),
            expires="2026-01-01T00:00:00+00:00",
            **{"target": "url", "url": emulator.url, **more},
        )
        return Record(spec, lambda _message: None, lambda: 0.0)

    return make


def hold(record: Record) -> Any:
    """As the lifecycle does, with a lease at once."""
    return prerequisites(record, Shield(lambda: 0.0, 60, lambda _text: None), lambda _seconds: True)


def test_what_was_there_before_is_not_touched(client, needing) -> None:
    """Neither its value nor its being there."""
    client.create_secret(Name="github-token", SecretString="mine")
    with hold(needing()):
        assert client.get_secret_value(SecretId="github-token")["SecretString"] == "mine"
    assert client.get_secret_value(SecretId="github-token")["SecretString"] == "mine"


def test_one_that_is_about_to_be_deleted_is_refused_with_the_way_back(client, needing) -> None:
    """Secrets Manager keeps the name; nothing of the cell is made."""
    client.create_secret(Name="github-token", SecretString="mine")
    client.delete_secret(SecretId="github-token")
    record = needing()
    with pytest.raises(PhaseError), hold(record):
        raise AssertionError("it must not begin")
    assert record.status is CellStatus.REJECTED
    assert record.failure is not None
    assert "is scheduled for deletion" in record.failure.message
    assert "restore-secret" in record.failure.hint


def test_a_stack_that_is_kept_keeps_what_it_reads(client, needing) -> None:
    """Until it is destroyed, by whoever recovers it."""
    record = needing()
    with hold(record):
        record.status = CellStatus.KEPT
    assert client.describe_secret(SecretId="github-token")["Name"] == "github-token"
    with hold(needing(recover=True)):
        pass
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_secret(SecretId="github-token")


def test_on_aws_nothing_is_made_and_what_is_missing_is_told(client, needing, emulator, account, monkeypatch) -> None:
    """With the command that makes it; here an emulator answers for AWS."""
    for name, value in {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setitem(os.environ, name, value)
    record = needing(target="aws", url=None)
    with pytest.raises(PhaseError), hold(record):
        raise AssertionError("it must not begin")
    assert record.failure is not None
    assert record.failure.message == "the secret github-token, a prerequisite of shop, is not there (a token)"
    assert record.failure.hint.startswith("aws secretsmanager create-secret --region us-east-1 --name github-token")
    assert json.loads(json.dumps(client.list_secrets()["SecretList"], default=str)) == []
