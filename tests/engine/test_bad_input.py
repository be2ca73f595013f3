"""What a user gets wrong ends as `error:` and `hint:`, with the right exit code and nothing left anywhere."""

from pathlib import Path

import pytest


def told(done, code: int, text: str) -> None:
    """Two lines a person can act on, and no traceback of ours."""
    assert done.code == code, done.err
    assert done.err.count("error: ") == 1, done.err
    assert "hint: " in done.err
    assert text in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def nothing_left(harness) -> None:
    """No lease, no process, no run folder."""
    assert harness("leases", "--json", "-").document == []
    assert harness.processes() == []
    assert list(harness.home.glob("runs/*/*")) == []


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["nowhere"], "no program 'nowhere'"),
        (["."], "has no Pulumi.yaml"),
        ([], "no program given"),
        (["shop", "--config", "novalue"], "--config"),
        (["shop", "--config", "a b=c"], "--config"),
        (["shop", "--suffix", "Has_Capitals"], "suffix"),
        (["shop", "--suffix", "much-too-long-for-any-name"], "suffix"),
        (["shop", "--region", "mars"], "--region"),
        (["shop", "--timeout", "soon"], "--timeout"),
        (["shop", "--destroy-timeout", "0"], "--destroy-timeout"),
        (["shop", "--target", "http://127.0.0.1:1"], "cannot be reached"),
        (["shop", "--target", "http://example.com:80"], "not this machine"),
        (["shop", "--target", "moon"], "unknown target"),
        (["shop", "--stack-config", "dev"], "Pulumi.dev.yaml"),
        (["shop", "--json", "/nonexistent/report.json"], "report"),
        (["shop", "--parallel", "0"], "--parallel"),
        (["shop", "--no-such-flag"], "--no-such-flag"),
        (["shop", "--target", "aws"], "no account is allowed"),
    ],
)
def test_bad_arguments_are_refused_before_anything_starts(harness, shop, args: list[str], text: str) -> None:
    """Exit 2; not even a folder for the run."""
    shop()
    shop_is = [str(harness.cwd.parent / "shop") if arg == "shop" else arg for arg in args]
    told(harness("run", *shop_is), 2, text)
    nothing_left(harness)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("Pulumi.yaml", "name: shop\nruntime: nodejs\n", "runtime 'nodejs'"),
        ("Pulumi.yaml", "name: [\n", "Pulumi.yaml:"),
        ("__main__.py", "def broken(:\n", "__main__.py:1"),
        ("harness.toml", "[conf]\n", "harness.toml"),
    ],
)
def test_bad_files_are_refused_before_anything_starts(harness, shop, name: str, content: str, text: str) -> None:
    """Another runtime, malformed YAML or TOML, a syntax error: file and line."""
    directory = shop()
    (directory / name).write_text(content)
    told(harness("run", str(directory)), 2, text)
    nothing_left(harness)


def test_a_home_that_cannot_be_written_is_refused(harness, shop, tmp_path: Path) -> None:
    """A file in its place, and a file system that refuses."""
    directory = shop()
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", Path("/proc/harness")):
        told(harness("run", str(directory), HARNESS_HOME=str(place)), 2, str(place))


def test_a_home_without_room_is_refused(harness, shop) -> None:
    """Files may not grow: nothing is begun that could not be recorded."""
    directory = str(shop())
    script = f'ulimit -f 0; exec "$0" -m harness run {directory}'
    import subprocess
    import sys

    done = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable],
        env={**harness.environment, "HARNESS_HOME": str(harness.home)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "error: " in done.stderr
    assert "hint: " in done.stderr
    nothing_left(harness)


def test_an_exception_in_the_program_is_rejected_by_preflight(harness, shop, emulator, auditor) -> None:
    """Exit 2, the user's own traceback, nothing made, no stack left."""
    directory = shop("\nraise ValueError('wrong from the start')\n")
    done = harness("run", str(directory), "--target", emulator.url, "--json", "-")
    assert done.code == 2
    assert done.cell["status"] == "REJECTED"
    message = done.cell["error"]["message"]
    assert "ValueError: wrong from the start" in message
    assert f'File "{directory}/__main__.py", line ' in message
    assert "site-packages" not in message
    assert auditor(done.cell["account"]).left() == []
    assert harness("leases", "--json", "-").document == []
    assert harness.processes() == []
    assert not list(harness.home.glob("runs/*/*/state"))


def test_a_lease_database_that_is_locked_stops_the_run(harness, shop, emulator, auditor) -> None:
    """Its process was begun already, and previews: without a lease it makes nothing, and ends."""
    import sqlite3

    assert harness("leases", "--json", "-").document == []
    blocker = sqlite3.connect(harness.home / "harness.sqlite", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    done = harness("run", str(shop()), "--target", emulator.url, "--json", "-")
    blocker.close()
    assert done.code == 2, done.err
    assert done.cell["status"] == "REJECTED"
    assert "harness.sqlite cannot be used: database is locked" in done.cell["error"]["message"]
    assert done.cell["error"]["hint"]
    assert done.err.count("error: ") == 1
    assert auditor(done.cell["account"]).left() == []
    assert harness.processes() == []
    assert harness("leases", "--json", "-").document == []
    assert not list(harness.home.glob("runs/*/*/state"))


@pytest.mark.parametrize("refuses", ["file", "table"])
def test_a_lease_database_that_cannot_be_written_stops_the_run(harness, shop, emulator, refuses: str) -> None:
    """Something else in its place, or one that takes no lease: nothing is made, no process is left."""
    import sqlite3

    place = harness.home / "harness.sqlite"
    if refuses == "file":
        place.write_bytes(b"this is no database" * 1000)
    else:
        assert harness("leases", "--json", "-").document == []
        database = sqlite3.connect(place)
        database.execute("CREATE TRIGGER full BEFORE INSERT ON lease BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
        database.commit()
        database.close()
    done = harness("run", str(shop()), "--target", emulator.url)
    told(done, 2, "harness.sqlite")
    assert harness.processes() == []
    assert not list(harness.home.glob("runs/*/*/state"))
    assert all(journal.stat().st_size == 0 for journal in harness.home.glob("runs/*/*/journal.jsonl"))


def test_the_official_provider_is_asked_for_up_to_its_door(harness, shop, emulator) -> None:
    """Where its plugin cannot be had, that is said, with the way on; nothing falls back to the bundled one."""
    done = harness("run", str(shop()), "--target", emulator.url, "--provider", "official", "--json", "-")
    if done.code == 0:  # a machine that reaches Pulumi's site: then it must have been the official one
        assert done.document["provider"] == "official"
        return
    assert done.code == 2
    assert "plugin" in done.cell["error"]["message"]
    assert "--provider bundled" in done.cell["error"]["hint"]
    assert done.cell["resources"]["created"] == 0


def test_aws_is_refused_for_an_account_that_is_not_listed(harness, shop) -> None:
    """Without usable credentials the refusal says so; no resource call is ever made."""
    environment = {"HARNESS_AWS_ACCOUNTS": "111122223333", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    environment |= {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    told(
        harness("run", str(shop()), "--target", "aws", AWS_EC2_METADATA_DISABLED="true", **environment),
        2,
        "AWS does not",
    )
