"""Nothing in; the result document out: everything that a run and its cells have to say."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from harness.model.words import CellStatus, Frozen, PhaseName, PhaseStatus, ProviderName

FaultKind = Literal["throttle", "denied", "error", "latency", "hang", "reset"]


class PhaseResult(Frozen):
    """One phase as it ended."""

    phase: PhaseName
    status: PhaseStatus
    seconds: float
    started: float = 0  # seconds after the cell began
    detail: str = ""
    limit: str = ""  # what stopped it, where a limit did: the flag that sets it, or `credentials`


class ResourceRef(Frozen):
    """One resource at the target."""

    type: str
    id: str
    urn: str = ""
    region: str = ""
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
    unblocked: tuple[ResourceRef, ...] = ()  # what stood in the way of a delete, and was lifted
    remnants: tuple[ResourceRef, ...] = ()  # left by AWS outside any state, and removed
    lasting: tuple[ResourceRef, ...] = ()  # what AWS keeps for a while by its own rules: no leak


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


class FaultHit(Frozen):
    """One call that met a fault: seconds after the cell began, `sqs:CreateQueue`, and the resource where it shows."""

    seconds: float
    call: str
    resource: str = ""


class FaultOutcome(Frozen):
    """One rule of `--faults` as it ended: how often it fired, and the first of these calls."""

    rule: int
    name: str
    service: str
    operation: str
    kind: FaultKind
    must_fire: bool = False
    times: int = 0
    at: tuple[FaultHit, ...] = ()


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
    faults: tuple[FaultOutcome, ...] = ()
    outputs: Mapping[str, Any] = Field(default_factory=dict)
    error: Failure | None = None
    log: str = ""  # the cell's log file
    leak_record: str = ""  # the file that says what is left and how to end it, when something is


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
