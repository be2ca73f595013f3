"""A cell's directory in; where each of its private things lies out."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sys
import time
from pathlib import Path
from urllib.parse import quote

from harness.errors import HomeError
from harness.world.file_lock import is_held


class CellFiles:
    """Paths of one cell. All but the log, the journal and the result go when it is proved that nothing is left."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.project = directory / "project"
        self.state = directory / "state"
        self.engine_home = directory / "pulumi-home"
        self.events = directory / "events"
        self.temporary = directory / "tmp"
        self.passphrase = directory / "passphrase"
        self.engine_pid = directory / "engine.pid"
        # Engines that run beside it, two of a recheck and one that reads secret outputs for the probes.
        self.more_engine_pids = tuple(directory / f"engine-{number}.pid" for number in (2, 3))
        self.provider_pid = directory / "provider.pid"
        self.journal = directory / "journal.jsonl"
        self.log = directory / "cell.log"
        self.sealed = directory / "secrets.sealed"
        self.lock = directory / "cell.lock"
        self.spec = directory / "spec.json"
        self.foreign = directory / "foreign.json"
        self.result = directory / "result.json"
        self.faults = directory / "faults.jsonl"
        # What is left and how to end it, for programs and for people, and the state that knows of it; without secrets.
        self.leak_record = directory / "leak.json"
        self.leak_text = directory / "leak.txt"
        self.leak_state = directory / "leak-state.json"

    @property
    def backend(self) -> str:
        """Where the stack's state is, as `pulumi login` takes it."""
        return f"file://{quote(str(self.state))}"

    def state_after(self, stage: str) -> Path:
        """Where the state is put aside as a stage has left it."""
        return self.directory / f"state-after-{stage}.json"

    @property
    def states_after(self) -> tuple[Path, ...]:
        """Those that are there, the oldest first."""
        return tuple(sorted(self.directory.glob("state-after-*.json"), key=lambda path: path.stat().st_mtime_ns))

    def make(self) -> None:
        """Create the folders, readable for the owner only, and mint the passphrase. Keeps what is there.

        Raises HomeError when the disk refuses.
        """
        try:
            for folder in (self.project, self.state, self.engine_home, self.events, self.temporary):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # The engine keeps a debug log of every call there, unless it cannot: a fifth of its time, read by nobody.
            (self.engine_home / "logs").touch()
            if not self.passphrase.exists():
                self.passphrase.touch(mode=0o600)
                self.passphrase.write_text(secrets.token_urlsafe(24), encoding="ascii")
        except OSError as error:
            raise HomeError(
                f"{self.directory} cannot be made: {error}", hint="free some space, or set HARNESS_HOME elsewhere"
            ) from error

    @property
    def began(self) -> float:
        """When the cell's files were first made, before anything at the target was: seconds since the epoch."""
        try:
            return self.passphrase.stat().st_mtime
        except OSError:
            return time.time()  # not known: then nothing that is older counts as ours

    def write_spec(self, text: str) -> None:
        """Put what the cell was told on disk, whole or not at all: whoever comes after a crash destroys by it.

        Raises HomeError when the disk refuses.
        """
        try:
            write_whole(self.spec, text)
        except OSError as error:
            raise HomeError(f"{self.spec} cannot be written: {error}", hint="free some space") from error

    def keep_result(self, text: str) -> None:
        """Put the result beside the log. A disk that is full must not cost the result, which is told as well."""
        try:
            self.result.write_text(text, encoding="utf-8")
        except OSError as error:
            print(f"warning: {self.result} cannot be written: {error}", file=sys.stderr)

    def read_foreign(self) -> set[tuple[str, str, str]]:
        """Type, id and region of what the program imported: it was there before, and is never deleted.

        An empty region is any: that is what files of earlier versions say. Raises HomeError: it cannot be read, and
        without it what was there before could be taken for ours.
        """
        try:
            entries = json.loads(self.foreign.read_text(encoding="utf-8"))
            return {(kind, name, "".join(region)) for kind, name, *region in entries}
        except FileNotFoundError:
            return set()
        except (OSError, ValueError, TypeError) as error:
            message = f"{self.foreign}, which names what the program imported, cannot be read: {error}"
            raise HomeError(message, hint="delete by hand what is ours; nothing is destroyed without it") from error

    def write_foreign(self, foreign: set[tuple[str, str, str]]) -> None:
        """Remember them beyond the state, whole. Without any, nothing is written. A full disk is told in the log."""
        if not foreign:
            return
        try:
            write_whole(self.foreign, json.dumps(sorted(foreign)))
        except OSError as error:  # the state still says it; a destroy must not fail for want of a copy
            print(f"warning: {self.foreign} cannot be written: {error}", file=sys.stderr)

    def is_held(self) -> bool:
        """Whether a cell process works here now: it holds the lock as long as it lives."""
        return is_held(self.lock)

    def forget(self) -> None:
        """Remove what only a cell that still has something at the target needs: state, keys, events, work folders."""
        # The engine's events hold what a provider returns, also where it repeats a secret under another name.
        for folder in (self.project, self.state, self.engine_home, self.events, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
        records = (self.leak_record, self.leak_text, self.leak_state)
        mine = (self.passphrase, self.sealed, self.engine_pid, *self.more_engine_pids, self.provider_pid, self.spec)
        for file in (*mine, *records, *self.states_after):
            file.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove everything of a cell that never began, and its run's folder when that is empty then."""
        shutil.rmtree(self.directory, ignore_errors=True)
        with contextlib.suppress(OSError):  # other cells of the run are there
            self.directory.parent.rmdir()


def write_whole(path: Path, text: str) -> None:
    """The file as it was or as it shall be, never half, also after a power cut; for its owner only. Raises OSError."""
    partial = path.with_suffix(".partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            partial.chmod(0o600)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
