"""`[[stage]]` and `[[prerequisite]]` tables in; what goes up first, and what must be there before, out."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from harness.model import WHOLE, Prerequisite, Stage
from harness.plan.naming import SUFFIX_KEY

_TABLE = ConfigDict(frozen=True, extra="forbid")
_NAME = r"^[a-z][a-z0-9-]*$"
_CALLED = r"^[A-Za-z0-9/_+=.@-]{1,512}$"  # CreateSecret's own rule


def as_text(value: object) -> object:
    """Pulumi's configuration is text: numbers and booleans are written as Pulumi would."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


class StageTable(BaseModel):
    """`[[stage]]`: a part of the program that goes up before the whole does, in the order of the file."""

    model_config = _TABLE

    name: str = Field(pattern=_NAME, description="lower-case letters, digits and hyphens")
    config: dict[str, str] = Field(
        default_factory=dict, description="KEY = text, number or boolean, set for this stage only"
    )
    run: tuple[str, ...] = Field(default=(), description='a command after it and its arguments: ["./push.sh", "now"]')

    @field_validator("config", mode="before")
    @classmethod
    def _scalars_as_text(cls, value: object) -> object:
        return {key: as_text(entry) for key, entry in value.items()} if isinstance(value, dict) else value

    @field_validator("name")
    @classmethod
    def _not_the_whole(cls, value: str) -> str:
        if value == WHOLE:
            raise ValueError(f"{WHOLE!r} is the name of what goes up after all stages")
        return value

    @field_validator("config")
    @classmethod
    def _one_cell(cls, value: dict[str, str]) -> dict[str, str]:
        """All that is made carries one suffix, in one region: by these it is asked about."""
        fixed = [key for key in value if key == "aws:region" or key.rpartition(":")[2] == SUFFIX_KEY]
        if fixed:
            raise ValueError(f"{fixed[0]} is the same in every stage: it cannot be set for one")
        return value

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.config:
            raise ValueError("a stage without `config` would be the whole program")
        return self

    def stage(self, project: str) -> Stage:
        """With the project as the namespace of keys that have none."""
        config = {key if ":" in key else f"{project}:{key}": value for key, value in self.config.items()}
        return Stage(name=self.name, config=config, run=self.run)


class PrerequisiteTable(BaseModel):
    """`[[prerequisite]]`: what must be there before the program, and is not the stack's."""

    model_config = _TABLE

    kind: Literal["secret"] = Field(description="secret (of AWS Secrets Manager)")
    name: str = Field(pattern=_CALLED, description="its name; letters, digits and /_+=.@-")
    fields: tuple[str, ...] = Field(default=(), description="names in its JSON; without any it is plain text")
    purpose: str = Field(default="", description="what it is for")

    def prerequisite(self) -> Prerequisite:
        """As the plan holds it."""
        return Prerequisite(name=self.name, fields=self.fields, purpose=self.purpose)
