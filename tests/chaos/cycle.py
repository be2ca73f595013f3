"""A command in; its process watched from outside: what it has said, who works for it, and who may be killed."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
from commands import LONGEST, Finished, Harness

PHASES = ("preflight", "up", "probe", "recheck", "destroy", "leak check")
OPENING, REPORT = "opening", "report"  # before the first phase, and after the last
ENDED = re.compile(rf"^[\w.-]+: ({'|'.join(PHASES)}) (ok|FAILED|stopped|-)")
LOOK = 0.01  # seconds between two looks
SHORTEST = 0.05  # seconds that a phase counts as, if it was shorter or not there
# Whom a kill may meet: words of the command line of each.
VICTIMS = {
    "cell": ("harness.run.cell",),
    "engine": ("/pulumi", "--non-interactive"),
    "provider": ("harness.providers.process",),
    "program": ("warm_runner.py", "program_runner.py"),
}


@dataclass(frozen=True)
class Measured:
    """An undisturbed cycle: seconds from its start until each phase had ended, and until its own end."""

    ends: Mapping[str, float]
    seconds: float

    def begin(self, phase: str) -> float:
        """When the phase begins: seconds from the start. Probe and recheck begin together."""
        if phase == OPENING:
            return 0.0
        if phase == REPORT:
            return self.ends["leak check"]
        before = {"preflight": None, "up": "preflight", "probe": "up", "recheck": "up", "leak check": "destroy"}
        if phase == "destroy":
            return max(self.ends.get(name, 0.0) for name in ("up", "probe", "recheck"))
        earlier = before[phase]
        return self.ends[earlier] if earlier else 0.0

    def length(self, phase: str) -> float:
        """Seconds that the phase takes."""
        end = {OPENING: self.ends["preflight"], REPORT: self.seconds}.get(phase, self.ends.get(phase))
        return max(SHORTEST, end - self.begin(phase)) if end else SHORTEST


class Cycle:
    """One command, and everything that works for it. It leads a session of its own, as under a terminal's shell."""

    def __init__(self, harness: Harness, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self.harness = harness
        self.began = time.monotonic()
        self.process = harness.start(*arguments, session=True, **environment)
        self.heard: list[tuple[float, str]] = []
        self._account: str | None = None
        self._out: list[str] = []
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [
            threading.Thread(target=self._listen, args=(self.process.stderr,), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _listen(self, stream: IO[str]) -> None:
        for line in stream:
            self.heard.append((time.monotonic() - self.began, line.rstrip("\n")))

    def _read(self, stream: IO[str]) -> None:
        self._out.append(stream.read())

    @property
    def err(self) -> str:
        """What it has said to people."""
        return "\n".join(line for _, line in self.heard)

    @property
    def ends(self) -> dict[str, float]:
        """Phases that have ended: seconds from the start."""
        found = [(match.group(1), when) for when, line in list(self.heard) if (match := ENDED.match(line))]
        return dict(found)

    def measured(self) -> Measured:
        """When what happened; after the end."""
        return Measured(self.ends, self.seconds)

    @property
    def running(self) -> bool:
        """Whether the command itself still lives."""
        return self.process.poll() is None

    @property
    def listens(self) -> bool:
        """Whether it has its handlers; a signal that comes before meets the interpreter alone. Linux tells."""
        with suppress(OSError):
            caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{self.process.pid}/status").read_text(), re.MULTILINE)
            return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)
        return False

    def wait(self, condition: Callable[[], bool], seconds: float = LONGEST) -> bool:
        """Until the condition holds, or the command has ended (False)."""
        end = time.monotonic() + seconds
        while not condition():
            if not self.running:
                return condition()
            assert time.monotonic() < end, f"it did not happen in time; it said:\n{self.err}"
            time.sleep(LOOK)
        return True

    def wait_phase(self, phase: str) -> bool:
        """Until the phase has begun; False when the command ended before. Probe and recheck begin together."""
        begun: dict[str, Callable[[], bool]] = {
            OPENING: lambda: True,
            "preflight": lambda: self.victim("cell") is not None,
            "up": lambda: "preflight" in self.ends,
            "probe": lambda: "up" in self.ends,
            "recheck": lambda: "up" in self.ends,
            "destroy": self._destroys,
            "leak check": lambda: "destroy" in self.ends,
            REPORT: lambda: "leak check" in self.ends,
        }
        return self.wait(begun[phase])

    def _destroys(self) -> bool:
        """Not every program has probes whose end is told: the engine's verb shows it."""
        engine = self.victim("engine")
        with suppress(psutil.Error):
            if engine is not None and "destroy" in engine.cmdline():
                return True
        return "destroy" in self.ends

    def wait_until(self, seconds: float) -> bool:
        """Until so long after the start; False when the command ended before."""
        return self.wait(lambda: time.monotonic() - self.began >= seconds)

    def pause(self, seconds: float) -> bool:
        """So long from now; False when the command ended before."""
        end = time.monotonic() + seconds
        return self.wait(lambda: time.monotonic() >= end)

    def lease(self) -> dict[str, Any] | None:
        """The open lease of the newest run of this home, if there is one."""
        found = self.harness.leases()
        return found[-1] if found else None

    def journal(self) -> list[dict[str, Any]]:
        """What the bundled provider has written before and after each mutation."""
        found = []
        for path in self.harness.home.glob("runs/*/*/journal.jsonl"):
            for line in path.read_bytes().splitlines():
                with suppress(ValueError):
                    found.append(json.loads(line))
        return found

    def family(self) -> list[psutil.Process]:
        """The command and everything below it."""
        try:
            root = psutil.Process(self.process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def victim(self, name: str) -> psutil.Process | None:
        """Who plays that part now; the newest, if several do."""
        if name == "cli":
            return psutil.Process(self.process.pid) if self.running else None
        found = []
        for process in self.family()[1:]:
            with suppress(psutil.Error):
                line = " ".join(process.cmdline())
                if name == "engine":
                    fits = all(word in line for word in VICTIMS[name])
                else:
                    fits = any(word in line for word in VICTIMS[name])
                if fits:
                    found.append(process)
        return max(found, key=_born, default=None)

    def account(self) -> str | None:
        """The account of its one cell; None as long as there is no cell, which then has made nothing."""
        if self._account is None:
            leases = self.harness.leases(only_open=False)
            if leases:
                self._account = leases[-1]["account"]
            else:
                cell = self.victim("cell")
                with suppress(psutil.Error):
                    self._account = cell.environ().get("AWS_ACCESS_KEY_ID") if cell else None
        return self._account

    def finish(self) -> Finished:
        """Wait for the end of the command."""
        self.process.wait(LONGEST)
        self.seconds = time.monotonic() - self.began
        for reader in self._readers:  # what it left running may hold its output open
            reader.join(5)
        return Finished(self.process.returncode, "".join(self._out), self.err)

    def close(self) -> None:
        """End it, if a case failed before its end, and let go of its output."""
        if self.running:
            self.process.terminate()
            with suppress(Exception):
                self.process.wait(LONGEST)
        for reader, stream in zip(self._readers, (self.process.stderr, self.process.stdout), strict=True):
            reader.join(5)
            if stream is not None and not reader.is_alive():
                stream.close()


def _born(process: psutil.Process) -> float:
    try:
        return process.create_time()
    except psutil.NoSuchProcess:
        return 0.0
