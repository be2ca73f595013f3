"""The command line as a user has it in, what it said and what it left on this machine out."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from harness.world.home import open_home
from harness.world.leases import open_leases

OPEN_LEASES = ("leases", "--json", "-")  # a second of processor time as a command of its own
# For tests whose promise lies elsewhere: half the time of a run.
STRAIGHT = ("--no-preflight", "--no-policy", "--no-probe", "--no-recheck")
LONGEST = 180  # seconds that one command may take before the test gives up on it
ALL_SYSTEMS = 500  # seconds that it may take with all of them: one minute on two quiet cores, four on busy ones
FOLDERS = {"state", "project", "tmp", "control"}  # of a cell; they go when it is proved that nothing is left


@dataclass
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What `--json -` printed."""
        return json.loads(self.out)

    @property
    def cell(self) -> dict[str, Any]:
        """The one cell of the document."""
        [cell] = self.document["cells"]
        return cell


@dataclass
class Harness:
    """The command line, with a home of its own."""

    home: Path
    cwd: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *args: str, session: bool = False, **environment: str) -> subprocess.Popen[str]:
        """Begin a command; its process is ours to signal. With `session` it leads one, as under a terminal's shell."""
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", *args],
            cwd=self.cwd,
            env={**self.environment, "HARNESS_HOME": str(self.home), "NO_COLOR": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=session,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """Stop what a test that failed left running; it destroys what it made."""
        for process in self.started:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=LONGEST)

    def finish(self, process: subprocess.Popen[str], seconds: float = LONGEST) -> Finished:
        """Wait for its end."""
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            raise
        return Finished(process.returncode, out, err)

    def __call__(self, *args: str, **environment: str) -> Finished:
        """Run a command to its end. What is open is asked for so often that this process answers it."""
        if args == OPEN_LEASES and not environment:
            return self._open_leases()
        return self.finish(self.start(*args, **environment))

    def _open_leases(self) -> Finished:
        home = open_home({"HARNESS_HOME": str(self.home)}, free_at_least=0)
        with closing(open_leases(home.database)) as leases:
            listed = [lease.model_dump(mode="json") for lease in leases.listed(only_open=True)]
        return Finished(0, json.dumps(listed), "")

    def processes(self) -> list[str]:
        """Command lines of everything that still runs on behalf of this home."""
        found = []
        for process in psutil.process_iter(["pid", "cmdline", "status"]):
            line = " ".join(process.info["cmdline"] or [])
            if process.info["status"] != psutil.STATUS_ZOMBIE and (str(self.home) in line or self.marks(process)):
                found.append(line)
        return found

    def marks(self, process: psutil.Process) -> bool:
        """Whether the home is in the environment that the process was started with, where that can be read."""
        try:
            return os.fsencode(self.home) in Path(f"/proc/{process.pid}/environ").read_bytes()
        except OSError:  # it ended meanwhile, is not ours, or this is no Linux
            return False

    def leases(self, *, only_open: bool = True) -> list[dict[str, Any]]:
        """The leases, read from the database's file without the harness; none where there is no database yet."""
        file = self.home / "harness.sqlite"
        if not file.exists():
            return []
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'lease'").fetchone():
                return []
            rows = [dict(row) for row in database.execute("SELECT * FROM lease ORDER BY created")]
        return [row for row in rows if not only_open or row["state"] != "closed"]

    def remains(self) -> list[str]:
        """What a run may not leave on this machine: open leases, processes, locks, state and temporary folders."""
        found = [f"lease {row['run']} {row['cell']} {row['state']}: {row['reason']}" for row in self.leases()]
        found += [f"process {line}" for line in self.processes()]
        found += [f"lock {path}" for path in self.home.rglob("locks/**/*.json")]
        found += [f"folder {path}" for path in self.home.glob("runs/**/*") if path.is_dir() and path.name in FOLDERS]
        temporary = self.environment.get("TMPDIR")
        if temporary is not None:
            found += [f"temporary {path}" for path in Path(temporary).iterdir()]
        return found
