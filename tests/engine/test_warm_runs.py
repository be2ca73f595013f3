"""Whatever dies in a run with prepared hosts: nothing is made before the lease is on disk, and nothing is left."""

import contextlib
import json
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

import psutil
import pytest
from cut import cut

from harness.hosts.warm import WarmProgram, WarmShelf

HANGS = "\nif live:\n    after(lambda: time.sleep(600))\n"
# Deleted one after the other, newest first.
CHAIN = """
last = queue
for number in range(12):
    last = aws.sqs.Queue(f"q{number}", name=f"shop-{number}-{suffix}", opts=pulumi.ResourceOptions(depends_on=[last]))
"""


def begun(home: Path, pattern: str) -> list[Path]:
    """Files of cells."""
    return list(home.glob(f"runs/*/*/{pattern}"))


def test_without_a_lease_nothing_is_begun(harness, shop, emulator, auditor) -> None:
    """The database refuses it: the cell, which waits already, never gets to `up`, and is told of as refused."""
    assert harness("leases").code == 0
    with contextlib.closing(sqlite3.connect(harness.home / "harness.sqlite")) as database:
        table = next(name for (name,) in database.execute("select name from sqlite_master") if "lease" in name)
        database.execute(f"create trigger no before insert on {table} begin select raise(abort, 'not today'); end")
        database.commit()
    done = harness("run", str(shop(HANGS)), "--target", emulator.url, "--no-preflight", "--json", "-")
    assert done.code == 2, done.err
    assert done.cell["status"] == "REJECTED"
    assert auditor(done.cell["account"]).left() == []
    assert begun(harness.home, "events/up-*") == []
    assert [journal.read_text() for journal in begun(harness.home, "journal.jsonl")] in ([], [""])
    assert harness.processes() == []


def test_a_command_line_that_dies_before_the_lease_leaves_nothing(harness, shop, emulator, eventually) -> None:
    """Killed while it waits for the database: the cell and its host end by themselves, and made nothing."""
    assert harness("leases").code == 0
    with contextlib.closing(sqlite3.connect(harness.home / "harness.sqlite")) as database:
        database.execute("begin exclusive")
        process = harness.start("run", str(shop(HANGS)), "--target", emulator.url, "--no-preflight")
        eventually(lambda: bool(begun(harness.home, "state/.pulumi/stacks/*/*.json")))
        time.sleep(0.3)  # it could have begun
        process.kill()
        process.communicate()
        eventually(lambda: harness.processes() == [], 10)
    assert begun(harness.home, "events/up-*") == []
    assert [journal.read_text() for journal in begun(harness.home, "journal.jsonl")] in ([], [""])


@pytest.mark.campaign
def test_a_host_that_dies_in_up_takes_its_program_along_and_nothing_else(
    harness, shop, emulator, auditor, eventually
) -> None:
    """The run is errored, and destroyed by engines that start hosts of their own."""
    source = f"\nif live:\n    after(lambda: (open({str(harness.cwd / 'there')!r}, 'w'), time.sleep(600)))\n"
    process = harness.start("run", str(shop(source)), "--target", emulator.url, "--json", "-")
    eventually((harness.cwd / "there").exists)
    for one in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # a zombie is one as well
            if "harness.hosts.cell_host" in " ".join(one.cmdline()):
                one.kill()
    done = harness.finish(process)
    assert done.code == 1, done.err
    assert done.cell["status"] == "ERRORED"
    assert auditor(done.cell["account"]).left() == []
    assert harness.processes() == []


@pytest.mark.parametrize("phase", cut(["up", "destroy"], 1))
def test_an_engine_killed_in_the_middle_leaves_nothing(harness, shop, emulator, auditor, eventually, phase) -> None:
    """Also where it writes its state once, at the end: the journal knows what was made; what is gone stays gone."""
    process = harness.start("run", str(shop(CHAIN)), "--target", emulator.url, "--no-policy", "--json", "-")

    def in_the_middle() -> bool:
        for log in begun(harness.home, f"events/{phase}-1.jsonl"):
            return log.read_bytes().count(b'"resOutputsEvent"') >= 6
        return False

    end = time.monotonic() + 60
    while not in_the_middle():
        assert time.monotonic() < end
        time.sleep(0.001)
    [recorded] = begun(harness.home, "engine.pid")
    environment = psutil.Process(int(recorded.read_text().split()[0])).environ()
    os.kill(int(recorded.read_text().split()[0]), signal.SIGKILL)
    assert environment.get("PULUMI_SKIP_CHECKPOINTS") == "true"
    done = harness.finish(process)
    assert done.code == (1 if phase == "up" else 0), done.err
    assert auditor(done.cell["account"]).left() == []
    assert done.cell["resources"]["leaked"] == []
    assert harness("leases", "--json", "-").document == []
    if phase == "destroy":
        assert "destroy failed: " in done.err
    assert harness.processes() == []


@pytest.mark.campaign
def test_what_no_journal_holds_is_written_to_the_state_as_it_is_made(harness, shop, emulator, eventually) -> None:
    """A dynamic resource's engine is killed in `up`: its own delete is called all the same."""
    made = harness.cwd / "made"
    source = f"""
from pulumi.dynamic import CreateResult, Resource, ResourceProvider
class Files(ResourceProvider):
    def create(self, props):
        open(props["path"], "w").close()
        return CreateResult("file", props)
    def delete(self, id_, props):
        os.unlink(props["path"])
class File(Resource):
    def __init__(self, name, path):
        super().__init__(Files(), name, {{"path": path}})
file = File("file", {str(made)!r})
if live:
    file.id.apply(lambda _: time.sleep(600))
"""
    process = harness.start("run", str(shop(source)), "--target", emulator.url, "--no-policy", "--json", "-")
    eventually(made.exists)
    eventually(lambda: "file" in _ids(begun(harness.home, "state/.pulumi/stacks/*/*.json")), 5)
    [recorded] = begun(harness.home, "engine.pid")
    os.kill(int(recorded.read_text().split()[0]), signal.SIGKILL)
    done = harness.finish(process)
    assert done.cell["status"] == "ERRORED"
    assert not made.exists()


def test_each_up_of_a_program_in_stages_and_its_recheck_find_an_interpreter(tmp_path: Path) -> None:
    """Prepared, and each with a hash seed of its own."""
    (tmp_path / "__main__.py").write_text("")
    python = Path(sys.executable)
    shelf = WarmShelf(WarmProgram(python, tmp_path / "__main__.py", dict(os.environ)), fresh_after_up=True)
    with contextlib.ExitStack() as ends:
        taken = []
        for verb in ("up", "up", "preview"):
            warm = shelf.take(python, lambda: True)
            assert warm is not None, verb
            ends.callback(warm.close)
            taken.append(warm.pid)
            if verb == "up":
                shelf.turn()
        assert len(set(taken)) == 3


def _ids(states: list[Path]) -> set[str]:
    found = set()
    for state in states:
        with contextlib.suppress(ValueError):  # it is being written
            latest = json.loads(state.read_bytes())["checkpoint"].get("latest") or {}
            found |= {one.get("id", "") for one in latest.get("resources") or []}
    return found
