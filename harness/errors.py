"""The exception tree: everything that a user can cause or mend ends up as one of these.

::

    HarnessError                every one carries a hint and an exit code
    ├─ UsageError               what was asked for cannot be done as asked            exit 2
    │  ├─ ConfigError           a setting, flag or file is malformed
    │  ├─ ProgramError          the directory is not a Pulumi Python program that we can run
    │  └─ SuffixError           the environment suffix breaks a rule
    ├─ WorldError               something outside the harness is missing or broken    exit 2
    │  ├─ EngineError           no Pulumi engine could be found, installed or started
    │  ├─ EmulatorError         the embedded emulator could not be installed or started
    │  ├─ TargetError           the target does not answer, or may not be touched
    │  └─ HomeError             HARNESS_HOME cannot be written, or its database is locked
    └─ RunError                 a phase of a cell failed                              exit 1
"""

from __future__ import annotations

import enum
from typing import ClassVar


class ExitCode(enum.IntEnum):
    """What the process returns. Of several cells the worst decides: 3, then 130, 1, 2, 0."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    LEAKED = 3
    INTERRUPTED = 130


class HarnessError(Exception):
    """What happened, to what (`message`), and what to do about it (`hint`)."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(HarnessError):
    """What was asked for cannot be done as asked; nothing was made."""

    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """A setting, flag or file is malformed."""


class ProgramError(UsageError):
    """The directory is not a Pulumi Python program that we can run."""


class SuffixError(UsageError):
    """The environment suffix breaks a rule."""


class WorldError(HarnessError):
    """Something outside the harness is missing or broken; nothing was made."""

    exit_code = ExitCode.USAGE


class EngineError(WorldError):
    """No Pulumi engine could be found, installed or started."""


class EmulatorError(WorldError):
    """The embedded emulator could not be installed or started."""


class TargetError(WorldError):
    """The target does not answer, or may not be touched."""


class HomeError(WorldError):
    """HARNESS_HOME cannot be written, or its database is locked."""


class RunError(HarnessError):
    """A phase of a cell failed."""
