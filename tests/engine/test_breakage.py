"""Everything that a person with a grudge tried: each found a defect once, and none may find it again."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import boto3
import psutil
import pytest
from commands import STRAIGHT
from cut import cut
from power_cut import HANGS, kill_all


def finish(harness, lease: dict, ask) -> None:
    """`harness destroy` ends it, with a clean target and a closed lease."""
    done = harness("destroy", lease["run"], "--json", "-")
    assert done.code == 0, done.err
    assert ask.left() == []
    assert harness("leases", "--json", "-").document == []
    assert harness.processes() == []


@pytest.mark.parametrize("delay", cut([0.0, 0.3, 0.6, 0.9], 2))
def test_a_signal_before_up_is_never_a_success(harness, shop, emulator, eventually, delay) -> None:
    """With --no-preflight the stack is made first; a signal there was reported as PASSED."""
    process = harness.start("run", str(shop(HANGS)), "--target", emulator.url, "--no-preflight", "--json", "-")
    eventually(lambda: any(harness.home.glob("runs/*/*/cell.log")))
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    assert harness.finish(process).code == 130


def test_a_stack_that_cannot_be_made_is_never_a_success(harness, shop, emulator) -> None:
    """A wrong passphrase, with and without preflight."""
    directory = shop()
    salt = "v1:2iIt7wnjYgk=:v1:YZpgpQmbQXgeTQTK:4EtbkHNdQlRkmlnmCmsuSMvUXbUYCg=="
    (directory / "Pulumi.dev.yaml").write_text(
        f"encryptionsalt: {salt}\nconfig:\n  shop:word:\n    secure: v1:AAAAAAAAAAAAAAAA:{'A' * 32}\n"
    )
    args = ("run", str(directory), "--stack-config", "dev", "--target", emulator.url, "--json", "-")
    for more in ((), ("--no-preflight",)):
        done = harness(*args, *more, PULUMI_CONFIG_PASSPHRASE="wrong")
        assert done.code != 0
        assert done.cell["status"] not in {"PASSED", "SKIPPED"}
        assert done.cell["error"]["message"]


@pytest.mark.parametrize("damage", cut(["journal", "halved", "emptied", "removed"], 1))
def test_a_damaged_record_does_not_keep_anything_up(harness, held, damage) -> None:
    """Everything killed in `up`, then state or journal damaged, as by a full disk: still destroyed and proved."""
    process, lease, ask = held()
    kill_all(process)
    [cell] = harness.home.glob("runs/*/*")
    [state] = cell.glob("state/.pulumi/stacks/*/*.json")
    for backup in state.parent.glob("*.bak"):
        backup.unlink()
    if damage == "halved":
        state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])
    elif damage == "emptied":
        state.write_bytes(b"")
    elif damage == "removed":
        state.unlink()
    else:
        journal = cell / "journal.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        journal.write_bytes(lines[0] + b"\xff{garbage\n" + b"".join(lines[2:]))
    finish(harness, lease, ask)


def test_a_power_cut_is_finished_by_destroy(harness, held) -> None:
    """Command line, cell, engine, provider and program killed at once."""
    process, lease, ask = held()
    kill_all(process)
    assert ask.left() != []
    finish(harness, lease, ask)


def test_a_provider_process_that_dies_is_started_again_for_the_destroy(harness, held) -> None:
    """Killed in the middle of `up`."""
    process, _, ask = held()
    for child in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # what is short-lived may have ended since it was listed
            if "harness.providers.process" in " ".join(child.cmdline()):
                child.kill()
    process.send_signal(signal.SIGINT)
    done = harness.finish(process)
    assert done.code == 130, done.err
    assert ask.left() == []


@pytest.mark.parametrize(("flags", "code"), [((), 2), (("--no-preflight",), 0)])
def test_what_was_imported_is_left_where_it_was(harness, shop, emulator, flags, code) -> None:
    """It existed before the run, and belongs to somebody: preflight rejects it, and no destroy takes it."""
    directory = shop(
        "\nimport boto3\n"
        "sqs = boto3.client('sqs')\n"
        "url = sqs.create_queue(QueueName='was-here')['QueueUrl']\n"
        "aws.sqs.Queue('old', name='was-here', opts=pulumi.ResourceOptions(import_=url))\n"
    )
    done = harness("run", str(directory), "--target", emulator.url, *flags, "--json", "-")
    assert done.code == code, done.err
    keys = {"aws_access_key_id": done.cell["account"], "aws_secret_access_key": "x", "region_name": "us-east-1"}
    queues = boto3.client("sqs", endpoint_url=emulator.url, **keys).list_queues()["QueueUrls"]
    assert [url.rpartition("/")[2] for url in queues] == ["was-here"]


@pytest.mark.parametrize("option", cut(["retain_on_delete=True", "protect=True"], 1))
def test_what_is_protected_or_retained_is_destroyed_all_the_same(harness, shop, emulator, auditor, option) -> None:
    """The environment is ours and ephemeral; one attempt, counted once. Policy would not have let it begin."""
    source = f"\naws.sqs.Queue('kept', name=f'kept-{{suffix}}', opts=pulumi.ResourceOptions({option}))\n"
    done = harness("run", str(shop(source)), "--target", emulator.url, *STRAIGHT, "--json", "-")
    assert done.code == 0, done.err
    assert done.cell["resources"]["created"] == done.cell["resources"]["deleted"] == 3
    assert auditor(done.cell["account"]).left() == []


def test_what_is_only_looked_up_is_neither_deleted_nor_leaked(harness, shop, emulator) -> None:
    """`.get()` of something that was there."""
    source = (
        "\nimport boto3\nurl = boto3.client('sqs').create_queue(QueueName='theirs')['QueueUrl']\n"
        "aws.sqs.Queue.get('theirs', url)\n"
    )
    done = harness("run", str(shop(source)), *STRAIGHT, "--target", emulator.url, "--json", "-")
    assert done.code == 0, done.err
    keys = {"aws_access_key_id": done.cell["account"], "aws_secret_access_key": "x", "region_name": "us-east-1"}
    assert boto3.client("sqs", endpoint_url=emulator.url, **keys).list_queues()["QueueUrls"]


def test_a_broken_terminal_does_not_stop_anything(harness, shop, emulator, tmp_path) -> None:
    """Standard error is a full device: the run ends, the report is written, the lease is closed."""
    report = tmp_path / "report.json"
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [sys.executable, "-m", "harness", "run", str(shop()), "--target", emulator.url, "--json", str(report)],
            env={**harness.environment, "HARNESS_HOME": str(harness.home)},
            stdin=subprocess.DEVNULL,
            stderr=full,
            check=False,
        )
    assert done.returncode == 0
    assert json.loads(report.read_text())["cells"][0]["status"] == "PASSED"
    assert harness("leases", "--json", "-").document == []


@pytest.mark.campaign
def test_a_stopped_emulator_is_not_taken_for_a_dead_one(harness, shop) -> None:
    """Silence proves nothing: the lease of what was kept stays open."""
    kept = harness(
        "run", str(shop("\nif live:\n    after(lambda: 1 / 0)\n")), "--no-preflight", "--keep-on-failure", "--json", "-"
    )
    assert kept.cell["status"] == "KEPT"
    [emulator] = [p for p in psutil.process_iter(["cmdline"]) if _is_emulator(p, str(harness.home))]
    emulator.suspend()
    try:
        done = harness("destroy", kept.document["run"])
        assert done.code == 2, done.err
        assert len(harness("leases", "--json", "-").document) == 1
    finally:
        emulator.resume()
    assert harness("destroy", kept.document["run"]).code == 0
    assert harness.processes() == []


def _is_emulator(process: psutil.Process, home: str) -> bool:
    line = " ".join(process.info["cmdline"] or [])
    return "emulator_server.py" in line and home in line


@pytest.mark.campaign
def test_two_destroys_at_once_agree(harness, held) -> None:
    """The second waits for the first, and finds nothing to do."""
    process, lease, ask = held()
    kill_all(process)
    both = [harness.start("destroy", lease["run"]) for _ in range(2)]
    ended = [harness.finish(one) for one in both]
    assert {done.code for done in ended} <= {0, 2}, [done.err for done in ended]
    assert 0 in {done.code for done in ended}
    assert ask.left() == []
    assert harness("leases", "--json", "-").document == []


def test_a_home_of_any_name_works(harness, shop, emulator, tmp_path) -> None:
    """Spaces, percent, hash, question mark, quotes and letters of other alphabets."""
    strange = tmp_path / "a b%20#?'ü"
    harness.home.rename(strange)
    harness.home = strange
    done = harness("run", str(shop()), *STRAIGHT, "--target", emulator.url, "--json", "-")
    assert done.code == 0, done.err


def test_a_value_that_is_no_text_is_refused(harness, shop) -> None:
    """Bytes that are not UTF-8 cannot be written to a stack file."""
    value = os.fsdecode(b"a=\xff")
    done = harness("run", str(shop()), "--config", value)
    assert done.code == 2
    assert "UTF-8" in done.err


def test_daemons_of_the_program_do_not_outlive_the_run(harness, shop, emulator) -> None:
    """A child in a session of its own, and one whose parent is gone."""
    source = """
import subprocess
if live:
    subprocess.Popen(["sleep", "987654"], start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "987653"])
        os._exit(0)
"""
    done = harness("run", str(shop(source)), *STRAIGHT, "--target", emulator.url, "--json", "-")
    assert done.code == 0, done.err
    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not [line for line in lines if line in {"sleep 987654", "sleep 987653"}]


@pytest.mark.parametrize("name", cut(["SIGINT", "SIGTERM", "SIGHUP"], 1))
def test_a_signal_before_anything_is_begun_is_told(harness, shop, eventually, name) -> None:
    """While the emulator or the engine is being looked for: two words, exit 130, nothing left."""
    process = harness.start("run", str(shop(HANGS)))
    eventually((harness.home / "harness.sqlite.lock").exists)
    process.send_signal(getattr(signal, name))
    done = harness.finish(process)
    assert done.code == 130, done.err
    assert "error: " in done.err or "INTERRUPTED" in done.err
    assert harness.processes() == []


def test_a_command_that_dies_before_its_lease_leaves_no_folder(harness, shop, emulator, eventually) -> None:
    """Nothing was made then, and no lease would ever lead anybody to state, passphrase and work folders."""
    process = harness.start("run", str(shop("import time\ntime.sleep(60)\n")), "--target", emulator.url)
    eventually(lambda: any("harness.run.cell" in line for line in harness.processes()))
    process.kill()
    process.communicate()
    eventually(lambda: harness.processes() == [])
    if not harness("leases", "--json", "-").document:
        assert harness.remains() == []
