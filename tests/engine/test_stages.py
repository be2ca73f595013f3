"""A program that goes up part by part: each part with its command, and all of it taken away again."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import psutil
from staged_programs import LATER, QUIET, STAGE


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
