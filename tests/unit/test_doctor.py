"""The doctor says what lacks and what helps, in time, whatever is broken, and never a secret."""

from __future__ import annotations

import fcntl
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.doctor import check as nouns
from harness.doctor.check import Check, Machine, State, Told
from harness.doctor.examine import Row, able, examine, ordered
from harness.errors import HomeError
from harness.report.doctor import doctor_document, exit_code, show_doctor
from harness.world.database import open_database
from harness.world.database_file import SCHEMA

CANARY = "hunter2canary"


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., Row]:
    """Asks one check, in an environment with a home of the test's own and an empty PATH."""

    def one(name: str, **environ: str) -> Row:
        found = [each for each in ordered() if each.name == name]
        here = {"HARNESS_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "PATH": str(tmp_path / "bin")}
        [row] = examine({**here, **environ}, found)
        return row

    return one


@pytest.fixture
def executable(tmp_path: Path) -> Callable[[str, str], Path]:
    """Puts a shell script on that PATH."""

    def write(name: str, script: str) -> Path:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return write


def told(state: State) -> Callable[[Machine], Told]:
    """A check with that answer."""
    return lambda _machine: Told(state, "found", "remedy")


@pytest.mark.parametrize("state", [State.MISSING, State.BROKEN])
def test_only_what_a_run_needs_decides(state: State) -> None:
    """A lack of anything else is optional, and the exit code stays 0."""
    optional = examine({}, [Check("a", False, told(state)), Check("b", True, told(State.OK))])
    assert [row.state for row in optional] == [State.OPTIONAL, State.OK]
    assert (able(optional), exit_code(optional)) == (True, 0)
    needed = examine({}, [Check("a", True, told(state))])
    assert [row.state for row in needed] == [state]
    assert (able(needed), exit_code(needed)) == (False, 1)


def test_what_hangs_is_told_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are answered, and the time is the longest of them, not their sum."""
    for name in ("NEEDED_SECONDS", "OPTIONAL_SECONDS"):
        monkeypatch.setattr(nouns, name, 1.0)
    release = threading.Event()

    def hang(_machine: Machine) -> Told:
        release.wait(60)
        return Told(State.OK, "late")

    began = time.monotonic()
    rows = examine({}, [Check("a", True, hang), *[Check("b", False, hang)] * 9, Check("c", True, told(State.OK))])
    assert time.monotonic() - began < 5  # their sum is 10
    release.set()
    assert [row.state for row in rows] == [State.BROKEN, *[State.OPTIONAL] * 9, State.OK]
    assert "no answer" in rows[0].found
    assert rows[0].remedy


@pytest.mark.parametrize("error", [OSError(5, "I/O error"), ValueError(CANARY), HomeError("m", hint="h")])
def test_a_check_that_fails_is_a_row_and_no_traceback(error: Exception) -> None:
    """And what an unknown error says is not shown: nobody knows what is in it."""

    def fail(_machine: Machine) -> Told:
        raise error

    [row, other] = examine({}, [Check("a", True, fail), Check("b", True, told(State.OK))])
    assert (row.state, other.state) == (State.BROKEN, State.OK)
    assert row.remedy
    assert CANARY not in row.found


def test_an_empty_machine(ask: Callable[..., Row]) -> None:
    """Nothing on PATH and a new home: each lack has its remedy, and nothing was installed."""
    engine, emulator = ask("engine"), ask("emulator")
    assert (engine.state, engine.remedy) == (State.MISSING, "harness engine install")
    assert emulator.state is State.MISSING
    assert "harness run" in emulator.remedy
    for name in ("Go", "Docker", "browser", "official provider", "AWS credentials"):
        row = ask(name)
        assert (row.state, bool(row.remedy)) == (State.OPTIONAL, True), name
    assert ask("database").state is State.OK


def test_nothing_is_installed(ask: Callable[..., Row], tmp_path: Path) -> None:
    """The home is made, as every command makes it, and stays empty."""
    for one in ordered():
        ask(one.name)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "home",
        "home/emulator",
        "home/engine",
        "home/runs",
    ]


def test_every_lack_of_a_broken_home_leads_to_the_home(ask: Callable[..., Row], tmp_path: Path) -> None:
    """What lies in it is not called whole."""
    (tmp_path / "file").write_text("")
    rows = {name: ask(name, HARNESS_HOME=str(tmp_path / "file")) for name in ("home", "database", "emulator", "engine")}
    assert all(row.state in {State.BROKEN, State.MISSING} for row in rows.values())
    assert "a file stands" in rows["home"].remedy
    assert {rows[name].remedy for name in ("database", "emulator", "engine")} == {"mend the home first"}


def database(tmp_path: Path) -> Path:
    """A good one."""
    path = tmp_path / "home" / "harness.sqlite"
    path.parent.mkdir()
    open_database(path).close()
    return path


def test_a_good_database(ask: Callable[..., Row], tmp_path: Path) -> None:
    """Opens, and is as it was afterwards."""
    path = database(tmp_path)
    before = path.read_bytes()
    assert ask("database").state is State.OK
    assert path.read_bytes() == before


def test_a_locked_database(ask: Callable[..., Row], tmp_path: Path) -> None:
    """Who holds it can be found out."""
    blocker = sqlite3.connect(database(tmp_path), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    row = ask("database")
    blocker.close()
    assert row.state is State.BROKEN
    assert "locked" in row.found
    assert row.remedy.startswith("fuser ")


def test_a_database_whose_maker_stopped(ask: Callable[..., Row], tmp_path: Path) -> None:
    """A run would wait for it for ever."""
    path = database(tmp_path)
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        row = ask("database")
    assert (row.state, row.remedy.split()[0]) == (State.BROKEN, "fuser")


def test_a_file_that_is_no_database(ask: Callable[..., Row], tmp_path: Path) -> None:
    """The remedy keeps it."""
    database(tmp_path).write_text("no database at all, but long enough" * 100)
    row = ask("database")
    assert (row.state, row.remedy.split()[0]) == (State.BROKEN, "mv")


def test_a_database_of_a_newer_harness(ask: Callable[..., Row], tmp_path: Path) -> None:
    """Its tables are not ours to touch."""
    raw = sqlite3.connect(database(tmp_path))
    raw.execute("UPDATE schema_version SET version = ?", (SCHEMA + 1,))
    raw.commit()
    raw.close()
    row = ask("database")
    assert row.state is State.BROKEN
    assert "newer harness" in row.found


def test_an_engine_that_is_too_old_is_told_as_such(ask, executable) -> None:
    """With both versions, and with what installs the right one."""
    executable("pulumi", "echo v3.1.0")
    row = ask("engine")
    assert (row.state, row.remedy) == (State.BROKEN, "harness engine install")
    assert "3.1.0" in row.found
    assert "3.255.0 or newer" in row.found


def test_an_engine_that_does_not_start_is_not_called_whole(ask, executable, tmp_path: Path) -> None:
    """It may say its version once, be remembered, and break later."""
    counter = tmp_path / "asked"
    executable("pulumi", f'[ -e "{counter}" ] && exit 7; : > "{counter}"; echo v3.255.0')
    row = ask("engine")
    assert row.state is State.BROKEN
    assert "code 7" in row.found


@pytest.mark.parametrize(
    ("says", "state"), [("go1.19.2", "optional"), ("go1.26.8", "ok"), ("go version devel", "optional")]
)
def test_go_by_its_version(ask, executable, says: str, state: str) -> None:
    """An old one is no help, and no obstacle either."""
    executable("go", f"echo {says}")
    row = ask("Go")
    assert row.state == state
    assert (row.remedy == "") == (state == "ok")


def test_docker_on_another_machine_is_not_asked(ask, executable, tmp_path: Path) -> None:
    """The doctor stays on loopback, whatever DOCKER_HOST or the context say."""
    executable("docker", f'[ "$1" = context ] && echo ssh://me:{CANARY}@far && exit; : > "{tmp_path}/asked"; echo 27.1')
    for environ in ({}, {"DOCKER_HOST": f"tcp://u:{CANARY}@10.0.0.1:2375"}, {"DOCKER_HOST": "ssh://far"}):
        row = ask("Docker", **environ)
        assert row.state is State.OPTIONAL
        assert CANARY not in row.found + row.remedy
    assert not (tmp_path / "asked").exists()
    assert ask("Docker", DOCKER_HOST="tcp://127.0.0.1:2375").state is State.OK
    assert ask("Docker", DOCKER_HOST="unix:///var/run/docker.sock").state is State.OK


def credentials(folder: Path, config: str = "", shared: str = "") -> None:
    """AWS's two files."""
    (folder / "config").write_text(config)
    (folder / "shared").write_text(shared)


KEYS = f"aws_access_key_id = {CANARY}\naws_secret_access_key = {CANARY}\n"


@pytest.mark.parametrize(
    ("environ", "config", "shared", "found"),
    [
        ({}, "", "", "none found"),
        ({"AWS_ACCESS_KEY_ID": CANARY, "AWS_SECRET_ACCESS_KEY": CANARY}, "", "", "environment: AWS_ACCESS_KEY_ID"),
        ({"AWS_ACCESS_KEY_ID": CANARY}, "", "", "without AWS_SECRET_ACCESS_KEY"),
        ({}, "", f"[default]\n{KEYS}", "'default': keys in the credentials file"),
        ({}, f"[default]\n{KEYS}", "", "'default': keys in the config file"),
        ({"AWS_PROFILE": "x"}, f"[profile x]\ncredential_process = echo {CANARY}\n", "", "'x': a process"),
        ({"AWS_PROFILE": "x"}, f"[profile x]\nsso_session = {CANARY}\n", "", "'x': single sign-on"),
        ({"AWS_PROFILE": "x"}, "[profile x]\nrole_arn = r\nsource_profile = default\n", f"[default]\n{KEYS}", "a role"),
        ({"AWS_PROFILE": "y"}, "[profile x]\n", "", "'y', which is in no file"),
        ({"AWS_ROLE_ARN": "r", "AWS_WEB_IDENTITY_TOKEN_FILE": CANARY}, "", "", "a web identity"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": CANARY}, "", "", "the container's"),
        ({}, f"{CANARY} = broken\n[", f"[default]\n{KEYS}", "AWS_CONFIG_FILE cannot be parsed"),
        ({}, "", f"{KEYS}", "AWS_SHARED_CREDENTIALS_FILE cannot be parsed"),
        ({"HARNESS_AWS_ACCOUNTS": CANARY}, "", "", "the allow-list cannot be read"),
    ],
)
def test_where_credentials_would_come_from(
    ask, tmp_path: Path, environ: Mapping[str, str], config: str, shared: str, found: str
) -> None:
    """In botocore's order, by reading only; no value of any of them is told."""
    credentials(tmp_path, config, shared)
    files = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "shared")}
    row = ask("AWS credentials", **files, **environ)
    assert found in row.found
    assert row.state is State.OPTIONAL
    assert row.remedy
    assert CANARY not in row.found + row.remedy


def test_credentials_and_an_allowed_account_are_all_that_aws_needs(ask) -> None:
    """Accounts are no secret, and shown."""
    keys = {"AWS_ACCESS_KEY_ID": CANARY, "AWS_SECRET_ACCESS_KEY": CANARY}
    row = ask("AWS credentials", **keys, HARNESS_AWS_ACCOUNTS="111122223333, 444455556666")
    assert (row.state, row.remedy) == (State.OK, "")
    assert "111122223333, 444455556666" in row.found


def test_botocore_agrees_about_the_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment before a profile, the credentials file before the config file: as botocore itself takes them."""
    from botocore.session import Session

    from harness.doctor.account import _source

    credentials(tmp_path, f"[profile x]\n{KEYS}", f"[x]\n{KEYS}")
    environ = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "shared"),
        "AWS_PROFILE": "x",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    keys = {"AWS_ACCESS_KEY_ID": CANARY, "AWS_SECRET_ACCESS_KEY": CANARY}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for extra, method, words in (
        ({}, "shared-credentials-file", "credentials file"),
        (keys, "env", "environment"),
    ):
        for name, value in {**environ, **extra}.items():
            monkeypatch.setenv(name, value)
        taken = Session().get_credentials()
        assert taken is not None
        assert taken.method == method
        assert words in _source({**environ, **extra})[0]


def test_a_package_that_is_too_old_is_named(ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is wanted, what is there, and the command that mends it."""
    import importlib.metadata

    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "6.83.0" if name == "pulumi-aws" else real(name))
    row = ask("Python packages")
    assert row.state is State.BROKEN
    assert "pulumi-aws>=7 is wanted, 6.83.0 is installed" in row.found
    assert "pip install --upgrade 'pulumi-aws>=7'" in row.remedy


def test_the_table_fits_80_columns_and_says_everything(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word for each state, and what helps under it; the verdict comes last."""
    monkeypatch.setenv("COLUMNS", "80")
    rows = [
        Row("official provider", True, State.BROKEN, "found\nthis " * 30, "do that " * 30, 0.1),
        Row("b", False, State.OPTIONAL, "x" * 300, "", 0.1),
    ]
    show_doctor(rows)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("official provider broken   found this")
    assert any("-> do that" in line for line in lines)
    assert "".join(lines).count("x") == 300
    assert lines[-1] == "harness run cannot work here yet: see official provider"


def test_the_document_is_json() -> None:
    """With a version, the verdict, and every row."""
    document = json.loads(json.dumps(doctor_document([Row("a", True, State.OK, "f", "", 0.1)])))
    row = {"name": "a", "needed": True, "state": "ok", "found": "f", "remedy": "", "seconds": 0.1}
    assert (document["schema"], document["able"], document["exit_code"], document["checks"]) == (1, True, 0, [row])
