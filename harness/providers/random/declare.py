"""What a random type is made of: its arguments, what it computes from them, and how a value from outside is adopted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.providers.contract import CheckFailure, Props

Shape: TypeAlias = Literal["integer", "boolean", "string", "strings", "map"]


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. A default other than None also becomes an output."""

    shape: Shape
    required: bool = False
    default: Any = None
    least: int | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """Something generated: the resource's id and its computed outputs."""

    id: str
    computed: Props


@dataclass(frozen=True, slots=True)
class Adopted:
    """Something from outside: the arguments that would have made it, and what it is."""

    inputs: Props
    value: Value


@dataclass(frozen=True, slots=True)
class Kind:
    """One random type. Every change of an argument replaces the resource, as all of them decide the value."""

    token: str
    arguments: Mapping[str, Argument]
    computed: tuple[str, ...]
    make: Callable[[Props], Value]
    """Arguments with defaults filled in -> a fresh value."""
    secret: frozenset[str] = frozenset()
    problems: Callable[[Props], Iterable[CheckFailure]] | None = None
    """Known arguments with defaults filled in -> what contradicts itself."""
    adopt: Callable[[str], Adopted] | None = None
    """The id given to an import -> what it stands for; ValueError when it cannot be read."""
