"""The language host of a cell is held by its pipes alone, and whoever cannot have one goes on without."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from harness.model import Program
from harness.world.early import early_hosts
from harness.world.files import CellFiles
from harness.world.language import Language


def program(folder: Path, **options: str) -> Program:
    """One that declares nothing."""
    (folder / "__main__.py").write_text("")
    return Program(name="p", directory=folder, main=folder, runtime_options=options)


def hosts(directory: Path) -> list[psutil.Process]:
    """Processes below this one that belong to the cell, the host first."""
    found = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # some other test's, which ends or ended
            if one.environ().get("HARNESS_CELL") == str(directory):
                found.append(one)
    return found


def alive(family: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended. A container's first process may leave zombies unread: they have."""
    found = []
    for one in family:
        with suppress(psutil.NoSuchProcess):
            if one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
    return found


def test_a_host_ends_when_nobody_holds_its_pipes(tmp_path: Path) -> None:
    """It has a session of its own, so that no program can ask the user's terminal; closing waits for its end."""
    with Language.start(program(tmp_path), tmp_path, fresh_after_up=False) as language:
        language.live({})
        first, second = language.attachment(0), language.attachment(1)
        assert first["PULUMI_DEBUG_LANGUAGES"].startswith("python:")
        assert first != second
        family = hosts(tmp_path)
        assert len(family) == 2
        assert {os.getsid(one.pid) for one in family} == {family[0].pid}
        assert not any(os.get_inheritable(fd) for fd in language.pipes)
    assert alive(family) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_host_that_died_or_hangs_holds_nobody_up(tmp_path: Path, number: int, monkeypatch) -> None:
    """Engines start their own then; one that hangs is killed by whoever started it."""
    monkeypatch.setattr("harness.world.language.END_SECONDS", 0.1)
    language = Language.start(program(tmp_path), tmp_path, fresh_after_up=False)
    language.live({})
    assert language.attachment()
    host, *family = hosts(tmp_path)
    host.send_signal(number)
    if number == signal.SIGKILL:
        psutil.wait_procs([host], timeout=5)
        assert language.attachment() == {}
        language.live({})
    began = time.monotonic()
    language.close()
    assert time.monotonic() - began < 8
    assert not host.is_running()
    assert psutil.wait_procs(family, timeout=5)[1] == []


@pytest.mark.parametrize("way", ["closed", "killed"])
def test_nothing_goes_on_importing_for_a_host_that_is_gone(tmp_path: Path, way: str, monkeypatch) -> None:
    """It is let go of at the worst moment, when its interpreter has just begun; and that import takes for ever."""
    sdk = tmp_path / "slow" / "pulumi"
    sdk.mkdir(parents=True)
    (sdk / "__init__.py").write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setenv("PYTHONPATH", str(sdk.parent))
    for _ in range(3):
        language = Language.start(program(tmp_path), tmp_path, fresh_after_up=False)
        family = hosts(tmp_path)
        while len(family) < 2:
            family = hosts(tmp_path)
        if way == "killed":
            family[0].kill()
        language.close()
        deadline = time.monotonic() + (5 if way == "killed" else 0)
        while alive(family) and time.monotonic() < deadline:
            continue
        assert alive(family) == []


def test_a_program_without_its_interpreter_still_has_a_host(tmp_path: Path) -> None:
    """The run itself tells what is missing."""
    with Language.start(program(tmp_path, virtualenv="gone"), tmp_path, fresh_after_up=False) as language:
        language.live({})
        assert language.attachment()
        assert len(hosts(tmp_path)) == 1


def test_hosts_that_nobody_took_are_ended_and_their_folders_removed(tmp_path: Path) -> None:
    """Those that were taken belong to their cells."""
    folders = [tmp_path / "run" / name for name in ("taken", "left")]
    with early_hosts() as early:
        for folder in folders:
            CellFiles(folder).make()
            early._waiting[folder] = Language.start(program(tmp_path), folder, fresh_after_up=False)
        taken = early.take(folders[0])
        assert taken is not None
        assert early.take(folders[0]) is None
        taken.live({})
    assert hosts(folders[1]) == []
    assert [folder.exists() for folder in folders] == [True, False]
    assert taken.attachment()
    taken.close()
    assert hosts(folders[0]) == []
