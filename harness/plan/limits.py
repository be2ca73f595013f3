"""Flags and a program's `[limits]` in; how long each part of its cell may take out. A flag wins over the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.errors import ConfigError
from harness.model import Limits, PhaseName, Program
from harness.plan.settings import parse_duration

DEFAULT_RUN: Final = 3600.0  # seconds; the longest of the five reports settled after 53 minutes
DEFAULT_DESTROY: Final = 1800.0  # seconds; Aurora and NAT gateways need up to a quarter of an hour each
DEFAULT_SILENCE: Final = 60.0  # seconds; a sign of life comes every two, so this is a process that is stopped or dead
PHASES: Final = (PhaseName.PREFLIGHT, PhaseName.UP, PhaseName.PROBE, PhaseName.RECHECK)  # that can have a limit
_FLAG: Final = "--phase-timeout"


def phase_limits(pairs: tuple[str, ...]) -> dict[str, float]:
    """`up=20m` texts as seconds by phase. Raises ConfigError."""
    found: dict[str, float] = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if name not in PHASES or not separator:
            raise ConfigError(
                f"{_FLAG} {pair!r} is malformed", hint=f"write {_FLAG} up=20m; phases are {', '.join(PHASES)}"
            )
        if name in found:
            raise ConfigError(f"{_FLAG} {name} is given twice", hint="give each phase once")
        found[name] = parse_duration(text, f"{_FLAG} {name}")
    return found


def limits_of(given: Mapping[str, float], program: Program) -> Limits:
    """The limits of a cell of `program`; `given` are seconds by the keys of `[limits]`."""
    chosen = {**program.limits, **given}
    return Limits(
        run=chosen.get("run", DEFAULT_RUN),
        destroy=chosen.get("destroy", DEFAULT_DESTROY),
        phases={phase: chosen[phase] for phase in PHASES if phase in chosen},
        resource=chosen.get("resource"),
        silence=chosen.get("silence", DEFAULT_SILENCE),
    )
