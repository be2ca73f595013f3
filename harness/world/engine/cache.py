"""A folder with `bin/pulumi` in, a cache entry out, all or nothing; an entry in, whether it is intact out."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.world.engine.model import ENGINE_VERSION, RouteError
from harness.world.engine.process import SIGN_OF_LIFE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PARTIAL: Final = ".partial-"
_LOOK: Final = 0.2
"""Seconds between two tries for the lock."""


@dataclass(frozen=True)
class Cache:
    """`home/engine/v3.255.0/`: `bin/pulumi`, and `pulumi.json` with its size, time and SHA-256."""

    home: Path

    @property
    def root(self) -> Path:
        """Folder of all versions, the lock, and installs under way."""
        return self.home / "engine"

    @property
    def entry(self) -> Path:
        """Folder of the pinned version."""
        return self.root / f"v{ENGINE_VERSION}"

    @property
    def executable(self) -> Path:
        """The engine, when it is there."""
        return self.entry / "bin" / "pulumi"

    def look(self) -> Path | None:
        """Return the executable, or None when none was installed.

        It is hashed (0.3 s) only when its time is not the recorded one: any write changes that.

        Raises:
            RouteError: there is one, and it is not what was installed.
        """
        if not self.entry.exists():
            return None
        try:
            status = self.executable.stat()
            recorded: Any = json.loads((self.entry / "pulumi.json").read_text(encoding="utf-8"))
            size, mtime_ns, digest = recorded["size"], recorded["mtime_ns"], recorded["sha256"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RouteError(f"the cached engine {self.entry} is incomplete ({type(error).__name__})") from error
        if status.st_size != size:
            raise RouteError(f"the cached engine {self.executable} has {status.st_size} bytes instead of {size}")
        if status.st_mtime_ns != mtime_ns:
            if sha256(self.executable) != digest:
                raise RouteError(
                    f"the cached engine {self.executable} was changed: its SHA-256 is not the recorded one"
                )
            with contextlib.suppress(OSError):  # where it cannot be recorded, it is hashed again next time
                self._record({**recorded, "mtime_ns": status.st_mtime_ns})
        return self.executable

    def _record(self, record: dict[str, Any]) -> None:
        path = self.entry / "pulumi.json"
        partial = path.with_name(f".{os.getpid()}.json")
        partial.write_text(json.dumps(record), encoding="utf-8")
        partial.replace(path)

    @contextmanager
    def partial(self) -> Iterator[Path]:
        """Give a folder on the same disk to prepare an install in; it is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix=_PARTIAL, dir=self.root) as folder:
            yield Path(folder)

    def install(self, prepared: Path) -> Path:
        """Make `prepared`, in a folder of `partial` and with `bin/pulumi`, the entry. Raises: RouteError."""
        executable = prepared / "bin" / "pulumi"
        try:
            executable.chmod(0o755)
            status = executable.stat()
            record = {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": sha256(executable)}
            (prepared / "pulumi.json").write_text(json.dumps(record), encoding="utf-8")
            if self.entry.exists():
                self.entry.replace(prepared.parent / "old")
            prepared.replace(self.entry)
        except OSError as error:
            raise RouteError(f"the engine cannot be installed in {self.entry}: {error.strerror or error}") from error
        return self.executable

    @contextmanager
    def lock(self, tell: Callable[[str], None]) -> Iterator[None]:
        """Be the only process that installs; what a killed one left is removed. Tells that and while it waits."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as handle:
            _acquire(handle.fileno(), tell)
            for left in self.root.glob(f"{_PARTIAL}*"):
                shutil.rmtree(left)
            yield


def _acquire(fd: int, tell: Callable[[str], None]) -> None:
    start = told = time.monotonic()
    waiting = False
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            now = time.monotonic()
            if not waiting or now - told >= SIGN_OF_LIFE:
                tell(f"another process is installing the Pulumi engine; waiting for it ({now - start:.0f} s)")
                waiting, told = True, now
            time.sleep(_LOOK)
        else:
            return


def sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
