"""What a kind of declared probe is: `@kind` on a function and the model of its keys in, one `Kind` by name out.

A new kind is one model and one function in one file of `harness/probes/kinds`; documentation, messages, listings and
tests read it from `kinds()`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, TypeAlias, TypeVar, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)

from harness.errors import ConfigError
from harness.plan.settings import parse_duration
from harness.probes import kinds as _room
from harness.probes import notation
from harness.probes.context import ProbeContext
from harness.probes.model import DEFAULT_SECONDS, Evidence

_RESOLVED: Final = {"resolved": True}  # pydantic's context once no reference is left: a value may look like one
COMMON: Final = ("kind", "name", "timeout")


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("is not a duration")  # noqa: TRY004 - pydantic tells ValueErrors
    try:
        return parse_duration(str(value), "the text")
    except ConfigError as error:
        raise ValueError(error.message.removeprefix("the text ")) from error


def _one_or_many(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """A single value stands for a list of one; what is wrong with it is told of the key, not of a first entry."""
    if isinstance(value, list):
        return handler(value)
    try:
        return handler([value])
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"]) from error


Seconds: TypeAlias = Annotated[float, BeforeValidator(_seconds)]
Texts: TypeAlias = Annotated[list[str], WrapValidator(_one_or_many)]
Numbers: TypeAlias = Annotated[list[int], WrapValidator(_one_or_many)]


class Keys(BaseModel):
    """The keys that every kind has. A key is written with hyphens where the field has underscores."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-"))

    kind: str = Field(description="what is looked at")
    name: str | None = Field(default=None, description="words for the report; made from kind and subject without it")
    timeout: Seconds = Field(
        default=DEFAULT_SECONDS,
        description="how long it is tried, all attempts together: seconds, or text such as 90s, 15m, 2h",
    )

    @field_validator("*", mode="wrap")
    @classmethod
    def _later(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        """What refers to an output is judged when the output is there."""
        if info.context is None and info.field_name not in COMMON:
            wrong = notation.misspelt(value)
            if wrong:
                raise ValueError(wrong)
            if notation.refers(value):
                return value
        return handler(value)


Look: TypeAlias = Callable[[ProbeContext, Any], Evidence]


@dataclass(frozen=True)
class Kind:
    """One kind: its name in `harness.toml`, the model of its keys, and the function that looks once."""

    name: str
    keys: type[Keys]
    look: Look
    subjects: tuple[str, ...]
    """Fields that say what it looks at, for a default name."""

    @property
    def summary(self) -> str:
        """What must be true for it to pass, in one sentence."""
        return (self.look.__doc__ or "").strip().splitlines()[0]

    def settle(self, table: Mapping[str, Any], outputs: Mapping[str, Any]) -> Keys:
        """The keys with every reference replaced.

        Raises:
            KeyError, TypeError: a reference leads nowhere, or cannot stand where it stands.
            ValueError: an output is not what the key takes. Its value is not told: it may be secret.
        """
        settled = {key: value if key in COMMON else notation.resolved(value, outputs) for key, value in table.items()}
        try:
            return self.keys.model_validate(settled, context=_RESOLVED)
        except ValidationError as error:
            first = error.errors(include_input=False, include_context=False, include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"{key}: {first['msg']}, once its outputs are known") from None

    def title(self, table: Mapping[str, Any]) -> str:
        """A name for the report, from what the table looks at."""
        keys = [name.replace("_", "-") for name in self.subjects]
        subject = ", ".join(notation.shown(table[key]) for key in keys if key in table)
        return f"{self.name} {subject}".strip()


_KINDS: Final[dict[str, Kind]] = {}
KeysT = TypeVar("KeysT", bound=Keys)


def kind(name: str, *subjects: str) -> Callable[[Callable[[ProbeContext, KeysT], Evidence]], Look]:
    """Declare a kind. The second parameter of the function is annotated with the model of its keys."""

    def keep(look: Callable[[ProbeContext, KeysT], Evidence]) -> Look:
        _KINDS[name] = Kind(name, get_type_hints(look)["keys"], look, subjects)
        return look

    return keep


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by name, in the order of the alphabet."""
    for module in pkgutil.iter_modules(_room.__path__, f"{_room.__name__}."):
        importlib.import_module(module.name)
    return dict(sorted(_KINDS.items()))
