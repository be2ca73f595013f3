"""In: HARNESS_HOME. Out: `Home`, the one folder in which the harness keeps all that it keeps, proved writable."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import platformdirs

from harness.errors import HomeError
from harness.plan.settings_file import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

HOME_VARIABLE: Final = "HARNESS_HOME"
FREE_AT_LEAST: Final = 200 * 1024 * 1024
"""Bytes. The engine alone takes 113 MB, the emulator's environment some 80 MB."""
_PROBE_BYTES: Final = 4096
"""One block: an empty file can be made on a full disk, a block cannot be written to it."""
_ELSEWHERE: Final = f"set {HOME_VARIABLE} to a folder on a disk with room that you may write to"
_HINTS: Final = {
    errno.ENOSPC: f"the disk is full: free some space, or {_ELSEWHERE}",
    errno.EDQUOT: f"the quota is used up: free some space, or {_ELSEWHERE}",
    errno.EFBIG: f"files may not grow there (ulimit -f): raise the limit, or {_ELSEWHERE}",
    errno.EROFS: f"the file system is read-only: {_ELSEWHERE}",
    errno.EACCES: f"make it yours (chown, chmod u+rwx), or {_ELSEWHERE}",
    errno.EPERM: f"make it yours (chown, chmod u+rwx), or {_ELSEWHERE}",
    errno.ENOTDIR: f"a file stands where a folder must be: remove it, or {_ELSEWHERE}",
    errno.EEXIST: f"a file stands where a folder must be: remove it, or {_ELSEWHERE}",
}


@dataclass(frozen=True, slots=True)
class Home:
    """Paths, and nothing else; what `open_home` gave out exists and can be written.

    Attributes:
        root: absolute; the folders `engine`, `emulator` and `runs` in it exist, readable by the owner alone.
    """

    root: Path

    @property
    def engine(self) -> Path:
        """Folder of installed Pulumi engines and their launchers."""
        return self.root / "engine"

    @property
    def emulator(self) -> Path:
        """Folder of the emulator's environments and work folders."""
        return self.root / "emulator"

    @property
    def runs(self) -> Path:
        """Folder that holds one folder per run."""
        return self.root / "runs"

    def run(self, run_id: str) -> Path:
        """The folder of one run: state, logs, work directories. Not made by this call."""
        return self.runs / run_id

    @property
    def database(self) -> Path:
        """The SQLite file with leases and history. Its `-wal` and `-shm` lie beside it."""
        return self.root / "harness.sqlite"

    def free_bytes(self) -> int:
        """What an unprivileged writer may still write below `root`, in bytes. Raises: HomeError."""
        try:
            return shutil.disk_usage(self.root).free
        except OSError as error:
            raise _refused(self.root, error) from error

    def require_free(self, at_least: int = FREE_AT_LEAST) -> None:
        """Raises HomeError, with both figures, when fewer than `at_least` bytes are free."""
        free = self.free_bytes()
        if free < at_least:
            message = f"only {_mebibytes(free)} free under {self.root}, {_mebibytes(at_least)} are needed"
            raise HomeError(message, hint=_HINTS[errno.ENOSPC])


def open_home(environ: Mapping[str, str], *, free_at_least: int = FREE_AT_LEAST) -> Home:
    """Create the home when it is not there, and prove that it can be written.

    Args:
        environ: HARNESS_HOME is read from it; unset or empty means the platform's state directory.
        free_at_least: bytes that must be free on its disk.

    Raises:
        HomeError: it cannot be created or written, or there is too little room. Nothing is left half-made by the proof.
    """
    root = _root(environ)
    home = Home(root)
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (home.engine, home.emulator, home.runs):
            folder.mkdir(mode=0o700, exist_ok=True)
        _prove_writable(root)
    except OSError as error:
        raise _refused(root, error) from error
    home.require_free(free_at_least)
    return home


def database_place(home: Home, environ: Mapping[str, str]) -> Path | str:
    """The file of the harness's database, or the URL in the settings. Raises ConfigError."""
    chosen = read_settings(environ).database
    return home.database if chosen is None else chosen.get_secret_value()


def _root(environ: Mapping[str, str]) -> Path:
    chosen = environ.get(HOME_VARIABLE) or platformdirs.user_state_dir("harness", appauthor=False)
    try:
        return Path(chosen).expanduser().absolute()
    except (RuntimeError, OSError) as error:  # `~nobody-by-that-name`, or a working directory that was removed
        raise HomeError(f"{HOME_VARIABLE}={chosen!r} names no folder: {error}", hint="give an absolute path") from error


def _prove_writable(root: Path) -> None:
    # Permission bits prove nothing (root, read-only mounts, quotas): only a block that reached the disk does.
    with tempfile.NamedTemporaryFile(prefix=".writable-", dir=root, buffering=0) as probe:
        probe.write(bytes(_PROBE_BYTES))
        os.fsync(probe.fileno())


def _refused(root: Path, error: OSError) -> HomeError:
    hint = _HINTS.get(error.errno or 0, _ELSEWHERE)
    return HomeError(f"{root} cannot be used as the harness's home: {error.strerror or error}", hint=hint)


def _mebibytes(count: int) -> str:
    return f"{count // (1024 * 1024)} MiB"
