"""`harness doctor` on this machine, and on one that has nothing."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

CANARY = "hunter2canary"


def test_this_machine_can_run(harness) -> None:
    """It runs the tests, after all: exit 0, every needed row is ok, and each lack has a remedy."""
    done = harness("doctor", "--json", "-")
    assert done.code == 0, done.out
    assert done.document["able"] is True
    rows = {row["name"]: row for row in done.document["checks"]}
    assert {"engine", "Go", "bundled provider", "emulator", "AWS credentials", "Docker", "database"} <= rows.keys()
    assert [name for name, row in rows.items() if row["needed"] and row["state"] != "ok"] == []
    assert [name for name, row in rows.items() if row["state"] != "ok" and not row["remedy"]] == []
    assert "3.255.0" in rows["engine"]["found"]


def test_an_empty_machine_cannot(harness, tmp_path: Path) -> None:
    """No home, no PATH: exit 1, what lacks is named, with the command that helps."""
    done = harness("doctor", HARNESS_HOME=str(tmp_path / "new"), PATH="", COLUMNS="80")
    assert done.code == 1, done.err
    assert done.err == ""
    assert "-> harness engine install" in done.out
    assert done.out.splitlines()[-1] == "harness run cannot work here yet: see emulator, engine"
    assert max(map(len, done.out.splitlines())) <= 80


def test_a_home_that_cannot_be_used_is_what_the_doctor_is_for(harness, tmp_path: Path) -> None:
    """A row, no traceback; a locked database as well."""
    (tmp_path / "file").write_text("")
    done = harness("doctor", HARNESS_HOME=str(tmp_path / "file"))
    assert (done.code, done.err) == (1, "")
    assert "a file stands where a folder must be" in done.out
    harness("leases")  # makes the database
    blocker = sqlite3.connect(harness.home / "harness.sqlite", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    locked = harness("doctor", "--json", "-")
    blocker.close()
    assert locked.code == 1
    [row] = [row for row in locked.document["checks"] if row["state"] != "ok" and row["needed"]]
    assert (row["name"], row["state"]) == ("database", "broken")


def test_no_secret_is_told(harness, tmp_path: Path) -> None:
    """Not those of the environment, and not those of files; neither in the table nor in the document."""
    aws = tmp_path / ".aws"
    aws.mkdir()
    keys = f"aws_access_key_id = {CANARY}\naws_secret_access_key = {CANARY}\naws_session_token = {CANARY}\n"
    (aws / "credentials").write_text(f"[default]\n{keys}")
    (aws / "config").write_text(f"[profile x]\ncredential_process = echo {CANARY}\n")
    names = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE")
    secret = dict.fromkeys((*names, "GITHUB_TOKEN", "HARNESS_AWS_ACCOUNTS"), CANARY)
    secret["HARNESS_DATABASE"] = f"postgresql://me:{CANARY}@localhost/x"
    for environ in ({}, {"AWS_ACCESS_KEY_ID": CANARY}, {"AWS_PROFILE": "x"}):
        for args in ((), ("--json", "-")):
            done = harness("doctor", *args, HOME=str(tmp_path), **environ, **secret)
            assert done.code == 1, done.out  # the allow-list is malformed, and nothing begins with malformed settings
            assert "HARNESS_AWS_ACCOUNTS" in done.out
            assert CANARY not in done.out + done.err


def test_nothing_beyond_loopback_is_asked(harness, tmp_path: Path) -> None:
    """Python's own sockets are watched: every address is this machine's."""
    watch = tmp_path / "watch"
    watch.mkdir()
    seen = tmp_path / "seen"
    (watch / "sitecustomize.py").write_text(
        "import sys\n"
        "def note(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.sendto'):\n"
        f"        open({str(seen)!r}, 'a').write(repr((event, args[-1] if event != 'socket.getaddrinfo' else args[0]))"
        " + '\\n')\n"
        "sys.addaudithook(note)\n"
    )
    code = "import socket; s = socket.socket(); s.settimeout(1); s.connect_ex(('127.0.0.1', 9))"
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "HARNESS_AWS_ACCOUNTS": "111122223333"}

    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(watch)}, check=True)
    assert "127.0.0.1" in seen.read_text()  # the watch works
    seen.write_text("")
    assert harness("doctor", PYTHONPATH=str(watch), **keys).code == 0
    for line in seen.read_text().splitlines():
        assert "127.0.0.1" in line or "'/" in line, line


def test_the_document_in_a_file(harness, tmp_path: Path) -> None:
    """And a path that cannot be written is refused as everywhere: exit 2, which is not the doctor's 1."""
    assert harness("doctor", "--json", str(tmp_path / "doctor.json")).out == ""
    assert json.loads((tmp_path / "doctor.json").read_text())["able"] is True
    refused = harness("doctor", "--json", "/nonexistent/doctor.json")
    assert refused.code == 2
    assert "hint: " in refused.err


def test_a_terminal_that_is_gone_does_no_harm(harness) -> None:
    """`harness doctor | head -1` ends without a traceback."""
    process = harness.start("doctor")
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
