"""What must be there before a program: looked for, made on an emulator, and taken away again, whatever came between."""

from __future__ import annotations

import os
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from cut import cut
from power_cut import HANGS, kill_all

from harness.model import RUN_TAG, Cell, CellStatus, LeaseState, Limits, PhaseName, Prerequisite, Program
from harness.run.messages import CellSpec
from harness.run.prerequisites import prerequisites
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield
from harness.world.emulator import Emulator

WANTED = '[[prerequisite]]\nkind = "secret"\nname = "db-connection"\nfields = ["host", "password"]\n'
READS = """
found = aws.secretsmanager.get_secret(name="db-connection")
pulumi.export("found", found.arn)
"""
OWN = """
aws.secretsmanager.Secret("own", name=f"shop-own-{suffix}", recovery_window_in_days=0)
"""
QUIET = ("--no-policy", "--no-recheck")


@pytest.fixture
def reading(shop) -> Callable[..., Path]:
    """The shop, which reads a secret that is not its own."""

    def make(source: str = "") -> Path:
        folder: Path = shop(READS + source)
        (folder / "harness.toml").write_text(WANTED)
        return folder

    return make


def test_what_a_program_needs_is_made_before_its_preview_and_removed_after_it(
    harness, emulator, auditor, reading
) -> None:
    """On an emulator: it is there when the preview reads it, told, not taken for one of the stack's, and gone."""
    done = harness("run", str(reading(OWN)), "--target", emulator.url, *QUIET, "--json", "-")
    assert done.code == 0, done.err
    assert ":secret:db-connection-" in done.cell["outputs"]["found"]
    assert "made the secret db-connection, a prerequisite" in done.err
    assert done.cell["resources"]["created"] == done.cell["resources"]["deleted"] == 3
    assert "which no state held" not in done.err
    assert auditor(done.cell["account"]).left() == []


def test_one_that_cannot_be_removed_is_a_leak_that_destroy_ends(harness, emulator, auditor, reading, tmp_path) -> None:
    """Also when nothing else was begun: the lease stays open, with the command that concerns the emulator."""
    (file := tmp_path / "faults.toml").write_text(
        '[[fault]]\nkind = "denied"\nservice = "secretsmanager"\noperation = "DeleteSecret"\n'
    )
    folder = reading('raise RuntimeError("refused")\n')
    done = harness("run", str(folder), "--target", emulator.url, *QUIET, "--json", "-", "--faults", str(file))
    assert (done.code, done.cell["status"]) == (3, "LEAKED"), done.err
    assert [(one["phase"], one["status"]) for one in done.cell["phases"]] == [
        ("preflight", "failed"),
        ("leak check", "failed"),
    ]
    [left] = done.cell["resources"]["leaked"]
    assert (left["id"], left["region"]) == ("db-connection", "us-east-1")
    assert "AccessDenied" in left["reason"]
    words = shlex.split(left["command"])
    assert words[:3] == ["aws", "secretsmanager", "delete-secret"]
    assert words[words.index("--endpoint-url") + 1] == emulator.url
    ask = auditor(done.cell["account"])
    assert ask.left() == ["secretsmanager db-connection"]
    [lease] = harness("leases", "--json", "-").document
    assert lease["state"] == LeaseState.LEAKED
    assert Path(done.cell["leak_record"]).exists()
    ended = harness("destroy", done.document["run"], "--json", "-")
    assert ended.code == 0, ended.err
    assert ask.left() == []
    assert harness("leases", "--json", "-").document == []


@pytest.mark.campaign
def test_a_call_that_hangs_ends_with_the_preflights_time(harness, emulator, auditor, reading, tmp_path) -> None:
    """The limit is named, and the phase told with the time that it took. What may still arrive is no clean end."""
    (file := tmp_path / "faults.toml").write_text(
        '[[fault]]\nkind = "hang"\nservice = "secretsmanager"\noperation = "CreateSecret"\n'
    )
    limit = ("--phase-timeout", "preflight=10")  # what comes before the call needs up to 3 s
    done = harness("run", str(reading()), "--target", emulator.url, *limit, "--json", "-", "--faults", str(file))
    assert (done.code, done.cell["status"]) == (3, "LEAKED"), done.err
    assert done.cell["error"]["message"].startswith("CreateSecret of the prerequisite db-connection stopped: the time")
    [left] = done.cell["resources"]["leaked"]
    assert "may still be made" in left["reason"]
    preflight = done.cell["phases"][0]
    assert preflight["limit"] == "--phase-timeout"
    assert 10 <= preflight["seconds"] < 40
    assert auditor(done.cell["account"]).left() == []
    ended = harness("destroy", done.document["run"])
    assert ended.code == 0, ended.err


@pytest.fixture
def cut_off(harness, emulator, auditor, reading, eventually) -> Callable[[], tuple[dict[str, Any], Any]]:
    """A run with all three things there, killed: its lease, and the auditor of its account."""

    def make() -> tuple[dict[str, Any], Any]:
        folder = reading(HANGS)
        process = harness.start("run", str(folder), "--target", emulator.url, *QUIET, "--no-preflight", "--json", "-")
        eventually(lambda: bool(harness("leases", "--json", "-").document))
        [lease] = harness("leases", "--json", "-").document
        ask = auditor(lease["account"])
        eventually(lambda: len(ask.left()) >= 3)
        kill_all(process)
        return lease, ask

    return make


def test_after_a_power_cut_a_sweep_removes_what_was_made_for_it_too(harness, cut_off) -> None:
    """Its name is on disk before the secret exists."""
    _, ask = cut_off()
    swept = harness("sweep", "--apply", "--json", "-")
    assert swept.code == 0, swept.err
    assert ask.left() == []
    assert harness("leases", "--json", "-").document == []


@pytest.mark.parametrize("lost", cut([".", "runs"], 1))
def test_a_sweep_by_tag_finds_it_when_its_home_is_lost(harness, cut_off, emulator, lost: str) -> None:
    """The cell's folder, or the lease with it: what says that it is a prerequisite is gone."""
    lease, ask = cut_off()
    for path in (
        [harness.home / lost] if lost == "runs" else [*harness.home.glob("harness.sqlite*"), harness.home / "runs"]
    ):
        path.rename(path.with_name(f"lost-{path.name}"))
    place = ("--target", emulator.url, "--account", lease["account"], "--run", lease["run"])
    swept = harness("sweep", "--apply", "--json", "-", *(() if lost == "runs" else place))
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


@contextmanager
def hold(record: Record, shield: Shield | None = None) -> Iterator[None]:
    """As the lifecycle does."""
    shield = shield or Shield(lambda: 0.0, 60, lambda _text: None)
    with prerequisites(record) as provide:
        if not record.spec.recover:
            with record.phase(PhaseName.PREFLIGHT, failed=CellStatus.REJECTED):
                provide(shield)
        yield


def refused(record: Record, shield: Shield | None = None) -> None:
    """Nothing of the cell begins."""
    with pytest.raises(PhaseError), hold(record, shield):
        raise AssertionError("it must not begin")


def value(client: Any) -> str:
    """Of the secret that is there."""
    return str(client.get_secret_value(SecretId="github-token")["SecretString"])


def test_what_was_there_before_is_not_touched(client, needing) -> None:
    """Neither its value nor its being there; also when the cell died and another process ends it."""
    client.create_secret(Name="github-token", SecretString="mine", Tags=[{"Key": RUN_TAG, "Value": "r-2"}])
    with hold(needing()):
        assert value(client) == "mine"
    with hold(needing(recover=True)):
        pass
    assert value(client) == "mine"


def test_what_somebody_makes_at_the_same_moment_is_not_touched(client, needing, monkeypatch) -> None:
    """It was not there when we looked, and is when we make it: it will do, and stays."""
    client.create_secret(Name="github-token", SecretString="mine")
    answers = iter([None])
    from harness.run import prerequisites as room

    find = room._Secrets._find
    monkeypatch.setattr(room._Secrets, "_find", lambda self, name: next(answers, find(self, name)))
    with hold(record := needing()):
        pass
    assert value(client) == "mine"
    assert record.status is CellStatus.PASSED


def test_a_disk_that_lost_everything_of_it_loses_no_secret(client, needing, tmp_path) -> None:
    """What the process before it made is told by the target, whatever lies in the cell's folder."""
    with hold(record := needing()):
        record.status = CellStatus.KEPT
    for file in tmp_path.iterdir():
        file.write_text("")
    with hold(needing(recover=True)):
        pass
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_secret(SecretId="github-token")


@pytest.mark.parametrize("operation", ["DescribeSecret", "CreateSecret"])
def test_a_signal_leaves_a_call_that_hangs_behind(client, needing, line, eventually, operation: str) -> None:
    """At once; and what the call makes all the same is removed."""
    line.operation, line.times = operation.encode(), 1
    line.hang.clear()
    record, shield = needing(url=line.url), Shield(lambda: 0.0, 60, lambda _text: None)
    met = threading.Thread(target=lambda: (eventually(lambda: line.broken > 0), shield.interrupt("SIGINT")))
    met.start()
    began = time.monotonic()
    refused(record, shield)
    met.join()
    assert time.monotonic() - began < 20
    assert record.status is CellStatus.INTERRUPTED
    assert record.failure is not None
    assert record.failure.message == f"{operation} of the prerequisite github-token stopped: SIGINT"
    assert client.list_secrets()["SecretList"] == []


@pytest.mark.parametrize("operation", ["DescribeSecret", "CreateSecret"])
def test_a_call_that_fails_is_told_as_what_it_is(needing, line, operation: str) -> None:
    """With the operation, and who has to answer it."""
    line.operation, line.delivers, line.answers = operation.encode(), False, 400
    record = needing(url=line.url)
    refused(record)
    assert record.status is CellStatus.REJECTED
    assert record.failure is not None
    assert record.failure.message.startswith(f"{operation} of the prerequisite github-token failed: ")
    assert record.failure.hint == f"the emulator at {line.url} must answer secretsmanager:{operation}"


def test_one_that_is_about_to_be_deleted_is_refused_with_the_way_back(client, needing, emulator) -> None:
    """Secrets Manager keeps the name; nothing of the cell is made. The command is for that emulator."""
    client.create_secret(Name="github-token", SecretString="mine")
    client.delete_secret(SecretId="github-token")
    refused(record := needing())
    assert record.status is CellStatus.REJECTED
    assert record.failure is not None
    assert "is scheduled for deletion" in record.failure.message
    assert record.failure.hint == (
        f"aws secretsmanager restore-secret --region us-east-1 --endpoint-url {emulator.url} --secret-id github-token"
    )


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
    for name, text in {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setitem(os.environ, name, text)
    refused(record := needing(target="aws", url=None))
    assert record.failure is not None
    assert record.failure.message == "the secret github-token, a prerequisite of shop, is not there (a token)"
    assert record.failure.hint.startswith("aws secretsmanager create-secret --region us-east-1 --name github-token")
    assert client.list_secrets()["SecretList"] == []
