"""A decorated function in, a rule out; and what such a function is shown of one resource.

The policy pack imports this in every preview: nothing but the standard library, and little of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

Level: TypeAlias = Literal["mandatory", "advisory", "disabled"]


class Unknown:
    """The one value that preview cannot know yet. No rule may take it for a violation."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


def param(default: Any, words: str, *, least: int | None = None, most: int | None = None) -> Any:
    """Declare a parameter: its default, what `harness.toml` may say for it, and its bounds (both inclusive)."""
    return field(default=default, metadata={"words": words, "least": least, "most": most})


@dataclass(frozen=True)
class Params:
    """What every rule can be told. A rule with more extends it; fields are text, int, bool, Literal or tuple[str, ...].

    A dataclass, because importing pydantic would cost the pack as much as all else of ours: the settings make a
    pydantic model of it, and the pack a JSON schema.
    """

    exempt: tuple[str, ...] = param((), "glob patterns of resource names or types that the rule leaves alone")


@dataclass(frozen=True)
class StackFacts:
    """What the pack knows beside the resource: whose stack it is, and how it is configured."""

    suffix: str | None = None
    """None: neither ENVIRONMENT_SUFFIX nor the configuration `environmentSuffix` is set."""
    config: Mapping[str, str] = field(default_factory=dict)
    secret_keys: frozenset[str] = frozenset()
    """The keys of `config` whose values are secret."""
    sources: Path | None = None
    """The program's directory, when it is known."""


@dataclass(frozen=True)
class Resource:
    """One resource as the program declares it, completed by its provider's Check."""

    type: str
    name: str
    """The logical name, from the URN."""
    props: Mapping[str, Any]
    """Plain values, with UNKNOWN where preview cannot know; whether they are secret is in `secret`."""
    urn: str = ""
    protect: bool = False
    provider: Mapping[str, Any] | None = None
    """What the provider that serves it was configured with."""
    secret: frozenset[str] = frozenset()
    """Paths (`environment.variables.KEY`) of the values that Pulumi keeps as secrets."""
    stack: StackFacts = StackFacts()

    def get(self, path: str) -> Any:
        """The value at a dotted path; None when absent, UNKNOWN when it or something above it is."""
        value: Any = self.props
        for key in path.split("."):
            if not isinstance(value, Mapping):
                return value if value is UNKNOWN else None
            value = value.get(key)
        return value


Check: TypeAlias = Callable[[Resource, Any], Iterator[str]]
"""Yields the cause of each violation, for a person: what is wrong with which property. Never a secret value."""
P = TypeVar("P", bound=Params)


@dataclass(frozen=True)
class Rule:
    """One rule: data, and one function."""

    name: str
    description: str
    remedy: str
    level: Level
    """Unless the program's settings say otherwise."""
    params: type[Params]
    on_naming: bool
    """Whether it is about names or tags, and so a matter of taste where a program has no harness.toml."""
    check: Check

    def violations(self, resource: Resource, params: Params) -> list[str]:
        """Causes; none for a resource that is exempt."""
        if is_exempt(resource.name, resource.type, params):
            return []
        return list(self.check(resource, params))


def is_exempt(name: str, type_token: str, params: Params) -> bool:
    """Whether the rule's settings leave this resource alone."""
    return any(fnmatchcase(name, glob) or fnmatchcase(type_token, glob) for glob in params.exempt)


_declared: dict[str, Rule] = {}


def rule(
    name: str,
    *,
    description: str,
    remedy: str,
    level: Level = "mandatory",
    params: type[P] = Params,  # type: ignore[assignment]  # mypy gives a TypeVar no default
    on_naming: bool = False,
) -> Callable[[Callable[[Resource, P], Iterator[str]]], Rule]:
    """Declare a rule. Its function takes a Resource and the rule's own Params, and yields causes."""

    def decorate(function: Callable[[Resource, P], Iterator[str]]) -> Rule:
        if name in _declared:
            raise ValueError(f"there is a rule {name!r} already")
        made = Rule(name, description, remedy, level, params, on_naming, function)
        _declared[name] = made
        return made

    return decorate


def declared() -> dict[str, Rule]:
    """Every rule that was imported so far."""
    return _declared


def make_params(which: Rule, given: Mapping[str, Any]) -> Params:
    """Parameters from JSON, where every number is a float and every sequence a list; defaults for what is absent.

    Raises:
        ValueError: the rule has no such parameter.
    """
    known = {one.name: one for one in fields(which.params)}
    if unknown := sorted(set(given) - set(known)):
        raise ValueError(f"rule {which.name} has no parameter {unknown[0]!r}; it has: {', '.join(known)}")
    return which.params(**{name: _as_declared(known[name].default, value) for name, value in given.items()})


def _as_declared(default: Any, value: Any) -> Any:
    if isinstance(default, tuple):
        return tuple(value)
    return int(value) if isinstance(default, int) and isinstance(value, float) else value


def json_schema(params: type[Params]) -> dict[str, dict[str, Any]]:
    """The parameters as JSON schema, by which the engine checks `--policy-pack-config`."""
    return {one.name: _schema(one.default, one.type, one.metadata) for one in fields(params)}


def _schema(default: Any, annotation: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": metadata["words"], "default": default}
    if isinstance(default, tuple):
        return schema | {"type": "array", "items": {"type": "string"}, "default": list(default)}
    if isinstance(default, bool):
        return schema | {"type": "boolean"}
    if isinstance(default, int):
        bounds = {"minimum": metadata["least"], "maximum": metadata["most"]}
        return schema | {"type": "integer"} | {key: bound for key, bound in bounds.items() if bound is not None}
    return schema | {"type": "string"} | choices(annotation)


def choices(annotation: Any) -> dict[str, list[str]]:
    """`{"enum": [...]}` of a Literal, which is text here: annotations are not evaluated."""
    text = str(annotation)
    if not text.startswith("Literal["):
        return {}
    return {"enum": [one.strip().strip("\"'") for one in text.removeprefix("Literal[").rstrip("]").split(",")]}
