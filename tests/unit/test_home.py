"""The home is made, private and proved writable; whatever stands in its way is a HomeError that says what to do."""

import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import HomeError
from harness.world.home import HOME_VARIABLE, Home, open_home


def test_makes_all_folders_private(tmp_path):
    """What is kept there (state, leases) is for the owner's eyes."""
    home = open_home({HOME_VARIABLE: str(tmp_path / "deep" / "home")})
    for folder in (home.root, home.engine, home.emulator, home.runs):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_proof_leaves_nothing_behind(tmp_path):
    """Proving that the home is writable leaves no file in it, the second time as the first."""
    environ = {HOME_VARIABLE: str(tmp_path)}
    assert open_home(environ) == open_home(environ)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["emulator", "engine", "runs"]


def test_everything_lies_below_the_root(tmp_path):
    """No path that a Home gives out leaves it."""
    home = Home(tmp_path)
    for path in (home.engine, home.emulator, home.runs, home.database, home.run("r1")):
        assert tmp_path in path.parents


def test_a_relative_home_becomes_absolute(tmp_path, monkeypatch):
    """A run changes directories; the home must not move with it."""
    monkeypatch.chdir(tmp_path)
    assert open_home({HOME_VARIABLE: "here"}).root == tmp_path / "here"


def test_the_default_is_the_platforms_state_directory(tmp_path, monkeypatch):
    """Unset and empty both mean the default."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    root = open_home({}).root
    assert root == open_home({HOME_VARIABLE: ""}).root
    assert root.name == "harness"
    assert tmp_path in root.parents


def test_a_file_in_the_place_of_the_home(tmp_path):
    """A file where the folder must be is told as such."""
    (tmp_path / "home").write_text("")
    with pytest.raises(HomeError, match="home") as caught:
        open_home({HOME_VARIABLE: str(tmp_path / "home")})
    assert "a file stands" in caught.value.hint


def test_a_file_above_the_home(tmp_path):
    """The same one level up."""
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError) as caught:
        open_home({HOME_VARIABLE: str(tmp_path / "file" / "home")})
    assert "a file stands" in caught.value.hint


def test_a_place_that_not_even_root_may_write():
    """A kernel file system refuses everybody."""
    refused = "/proc/harness" if Path("/proc").is_dir() else "/dev/fd/harness"
    with pytest.raises(HomeError, match="cannot be used") as caught:
        open_home({HOME_VARIABLE: refused})
    assert HOME_VARIABLE in caught.value.hint


def test_an_unknown_user_in_the_path():
    """`~nobody-by-that-name` has no folder to expand to."""
    with pytest.raises(HomeError, match="names no folder"):
        open_home({HOME_VARIABLE: "~no-such-user-here/x"})


def test_a_disk_that_takes_folders_but_no_data(tmp_path):
    """Making folders works on a full disk; only written data proves. A file size limit stands in for the disk's end."""
    script = (
        "import sys\nfrom harness.errors import HomeError\nfrom harness.world.home import open_home\n"
        "try:\n    open_home({'HARNESS_HOME': sys.argv[1]})\n"
        "except HomeError as error:\n    print(error.message, '|', error.hint)\n"
    )
    limit = (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    done = subprocess.run(
        [sys.executable, "-B", "-c", script, str(tmp_path / "home")],
        stdout=subprocess.PIPE,  # a pipe has no file size
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert "cannot be used" in done.stdout
    assert "ulimit -f" in done.stdout


def test_too_little_room_says_how_much(tmp_path):
    """Both figures are in the message: what is free and what is needed."""
    with pytest.raises(HomeError, match=r"only \d+ MiB free .*, 1125899906842624 MiB are needed") as caught:
        open_home({HOME_VARIABLE: str(tmp_path)}, free_at_least=1 << 70)
    assert "free some space" in caught.value.hint
