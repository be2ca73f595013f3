"""A cell's specification in; its lease, and the sign of life that is given for it as long as we work on it, out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from harness.errors import HarnessError
from harness.model import Lease
from harness.run.messages import CellSpec
from harness.world.files import CellFiles
from harness.world.identity import Alive, alive, owner

if TYPE_CHECKING:
    from types import TracebackType

    from harness.world.leases import Leases

BEAT: Final = 10.0  # seconds between two signs of life
STALE: Final = 3 * BEAT
"""Seconds after which a sign of life is missed: two may be late on a machine that is busy."""
STALE_ELSEWHERE: Final = 900.0
"""The same for a process that cannot be asked, before its lease has expired: a network may be away for some minutes."""


def new_lease(spec: CellSpec, account: str | None, now: datetime) -> Lease:
    """The lease of a cell that begins, held by this process. `account` is that of the credentials, on AWS."""
    return Lease(
        run=spec.run,
        cell=spec.cell.name,
        stack=spec.cell.stack,
        project=spec.cell.program.name,
        target=spec.url or spec.target,
        region=spec.cell.region,
        account=spec.account or account,
        directory=str(spec.directory),
        backend=CellFiles(spec.directory).backend,
        created=now,
        expires=datetime.fromisoformat(spec.expires),
        heartbeat=now,
        **owner(),
    )


def postponed(spec: CellSpec, late: timedelta) -> CellSpec:
    """A cell that begins so much later than its run; its lease and its tags expire as much later."""
    expires = datetime.fromisoformat(spec.expires) + max(late, timedelta())
    return spec.model_copy(update={"expires": expires.isoformat(timespec="seconds")})


def worked_on(lease: Lease, now: datetime, ask: Callable[[Lease], Alive] = alive) -> tuple[bool, str]:
    """Whether somebody works on an open lease, and what shows it.

    A process that this machine would know decides by itself. For any other there is only its sign of life.
    """
    age = max(0.0, (now - lease.heartbeat).total_seconds())
    living = ask(lease)
    if living is Alive.YES:
        return True, f"process {lease.process} works on it"
    if living is Alive.NO:
        return False, f"its owner, process {lease.process}, is gone"
    bound = STALE_ELSEWHERE if living is Alive.UNKNOWN and now < lease.expires else STALE
    seen = f"last sign of life {spoken(age)} ago"
    if living is Alive.NOT_SEEN:
        return age <= bound, f"process {lease.process} is not there, {seen}"
    return age <= bound, f"process {lease.process} on {lease.host} cannot be asked, {seen}"


def spoken(seconds: float) -> str:
    """A length of time for people: `40 s`, `12 min`, `3 h`, `2 d`."""
    for unit, size, until in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800)):
        if seconds < until:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


class Heartbeat:
    """A thread that says for some cells that we still work on them. A context manager.

    What it cannot write is told once, and changes nothing of the run: at worst a lease looks stale while we live, and
    then it is our process that proves otherwise, or somebody takes it over.
    """

    def __init__(
        self,
        leases: Callable[[], Leases],
        cells: Callable[[], Collection[tuple[str, str]]],
        tell: Callable[[str], None],
        lose: Callable[[Collection[tuple[str, str]]], None],
    ) -> None:
        """`cells` says at each beat which (run, cell) are being worked on; `leases` is asked for then only.

        `lose` gets those whose lease somebody else has taken over, each once.
        """
        self._leases = leases
        self._cells = cells
        self._tell = tell
        self._lose = lose
        self._lost: set[tuple[str, str]] = set()
        self._told = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def beat(self) -> None:
        """Once, now. Raises nothing."""
        cells = set(self._cells()) - self._lost
        if not cells:
            return
        try:
            lost = set(self._leases().beat(cells)) & set(self._cells())  # one that ended meanwhile is settled, not lost
        except HarnessError as error:
            self._complain(f"no sign of life can be written: {error.message}")
            return
        except Exception as error:  # noqa: BLE001 - a defect of ours there must not cost anybody the run
            self._complain(f"no sign of life can be written: {error!r}")
            return
        if lost:
            self._lost |= lost
            self._lose(lost)

    def _complain(self, text: str) -> None:
        if not self._told:
            self._told = True
            self._tell(text)

    def _run(self) -> None:
        while not self._ended.wait(BEAT):
            self.beat()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()  # not waited for: it may wait for the database
