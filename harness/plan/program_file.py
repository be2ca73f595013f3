"""A program's `harness.toml` in, its settings out; what is malformed is named with file, key and what is allowed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from harness.errors import ConfigError
from harness.plan.settings import parse_duration
from harness.plan.staged import PrerequisiteTable, StageTable, as_text
from harness.plan.toml_place import refuse_invalid

LimitName = Literal["run", "preflight", "up", "probe", "recheck", "destroy", "resource", "silence"]


def _as_seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("it is not a duration")  # noqa: TRY004 - pydantic's way to hear of it
    try:
        return parse_duration(str(value), "it")
    except ConfigError as error:
        raise ValueError(f"{error.message}; {error.hint}") from error


class ProgramSection(BaseModel):
    """`[program]`: what it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str = ""


class RecheckSection(BaseModel):
    """`[recheck]`: what it lets pass."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ignore: tuple[str, ...] = Field(default=(), description="a list of globs like my-queue.tags.* or TYPE.PROPERTY")


class ProgramFile(BaseModel):
    """`harness.toml` as a whole. Without a file every default counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    program: ProgramSection = ProgramSection()
    config: dict[str, str] = Field(default_factory=dict, description="KEY = text, number or boolean")
    tags: dict[str, str] = Field(default_factory=dict, description="KEY = text")
    # The rooms that know what these hold read them themselves.
    policy: dict[str, Any] = Field(default_factory=dict, description="a table")
    probe: list[dict[str, Any]] = Field(default_factory=list, description="[[probe]] tables")
    recheck: RecheckSection = RecheckSection()
    limits: dict[LimitName, Annotated[float, BeforeValidator(_as_seconds)]] = Field(
        default_factory=dict, description="KEY = seconds, or text like 90s, 15m, 2h"
    )
    stage: list[StageTable] = Field(default_factory=list, description="[[stage]] tables")
    prerequisite: list[PrerequisiteTable] = Field(default_factory=list, description="[[prerequisite]] tables")

    @field_validator("config", mode="before")
    @classmethod
    def _scalars_as_text(cls, value: object) -> object:
        """Pulumi's configuration is text: numbers and booleans are written as Pulumi would."""
        if not isinstance(value, dict):
            return value
        return {key: as_text(entry) for key, entry in value.items()}

    @field_validator("stage", "prerequisite")
    @classmethod
    def _no_twins(cls, value: list[Any]) -> list[Any]:
        names = [one.name for one in value]
        twins = sorted({name for name in names if names.count(name) > 1})
        if twins:
            raise ValueError(f"{twins[0]!r} is there twice")
        return value


def read_program_file(path: Path) -> ProgramFile:
    """Settings of a program. Raises ConfigError naming file and key."""
    if not path.is_file():
        return ProgramFile()
    try:
        return ProgramFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}", hint="check the file and its permissions") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}", hint="mend the TOML in that line") from error
    except ValidationError as error:
        raise refuse_invalid(path, (), ProgramFile, error) from error
