"""What crashes and other machines leave behind is found, told with its reason, and ended once; nothing else is."""

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from commands import STRAIGHT
from power_cut import kill_all
from sweeping import named, swept

from harness.model import EXPIRES_TAG, RUN_TAG, STACK_TAG

SAYS = 30  # seconds: a job's `if: always()` has ten of a machine that does nothing else; this one runs tests beside


def test_a_power_cut_is_shown_then_ended_once(harness, held) -> None:
    """Everything killed in `up`: a sweep shows it and touches nothing; --apply leaves nothing; the next has no work."""
    process, lease, ask = held()
    kill_all(process)
    began = time.monotonic()
    code, document = swept(harness)
    assert time.monotonic() - began < SAYS
    assert code == 3
    assert named(document) == {lease["run"]: ("destroy", "told")}
    assert str(lease["process"]) in document["items"][0]["reason"]
    assert len(ask.left()) == 2
    assert len(harness("leases", "--json", "-").document) == 1
    code, document = swept(harness, "--apply")
    assert (code, named(document)) == (0, {lease["run"]: ("destroy", "done")})
    assert ask.left() == []
    assert harness("leases", "--json", "-").document == []
    assert harness.processes() == []
    assert swept(harness, "--apply")[1]["items"] == []


def test_two_sweeps_at_once_do_it_once(harness, held) -> None:
    """Of two, one takes the lease over; together they leave nothing and fall over nothing."""
    process, _, ask = held()
    kill_all(process)
    both = [harness.start("sweep", "--apply", "--json", "-") for _ in range(2)]
    ended = [harness.finish(one) for one in both]
    assert 0 in {done.code for done in ended}, [done.err for done in ended]
    assert {done.code for done in ended} <= {0, 3}
    assert sum("done" in json.dumps(done.document["items"]) for done in ended) == 1
    assert ask.left() == []
    assert harness("leases", "--json", "-").document == []


def test_a_lease_that_somebody_works_on_is_not_touched(harness, held, tmp_path) -> None:
    """The run goes on beside a sweep, and ends as it would have."""
    gate = tmp_path / "gate"
    wait = f"while not os.path.exists({str(gate)!r}):\n        time.sleep(0.05)\n"
    process, lease, ask = held(f"\ndef hold():\n    {wait}\n\nif live:\n    after(hold)\n")
    code, document = swept(harness, "--apply")
    assert (code, named(document)) == (0, {lease["run"]: ("none", "told")})
    assert len(ask.left()) >= 2
    gate.touch()
    done = harness.finish(process)
    assert done.code == 0, done.err
    assert ask.left() == []


@pytest.mark.campaign
def test_what_went_with_an_embedded_emulator_is_closed(harness, shop) -> None:
    """Nothing is asked of what cannot answer any more, and what was kept there is not waited for."""
    kept = harness(
        "run", str(shop("\nif live:\n    after(lambda: 1 / 0)\n")), *STRAIGHT, "--keep-on-failure", "--json", "-"
    )
    assert kept.cell["status"] == "KEPT"
    assert named(swept(harness)[1]) == {kept.document["run"]: ("none", "told")}
    for one in psutil.process_iter(["cmdline"]):
        line = " ".join(one.info["cmdline"] or [])
        if "emulator_server.py" in line and str(harness.home) in line:
            one.kill()
    code, document = swept(harness, "--apply")
    assert (code, named(document)) == (0, {kept.document["run"]: ("close", "done")})
    assert harness("leases", "--json", "-").document == []


@pytest.fixture
def foreign(emulator, auditor):
    """Makes tagged resources of a run that no database here knows: (run, account, auditor)."""

    def make(account: str, run: str, expires: str | None, stack: str = "theirs-1"):
        ask = auditor(account)
        tags = {RUN_TAG: run, STACK_TAG: stack, **({EXPIRES_TAG: expires} if expires else {})}
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        ec2 = ask.client("ec2")
        spec = lambda kind: [{"ResourceType": kind, "Tags": pairs}]  # noqa: E731
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=spec("vpc"))["Vpc"]["VpcId"]
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", TagSpecifications=spec("subnet"))
        ec2.create_security_group(
            GroupName="orphan", Description="d", VpcId=vpc, TagSpecifications=spec("security-group")
        )
        ask.client("sqs").create_queue(QueueName=f"orphan-{run}", tags=tags)
        ask.client("kms").create_key(Tags=[{"TagKey": key, "TagValue": value} for key, value in tags.items()])
        ask.client("s3").create_bucket(Bucket=f"orphan-{run}")
        ask.client("s3").put_bucket_tagging(Bucket=f"orphan-{run}", Tagging={"TagSet": pairs})
        ask.client("s3").put_object(Bucket=f"orphan-{run}", Key="k", Body=b"x")
        return ask

    return make


def moment(**ago: float) -> str:
    """Some time ago, as the tag holds it."""
    return (datetime.now(UTC) - timedelta(**ago)).isoformat(timespec="seconds")


@pytest.mark.campaign
def test_resources_without_a_lease_go_once_they_expired(harness, emulator, foreign) -> None:
    """Found by the run's tag where --target says; not before they expire, not what has no tag."""
    account = "210000000001"
    ask = foreign(account, "r-gone000000", moment(hours=1))
    ask.client("sqs").create_queue(QueueName="untagged")
    ask.client("sqs").create_queue(QueueName="peer", tags={RUN_TAG: "r-peer000000", EXPIRES_TAG: moment(hours=-1)})
    where = ("--target", emulator.url, "--account", account)
    code, document = swept(harness, *where)
    assert (code, named(document)) == (3, {"r-gone000000": ("delete", "told"), "r-peer000000": ("none", "told")})
    assert len(document["items"][0]["resources"]) == 6
    code, document = swept(harness, *where, "--older-than", "2h", "--apply")
    assert (code, named(document)["r-gone000000"]) == (0, ("none", "told"))
    code, document = swept(harness, *where, "--apply")
    assert (code, named(document)) == (0, {"r-gone000000": ("delete", "done"), "r-peer000000": ("none", "told")}), (
        document
    )
    assert sorted(url.rpartition("/")[2] for url in ask.left()) == ["peer", "untagged"]
    assert harness("leases", "--json", "-").document == []
    code, document = swept(harness, *where, "--run", "r-peer000000", "--apply")
    assert (code, named(document)) == (0, {"r-peer000000": ("delete", "done")}), document
    assert [url.rpartition("/")[2] for url in ask.left()] == ["untagged"]


def test_a_lost_state_is_swept_by_the_tag(harness, held) -> None:
    """The work folder is gone, as with a machine of yesterday: the lease still says where to look."""
    process, lease, ask = held()
    kill_all(process)
    folder = harness.home / "runs" / lease["run"]
    folder.rename(harness.home / "elsewhere")
    code, document = swept(harness, "--apply")
    assert (code, named(document)) == (0, {lease["run"]: ("delete", "done")}), document
    assert ask.left() == []
    assert harness("leases", "--json", "-").document == []


def test_a_protected_stack_is_neither_made_nor_swept(harness, held, shop, emulator, foreign) -> None:
    """Also when its lease is there, its owner dead, and when it was only found by its tag."""
    process, lease, ask = held()
    kill_all(process)
    protect = {"HARNESS_PROTECTED": "shop-*,theirs-*"}
    code, document = swept(harness, "--apply", **protect)
    assert (code, named(document)) == (3, {lease["run"]: ("none", "told")})
    assert "shop-*" in document["items"][0]["reason"]
    assert harness("destroy", lease["run"], **protect).code == 2
    refused = harness("run", str(harness.cwd.parent / "shop"), "--target", emulator.url, **protect)
    assert refused.code == 2
    assert "protected" in refused.err
    assert len(ask.left()) == 2
    other = foreign("210000000002", "r-theirs0000", moment(hours=1))
    where = ("--target", emulator.url, "--account", "210000000002", "--run", "r-theirs0000")
    assert named(swept(harness, *where, "--apply", **protect)[1]) == {"r-theirs0000": ("none", "told")}
    assert len(other.left()) == 6
    assert swept(harness, "--apply")[0] == 0
    assert ask.left() == []


def test_a_target_that_says_nothing_is_told_in_time(harness, held, emulator) -> None:
    """An emulator that is stopped: within ten seconds a sweep has said what it will do, and what it could not ask."""
    process, lease, _ = held()
    kill_all(process)
    os.kill(emulator.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        code, document = swept(harness)
        assert time.monotonic() - began < SAYS
    finally:
        os.kill(emulator.pid, signal.SIGCONT)
    assert code == 3
    assert named(document) == {lease["run"]: ("destroy", "told")}
    assert [one["matters"] for one in document["unasked"]] == [True]
    assert swept(harness, "--apply")[0] == 0


@pytest.mark.campaign
def test_a_target_that_answers_late_is_asked_again(harness, held, emulator, foreign) -> None:
    """With --apply, once it was told that it is silent: its lease is ended, and what no lease stands for, too."""
    process, lease, ask = held()
    kill_all(process)
    account = "210000000003"
    other = foreign(account, "r-gone000000", moment(hours=1))
    os.kill(emulator.pid, signal.SIGSTOP)
    try:
        sweeper = harness.start("sweep", "--target", emulator.url, "--account", account, "--apply", "--json", "-")
        assert sweeper.stderr is not None
        told: list[str] = []
        while "asked once more" not in (line := sweeper.stderr.readline()):
            assert line, told
            told.append(line)
    finally:
        os.kill(emulator.pid, signal.SIGCONT)
    assert sum("not asked: " in line for line in told) == 2, told
    done = harness.finish(sweeper)
    assert named(done.document) == {lease["run"]: ("destroy", "done"), "r-gone000000": ("delete", "done")}, done.err
    assert (done.code, done.document["unasked"]) == (0, [])
    assert ask.left() == other.left() == []


def test_a_stack_says_by_its_tags_whose_it_is(harness, held, engine) -> None:
    """`pulumi stack tag ls` on the state of a crash tells run, owner and target, without our database."""
    import subprocess

    process, lease, _ = held()
    kill_all(process)
    listed = subprocess.run(
        [engine.path, "stack", "tag", "ls", "--json", "--stack", f"organization/{lease['project']}/{lease['stack']}"],
        env={
            **os.environ,
            "PULUMI_BACKEND_URL": lease["backend"],
            "PULUMI_HOME": str(harness.home / "pulumi"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        },
        capture_output=True,
        text=True,
        check=True,
        cwd=harness.cwd,
    )
    tags = json.loads(listed.stdout)
    assert tags[RUN_TAG] == lease["run"]
    assert tags["harness:process"] == str(lease["process"])
    assert tags["harness:owner"] == f"{lease['owner']}@{lease['host']}"
    assert swept(harness, "--apply")[0] == 0


def test_a_database_on_a_server_is_shared_by_homes(harness, held, postgresql, tmp_path) -> None:
    """PostgreSQL by URL: what died under one home is swept from another, and destroyed by its state."""
    shared = {"HARNESS_DATABASE": postgresql}
    process, lease, ask = held(**shared)
    kill_all(process)
    assert not (harness.home / "harness.sqlite").exists()
    other = tmp_path / "other"
    other.mkdir()
    for name in ("engine", "emulator", "hosts"):
        (other / name).symlink_to(harness.home / name)
    code, document = swept(harness, "--apply", HARNESS_HOME=str(other), **shared)
    assert (code, named(document)) == (0, {lease["run"]: ("destroy", "done")}), document
    assert ask.left() == []
    assert harness("leases", "--json", "-", **shared).document == []


@pytest.mark.campaign
def test_a_kept_environment_can_be_extended(harness, shop, emulator) -> None:
    """It is left alone until it expires, and can be told to expire later."""
    source = "\nif live:\n    after(lambda: 1 / 0)\n"
    kept = harness("run", str(shop(source)), "--target", emulator.url, *STRAIGHT, "--keep-on-failure", "--json", "-")
    run = kept.document["run"]
    [before] = harness("leases", "--json", "-").document
    assert harness("leases", "extend", run, "90h").code == 0
    [after] = harness("leases", "--json", "-").document
    assert datetime.fromisoformat(after["expires"]) - datetime.fromisoformat(before["expires"]) > timedelta(hours=70)
    assert harness("leases", "extend", "r-none", "1h").code == 2
    assert harness("leases", "extend", run, "soon").code == 2
    assert named(swept(harness, "--apply")[1]) == {run: ("none", "told")}
    assert harness("destroy", run).code == 0


def test_malformed_settings_begin_nothing(harness, shop, tmp_path) -> None:
    """Exit 2 with file, line and key, for every command that they count for."""
    settings = tmp_path / "settings.toml"
    settings.write_text("[aws]\naccounts = ['1']\n")
    for args in (("run", str(shop())), ("sweep",), ("leases",), ("destroy", "r-1")):
        done = harness(*args, HARNESS_SETTINGS=str(settings))
        assert done.code == 2, done.err
        assert "settings.toml:2: aws.accounts[1]" in done.err
    assert not list(harness.home.glob("runs/*"))


@pytest.mark.campaign
def test_a_sweep_that_is_killed_is_finished_by_the_next(harness, held, eventually) -> None:
    """It owns the lease then, and is dead like any other owner."""
    process, lease, ask = held()
    kill_all(process)
    sweeper = harness.start("sweep", "--apply")
    eventually(lambda: harness("leases", "--json", "-").document[0]["process"] == sweeper.pid)
    kill_all(sweeper)
    eventually(lambda: harness.processes() == [])
    assert harness("leases", "--json", "-").document[0]["state"] == "open"
    code, document = swept(harness, "--apply")
    assert (code, named(document)[lease["run"]][1]) == (0, "done"), document
    assert ask.left() == []


def test_aws_is_not_asked_without_an_allowed_account(harness) -> None:
    """It is told, and counts: somebody wanted to know."""
    code, document = swept(harness, "--target", "aws", "--region", "eu-west-1", "--apply")
    assert (code, document["items"]) == (3, [])
    [place] = document["unasked"]
    assert (place["region"], place["matters"]) == ("eu-west-1", True)
    assert "no account is allowed" in place["reason"]
    assert swept(harness, "--apply")[0] == 0
