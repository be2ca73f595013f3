"""The frozen nouns that walk from room to room: programs and cells in, results out. Nothing here touches anything.

Times are seconds (float) or aware UTC datetimes. The result models together are the result document.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import ExitCode

ProviderName = Literal["bundled", "official"]
TargetKind = Literal["emulator", "url", "aws"]

RUN_TAG = "harness:run"  # carried by every taggable resource; what orphans are found by
STACK_TAG = "harness:stack"
EXPIRES_TAG = "harness:expires"


class Frozen(BaseModel):
    """A value: cannot be changed, has no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CellStatus(enum.StrEnum):
    """How a cell ended, worst first."""

    LEAKED = "LEAKED"
    INTERRUPTED = "INTERRUPTED"
    ERRORED = "ERRORED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    KEPT = "KEPT"
    SKIPPED = "SKIPPED"
    PASSED = "PASSED"

    @property
    def exit_code(self) -> ExitCode:
        """What this status alone would make the process return."""
        return {
            CellStatus.LEAKED: ExitCode.LEAKED,
            CellStatus.INTERRUPTED: ExitCode.INTERRUPTED,
            CellStatus.ERRORED: ExitCode.FAILED,
            CellStatus.FAILED: ExitCode.FAILED,
            CellStatus.KEPT: ExitCode.FAILED,
            CellStatus.REJECTED: ExitCode.USAGE,
        }.get(self, ExitCode.PASSED)


_WORST_FIRST = (ExitCode.LEAKED, ExitCode.INTERRUPTED, ExitCode.FAILED, ExitCode.USAGE)


def worst_exit_code(statuses: list[CellStatus]) -> ExitCode:
    """Of several cells the worst decides: 3, then 130, 1, 2, 0."""
    codes = {status.exit_code for status in statuses}
    return next((code for code in _WORST_FIRST if code in codes), ExitCode.PASSED)


class PhaseName(enum.StrEnum):
    """The steps of a cell, in their order."""

    PREFLIGHT = "preflight"
    UP = "up"
    PROBE = "probe"
    RECHECK = "recheck"
    DESTROY = "destroy"
    LEAK_CHECK = "leak check"


class PhaseStatus(enum.StrEnum):
    """How a phase ended."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"


class Stage(Frozen):
    """A part of a program that goes up before the whole does."""

    name: str
    config: Mapping[str, str] = Field(default_factory=dict)  # laid over the cell's, keys with their namespace
    run: tuple[str, ...] = ()  # command after it, in the program's folder


class Prerequisite(Frozen):
    """A secret that must be there before the program, and does not belong to its stack."""

    name: str
    fields: tuple[str, ...] = ()  # of its JSON; without any it is plain text
    purpose: str = ""


class Program(Frozen):
    """A directory with a `Pulumi.yaml` and Python code."""

    name: str  # the project's name in Pulumi.yaml
    directory: Path
    main: Path  # the directory or file that is run; absolute
    runtime_options: Mapping[str, Any] = Field(default_factory=dict)
    project: Mapping[str, Any] = Field(default_factory=dict)  # Pulumi.yaml as it is
    config: Mapping[str, str] = Field(default_factory=dict)  # defaults from harness.toml
    tags: Mapping[str, str] = Field(default_factory=dict)  # from harness.toml
    policy: Mapping[str, Any] = Field(default_factory=dict)  # [policy] as it stands; harness.policy reads it
    probes: tuple[Mapping[str, Any], ...] = ()  # each [[probe]] as it stands; harness.probes reads them
    stages: tuple[Stage, ...] = ()
    prerequisites: tuple[Prerequisite, ...] = ()
    recheck_ignore: tuple[str, ...] = ()  # globs of RESOURCE.PROPERTY that a recheck lets pass
    settings_file: Path | None = None  # its harness.toml, when there is one


class StackConfig(Frozen):
    """An existing `Pulumi.NAME.yaml` that is taken over."""

    name: str
    config: Mapping[str, Any] = Field(default_factory=dict)
    secrets: Mapping[str, str] = Field(default_factory=dict)  # encryptionsalt, secretsprovider, encryptedkey


class Cell(Frozen):
    """One program at one point of the matrix; runs in one stack."""

    name: str
    program: Program
    stack: str
    suffix: str
    region: str
    config: Mapping[str, Any]  # as in Pulumi.NAME.yaml: text, structures, or {"secure": ciphertext}
    stack_config: StackConfig | None
    tags: Mapping[str, str]


class Limits(Frozen):
    """How long things may take, in seconds."""

    run: float
    destroy: float


class Plan(Frozen):
    """What will run."""

    run: str
    cells: tuple[Cell, ...]
    limits: Limits
    provider: ProviderName
    keep_on_failure: bool
    preflight: bool
    policy: bool
    policy_packs: tuple[Path, ...]  # the user's, beside the one that is shipped
    probe: bool
    recheck: bool
    parallel: int


class LeaseState(enum.StrEnum):
    """How a lease stands."""

    OPEN = "open"  # something may exist, and somebody works with it
    KEPT = "kept"  # left up on request
    LEAKED = "leaked"  # the leak check found something, or could not be completed
    CLOSED = "closed"  # proved gone


class Lease(Frozen):
    """What we opened, where, for whom, until when, and how it stands."""

    run: str
    cell: str
    stack: str
    program: str
    target: str
    region: str
    account: str | None
    directory: str  # where state, journal and log of the cell lie
    owner: str
    host: str
    process: int
    created: datetime
    expires: datetime
    state: LeaseState = LeaseState.OPEN
    reason: str = ""


class PhaseResult(Frozen):
    """One phase as it ended."""

    phase: PhaseName
    status: PhaseStatus
    seconds: float
    started: float = 0  # seconds after the cell began
    detail: str = ""


class ResourceRef(Frozen):
    """One resource at the target."""

    type: str
    id: str
    urn: str = ""
    reason: str = ""
    command: str = ""  # the AWS CLI command that removes it


class Resources(Frozen):
    """Counts of what a cell did, and what it did not manage to remove or to ask about."""

    planned: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    leaked: tuple[ResourceRef, ...] = ()
    unverified: tuple[ResourceRef, ...] = ()


class Timing(Frozen):
    """How long one operation on one resource took, as seen in the engine's event log."""

    urn: str
    type: str
    op: str
    seconds: float
    started: float = 0  # seconds after the cell began
    failed: bool = False


class RuleLevel(enum.StrEnum):
    """What a violation of a policy rule means, in CrossGuard's words."""

    MANDATORY = "mandatory"  # nothing is made
    ADVISORY = "advisory"  # told, and that is all
    DISABLED = "disabled"


class RuleStatus(enum.StrEnum):
    """How a policy rule ended."""

    PASSED = "passed"
    ADVISED = "advised"  # violated, and advisory
    FAILED = "failed"  # violated, and mandatory
    DISABLED = "disabled"


class RuleOutcome(Frozen):
    """One policy rule as it ended, the passed ones too; `violations` counts its findings."""

    pack: str
    rule: str
    level: RuleLevel
    status: RuleStatus
    description: str = ""
    violations: int = 0


class Finding(Frozen):
    """One policy or preflight result. `id` is the rule's name, `source` its pack, `severity` its level."""

    id: str
    severity: str
    resource: str
    cause: str
    remedy: str
    source: str = ""
    urn: str = ""


class PropertyChange(Frozen):
    """One property that is not as it was; the values as short text, secrets as `[secret]`."""

    property: str
    before: str = ""
    after: str = ""


class Change(Frozen):
    """One resource that a recheck would change, or that was changed behind the program's back."""

    urn: str
    type: str
    op: str
    properties: tuple[PropertyChange, ...] = ()


class RecheckOutcome(Frozen):
    """One recheck as it ended: `idempotency` (a second preview is empty) or `drift` (a refresh changes nothing)."""

    name: Literal["idempotency", "drift"]
    status: Literal["passed", "failed", "errored"]
    seconds: float
    changes: tuple[Change, ...] = ()
    detail: str = ""


class ProbeOutcome(Frozen):
    """One probe as it ended; `detail` is its last evidence."""

    name: str
    status: str
    attempts: int
    seconds: float
    detail: str
    kind: str = "function"  # or what was declared: http, tcp, s3-round-trip, …


class StageOutcome(Frozen):
    """One stage of `up` as it ended; `command` are the seconds of its command. The whole program comes last."""

    name: str
    status: Literal["passed", "failed"]
    seconds: float
    created: int = 0
    command: float = 0


class Incident(Frozen):
    """A known way to fail that was recognised."""

    id: str
    title: str
    cause: str
    remedy: str
    evidence: str


class Failure(Frozen):
    """The first cause: what happened, to what, and what to do."""

    phase: PhaseName | None
    message: str
    hint: str = ""
    detail: str = ""  # the rest: further diagnostics, the program's own traceback


class CellResult(Frozen):
    """Everything that a cell has to say."""

    cell: str
    program: str
    stack: str
    suffix: str
    region: str
    account: str | None
    status: CellStatus
    started: datetime | None = None  # None: it never began
    seconds: float = 0
    phases: tuple[PhaseResult, ...] = ()
    resources: Resources = Resources()
    stages: tuple[StageOutcome, ...] = ()
    timings: tuple[Timing, ...] = ()
    rules: tuple[RuleOutcome, ...] = ()
    findings: tuple[Finding, ...] = ()
    probes: tuple[ProbeOutcome, ...] = ()
    rechecks: tuple[RecheckOutcome, ...] = ()
    incidents: tuple[Incident, ...] = ()
    outputs: Mapping[str, Any] = Field(default_factory=dict)
    error: Failure | None = None
    log: str = ""  # the cell's log file


class RunResult(Frozen):
    """The result document."""

    schema_version: Literal[1] = Field(default=1, serialization_alias="schema")
    run: str
    started: datetime
    seconds: float
    exit_code: int
    engine: Mapping[str, str]
    provider: ProviderName
    target: str
    cells: tuple[CellResult, ...]
