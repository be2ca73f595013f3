"""The nouns of this room: a probe, what it may say, and how it ended. Nothing here touches anything."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from harness.probes.context import ProbeContext

DEFAULT_SECONDS: Final = 30.0
FUNCTION: Final = "function"  # the kind of a probe that is a decorated function

Evidence: TypeAlias = str | Mapping[str, Any] | None
ProbeFunction: TypeAlias = Callable[[ProbeContext], Evidence]


class ProbeFailure(Exception):  # noqa: N818 - a failed probe is a result, not an error
    """What a probe raises when it saw something else than it must; it is tried again until its deadline."""

    def __init__(self, message: str, evidence: Mapping[str, Any] | str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.evidence = evidence


@dataclass(frozen=True)
class Probe:
    """One decorated function, or one `[[probe]]` table. `timeout` is in seconds and covers all attempts together."""

    name: str
    function: ProbeFunction
    timeout: float
    file: Path
    line: int
    kind: str = FUNCTION
    outputs: frozenset[str] = frozenset()
    """Names of stack outputs that it says it uses; `references` knows those that its source shows as well."""

    def __call__(self, context: ProbeContext) -> Evidence:
        """Run it once, as the undecorated function would."""
        return self.function(context)

    @property
    def place(self) -> str:
        """`shop/probes.py:12`, for people."""
        return f"{'/'.join(self.file.parts[-2:])}:{self.line}"


class ProbeStatus(enum.StrEnum):
    """How a probe ended: what it looked for was there, was not there in time, or the probe itself is broken."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"


@dataclass(frozen=True)
class ProbeResult:
    """One probe as it ended; `seconds` spans all attempts, `detail` is the last evidence."""

    name: str
    status: ProbeStatus
    attempts: int
    seconds: float
    detail: str
    kind: str = FUNCTION
