"""A result whose embedded emulator ended under its cell in; what is true of it out: all went with the emulator."""

from __future__ import annotations

from harness.model import CellResult, CellStatus, Failure, PhaseName, PhaseResult, PhaseStatus

_WHY = "the embedded emulator had ended, and everything in it"


def gone_with_emulator(result: CellResult) -> CellResult:
    """Nothing is left and nothing is in doubt, for it kept all in memory; a success it is not."""
    interrupted = any(phase.status is PhaseStatus.INTERRUPTED for phase in result.phases)
    proof = PhaseResult(phase=PhaseName.LEAK_CHECK, status=PhaseStatus.PASSED, seconds=0, detail=_WHY)
    failure = result.error or Failure(
        phase=None, message=_WHY, hint="who ended it is not known; its log is with the run's"
    )
    return result.model_copy(
        update={
            "status": CellStatus.INTERRUPTED if interrupted else CellStatus.ERRORED,
            "phases": (*(phase for phase in result.phases if phase.phase is not PhaseName.LEAK_CHECK), proof),
            "resources": result.resources.model_copy(update={"leaked": (), "unverified": ()}),
            "error": failure.model_copy(update={"detail": "\n".join(part for part in (failure.detail, _WHY) if part)}),
        }
    )
