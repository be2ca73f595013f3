"""What the CLI and a cell process say to each other: one specification in, JSON lines out, a result at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from harness.model import (
    Cell,
    CellResult,
    CellStatus,
    Failure,
    FaultRule,
    Frozen,
    Limits,
    PhaseName,
    PhaseStatus,
    ProviderName,
    TargetKind,
)
from harness.world.files import CellFiles


class CellSpec(Frozen):
    """All that a cell process needs to know; its first line of input.

    With `recover` nothing new is made: what an earlier process of this cell left is destroyed.
    """

    run: str
    cell: Cell
    account: str | None
    directory: Path
    engine: Path
    engine_version: str
    hosts: Path
    provider: ProviderName
    target: TargetKind
    url: str | None
    limits: Limits
    expires: str  # ISO time, for the tag
    keep_on_failure: bool = False
    preflight: bool = True
    policy: bool = True
    policy_packs: tuple[Path, ...] = ()
    probe: bool = True
    recheck: bool = True
    faults: tuple[FaultRule, ...] = ()
    fault_seed: int = 0
    through: str | None = None  # URL of the cell's fault proxy, which leads to `url`
    host: tuple[int, int] | None = None  # pipes of a language host that was started early
    recover: bool = False
    since: float | None = None  # with `recover`: what AWS keeps of things of that name is not ours when it is older
    whole_run: bool = False  # with `recover`: all that carries the run's tag, whichever stack of it made that
    first_failure: Failure | None = None  # of the process whose work is recovered

    @property
    def endpoint(self) -> str | None:
        """Where this process calls; what it tells others is `url`, for the proxy ends with the cell."""
        return self.through or self.url

    def blank_result(self, status: CellStatus, failure: Failure | None) -> CellResult:
        """A result that says which cell it was and how it ended; whoever saw more of it adds that."""
        cell = self.cell
        return CellResult(
            cell=cell.name,
            program=cell.program.name,
            stack=cell.stack,
            suffix=cell.suffix,
            region=cell.region,
            account=self.account,
            status=status,
            error=failure,
            log=str(CellFiles(self.directory).log),
        )


class PhaseMessage(Frozen):
    """A phase began (running) or ended."""

    kind: Literal["phase"] = "phase"
    phase: PhaseName
    status: PhaseStatus
    seconds: float = 0


class ProgressMessage(Frozen):
    """How far the phase is: resources done of planned, and what takes longest now."""

    kind: Literal["progress"] = "progress"
    phase: PhaseName
    done: int
    planned: int
    waiting: str = ""


class NoteMessage(Frozen):
    """Something that a person wants to know at once."""

    kind: Literal["note"] = "note"
    text: str


class AliveMessage(Frozen):
    """The cell process lives. For whoever watches over it, not for people."""

    kind: Literal["alive"] = "alive"


class ResultMessage(Frozen):
    """The last message of a cell process."""

    kind: Literal["result"] = "result"
    result: CellResult


ABANDON = "abandon"  # the last line for a cell that shall not run: who started it lives, and clears up
GO = "go"  # the line after the specification: the lease is on disk, things may be made
Message: TypeAlias = Annotated[
    PhaseMessage | ProgressMessage | NoteMessage | AliveMessage | ResultMessage, Field(discriminator="kind")
]
Say: TypeAlias = Callable[[Message], None]
MESSAGES: TypeAdapter[Message] = TypeAdapter(Message)
