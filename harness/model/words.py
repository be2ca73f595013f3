"""Nothing in; the words that all nouns are made of out: statuses, phases, marks, and the frozen value itself."""

from __future__ import annotations

import enum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.errors import ExitCode

ProviderName = Literal["bundled", "official"]
TargetKind = Literal["emulator", "url", "aws"]
RUN_TAG = "harness:run"  # carried by every taggable resource; what orphans are found by
STACK_TAG = "harness:stack"
EXPIRES_TAG = "harness:expires"
WHOLE = "whole"  # how the last stage is called: all of the program


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
