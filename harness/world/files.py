"""A cell's directory in; where each of its private things lies out."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from harness.errors import HomeError


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
        self.journal = directory / "journal.jsonl"
        self.log = directory / "cell.log"
        self.lock = directory / "cell.lock"
        self.spec = directory / "spec.json"
        self.result = directory / "result.json"

    def make(self) -> None:
        """Create the folders, readable for the owner only, and mint the passphrase. Keeps what is there.

        Raises HomeError when the disk refuses.
        """
        try:
            for folder in (self.project, self.state, self.engine_home, self.events, self.temporary):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self.passphrase.exists():
                self.passphrase.touch(mode=0o600)
                self.passphrase.write_text(secrets.token_urlsafe(24), encoding="ascii")
        except OSError as error:
            raise HomeError(
                f"{self.directory} cannot be made: {error}", hint="free some space, or set HARNESS_HOME elsewhere"
            ) from error

    def forget(self) -> None:
        """Remove what only a cell that still has something at the target needs: state, keys, work folders."""
        for folder in (self.project, self.state, self.engine_home, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.passphrase, self.engine_pid, self.spec, self.lock):
            file.unlink(missing_ok=True)
