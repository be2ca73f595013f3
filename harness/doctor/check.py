"""The nouns of the doctor, and its register: a check is one decorated function, a file a theme."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.world.home import Home

NEEDED_SECONDS: Final = 5.0
"""How long a check may take that a run depends on: on a machine at rest all are done in half a second."""
OPTIONAL_SECONDS: Final = 1.0
"""How long any other may take: with a Docker that hangs the table is still there within two seconds."""


class State(enum.StrEnum):
    """How something stands."""

    OK = "ok"
    MISSING = "missing"  # not there, and a run needs it
    BROKEN = "broken"  # there, and it cannot be used, and a run needs it
    OPTIONAL = "optional"  # not there or not usable, and a run on the emulator does without


@dataclass(frozen=True, slots=True)
class Machine:
    """What the checks look at.

    Attributes:
        environ: the caller's environment.
        home: the harness's home, or None when it cannot be used.
        home_error: why, and what to do about it.
        scratch: an empty private folder, or None when no temporary folder can be made.
    """

    environ: Mapping[str, str]
    home: Home | None
    home_error: tuple[str, str]
    scratch: Path | None


@dataclass(frozen=True, slots=True)
class Told:
    """What a check found, and what helps where it lacks something: a command, or what to do."""

    state: State
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at. `needed`: `harness run` on the emulator with the bundled provider does not work without."""

    name: str
    needed: bool
    ask: Callable[[Machine], Told]

    @property
    def seconds(self) -> float:
        """How long it may take."""
        return NEEDED_SECONDS if self.needed else OPTIONAL_SECONDS


CHECKS: list[Check] = []


def check(name: str, *, needed: bool) -> Callable[[Callable[[Machine], Told]], Callable[[Machine], Told]]:
    """Register a check. The order of registration is the order of the table."""

    def register(ask: Callable[[Machine], Told]) -> Callable[[Machine], Told]:
        CHECKS.append(Check(name, needed, ask))
        return ask

    return register
