"""Fault rules and a target's URL in; a proxy of a cell's own that makes calls fail, and what fired, out.

The proxy is a process on a loopback port (`fault_server.py`), one for each cell: microburst cannot tell accounts apart,
and each cell counts for itself. If it dies, one without rules takes its place on the same port, because a destroy needs
a way to its target more than a test needs its faults.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from harness.errors import WorldError
from harness.model import FaultHit, FaultOutcome, FaultRule, PhaseName
from harness.world.forks import starting

MOST_HITS: Final = 1000  # calls that are told of each rule; all are counted
_ANSWER_SECONDS: Final = 10.0  # for a change of phase; it takes a millisecond, a start of the process half a second
_BACKLOG: Final = 1024
_KEPT_VARIABLES: Final = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PYTHONPATH",
)


class FaultProxy:
    """A running proxy; a context manager that ends it. It ends by itself when its owner does, however that dies.

    Attributes:
        url: where it answers, `http://127.0.0.1:PORT`. Calls made before it is ready wait in the socket's queue.
    """

    def __init__(
        self, upstream: str, rules: Sequence[FaultRule], seed: int, log: Path, tell: Callable[[str], None]
    ) -> None:
        """Start it. Until `arm` is called the phase is the preflight.

        Args:
            upstream: the target's URL.
            rules: in their order; of those that match a call the first one decides.
            seed: for the draws of rules with a probability.
            log: what fired is appended here; the folder must exist.
            tell: hears when something is wrong with the proxy; called from any thread.

        Raises:
            WorldError: it cannot be started.
        """
        self._rules = tuple(rules)
        self._tell = tell
        self._log = log
        self._told = {"upstream": upstream, "seed": seed, "rules": [rule.model_dump(mode="json") for rule in rules]}
        self._phased = any(rule.phases for rule in rules)
        self._armed = frozenset({PhaseName.PREFLIGHT})
        self._lock = threading.Lock()
        self._closing = False
        try:
            self._socket = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
            self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
            self._process = self._spawn()
        except OSError as error:
            raise WorldError(
                f"the fault proxy cannot be started: {error}", hint="free processes, memory or disk; or leave --faults"
            ) from error
        self._tender = threading.Thread(target=self._tend, name="fault proxy", daemon=True)
        self._tender.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Process id; another one after a restart."""
        return self._process.pid

    def arm(self, phases: Iterable[PhaseName]) -> None:
        """From here on these phases run. Raises nothing: a destroy must go on without faults, too."""
        wanted = frozenset(phases)
        with self._lock:
            if not self._phased or wanted == self._armed or self._closing:
                return
            self._armed = wanted
            if not self._answered({"phases": sorted(wanted)}):
                self._tell("the fault proxy does not answer: faults of a phase may be missing")

    def close(self) -> None:
        """End it. Twice is once."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            self._process.kill()  # it holds nothing that would be lost
        self._tender.join()
        self._socket.close()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with (self._log.with_suffix(".log")).open("ab") as output, starting():
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "harness.world.fault_server", str(self._socket.fileno()), str(self._log)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
                pass_fds=(self._socket.fileno(),),
                start_new_session=True,
            )
        _write(process, {**self._told, "phases": sorted(self._armed)})
        return process

    def _answered(self, message: Mapping[str, Any]) -> bool:
        process = self._process
        if not _write(process, message) or process.stdout is None:
            return False
        ready, _, _ = select.select([process.stdout], [], [], _ANSWER_SECONDS)
        return bool(ready) and os.read(process.stdout.fileno(), 64).startswith(b"ok")

    def _tend(self) -> None:
        """Start it again, without rules, whenever it ends before `close`."""
        while True:
            process = self._process
            process.wait()
            with self._lock:
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        with contextlib.suppress(BrokenPipeError):
                            pipe.close()
                if self._closing:
                    return
                self._tell("the fault proxy died: from here on no fault is injected")
                self._told["rules"], self._phased = [], False
                try:
                    self._process = self._spawn()
                except OSError as error:
                    self._tell(f"the fault proxy cannot be started again: {error}")
                    self._closing = True
                    self._socket.close()  # refused at once is better than never answered
                    return


def what_fired(rules: Sequence[FaultRule], log: Path) -> tuple[FaultOutcome, ...]:
    """What the log tells of each rule, also after its proxy and its cell died."""
    hits: dict[int, list[FaultHit]] = {rule.number: [] for rule in rules}
    for entry, began in _entries(log):
        if entry["rule"] in hits:
            seconds = round(max(0.0, entry["ts"] - began), 3)
            hits[entry["rule"]].append(FaultHit(seconds=seconds, call=entry["call"], resource=entry["resource"]))
    return tuple(
        FaultOutcome(
            rule=rule.number,
            name=rule.name,
            service=rule.service,
            operation=rule.operation,
            kind=rule.kind,
            must_fire=rule.must_fire,
            times=len(hits[rule.number]),
            at=tuple(hits[rule.number][:MOST_HITS]),
        )
        for rule in rules
    )


def _entries(log: Path) -> Iterable[tuple[dict[str, Any], float]]:
    """Each call that met a rule, and when the first proxy of the cell began."""
    try:
        lines = log.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:  # it ended before it began
        return
    began = None
    for line in lines:
        with contextlib.suppress(ValueError):  # the last line of a process that was killed while it wrote
            entry = json.loads(line)
            if "began" in entry:
                began = entry["began"] if began is None else began
            elif began is not None:
                yield entry, began


def _write(process: subprocess.Popen[bytes], message: Mapping[str, Any]) -> bool:
    if process.stdin is None:
        return False
    try:
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
    except (BrokenPipeError, ValueError):  # it has just ended
        return False
    return True
