"""The frozen nouns that walk from room to room: programs and cells in, results out. Nothing here touches anything.

Times are seconds (float) or aware UTC datetimes. The result models together are the result document.
"""

from __future__ import annotations

from harness.model.lease import (
    Lease,
    LeaseState,
)
from harness.model.plan import (
    Cell,
    FaultRule,
    Limits,
    Plan,
    Program,
    StackConfig,
)
from harness.model.result import (
    CellResult,
    Change,
    Failure,
    FaultHit,
    FaultKind,
    FaultOutcome,
    Finding,
    Incident,
    PhaseResult,
    ProbeOutcome,
    PropertyChange,
    RecheckOutcome,
    ResourceRef,
    Resources,
    RuleLevel,
    RuleOutcome,
    RuleStatus,
    RunResult,
    Timing,
)
from harness.model.words import (
    EXPIRES_TAG,
    RUN_TAG,
    STACK_TAG,
    CellStatus,
    Frozen,
    PhaseName,
    PhaseStatus,
    ProviderName,
    TargetKind,
    worst_exit_code,
)

__all__ = [
    "EXPIRES_TAG",
    "RUN_TAG",
    "STACK_TAG",
    "Cell",
    "CellResult",
    "CellStatus",
    "Change",
    "Failure",
    "FaultHit",
    "FaultKind",
    "FaultOutcome",
    "FaultRule",
    "Finding",
    "Frozen",
    "Incident",
    "Lease",
    "LeaseState",
    "Limits",
    "PhaseName",
    "PhaseResult",
    "PhaseStatus",
    "Plan",
    "ProbeOutcome",
    "Program",
    "PropertyChange",
    "ProviderName",
    "RecheckOutcome",
    "ResourceRef",
    "Resources",
    "RuleLevel",
    "RuleOutcome",
    "RuleStatus",
    "RunResult",
    "StackConfig",
    "TargetKind",
    "Timing",
    "worst_exit_code",
]
