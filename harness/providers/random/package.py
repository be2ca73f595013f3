"""Requests of the engine in, random values out: the `random` package at the contract's door."""

from __future__ import annotations

import importlib.metadata
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.providers.contract import (
    UNKNOWN,
    Change,
    Checked,
    CheckFailure,
    Diff,
    ProviderError,
    ResourceState,
    Secret,
)
from harness.providers.random.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.providers.contract import (
        CheckRequest,
        CreateRequest,
        DeleteRequest,
        DiffRequest,
        Props,
        Provider,
        ReadRequest,
        UpdateRequest,
    )
    from harness.providers.random.declare import Kind, Value


class RandomPackage:
    """The package; it has no configuration."""

    name = "random"

    def __init__(self) -> None:
        self.version = importlib.metadata.version("pulumi-random")

    def check_config(self, inputs: Props) -> Checked:
        """Refuse every key: there is none."""
        return Checked(inputs, tuple(CheckFailure(name, "the random provider has no configuration") for name in inputs))

    def diff_config(self, old: Props, new: Props) -> Diff:  # noqa: ARG002 - nothing in it matters
        """Replace nothing."""
        return Diff()

    def configure(self, config: Props) -> Provider:  # noqa: ARG002 - nothing in it matters
        """A provider instance."""
        return RandomProvider()


class RandomProvider:
    """Makes values. It holds nothing: what it made lives in the state alone."""

    def check(self, request: CheckRequest) -> Checked:
        """Refuse unknown and malformed arguments; text that stands for a number or a boolean becomes one."""
        kind = _kind(request.type)
        inputs: Props = {}
        failures: list[CheckFailure] = []
        for name, given in request.inputs.items():
            try:
                inputs[name] = _shaped(kind, name, given)
            except ValueError as error:
                failures.append(CheckFailure(name, str(error)))
        failures += [
            CheckFailure(name, f"{request.type.rpartition(':')[2]} needs the argument {name}")
            for name, argument in kind.arguments.items()
            if argument.required and name not in request.inputs
        ]
        failures += _one_numeric(inputs)
        if not failures and kind.problems is not None:
            failures += kind.problems(_effective(kind, inputs))
        return Checked(inputs if not failures else request.inputs, tuple(failures))

    def diff(self, request: DiffRequest) -> Diff:
        """Compare what the arguments mean, so that writing down a default changes nothing."""
        kind = _kind(request.type)
        old, new = _effective(kind, request.old_inputs), _effective(kind, request.inputs)
        changes = {
            name: _change(name in request.old_inputs, name in request.inputs)
            for name in kind.arguments
            if old.get(name) != new.get(name)
        }
        return Diff(changes)

    def create(self, request: CreateRequest) -> ResourceState:
        """Draw a value."""
        kind = _kind(request.type)
        inputs = _effective(kind, request.inputs)
        if request.preview:
            return ResourceState("", {**inputs, **dict.fromkeys(kind.computed, UNKNOWN)})
        return _state(kind, inputs, kind.make(inputs))

    def read(self, request: ReadRequest) -> ResourceState | None:
        """Return the state as it is, or adopt the value that an import names."""
        kind = _kind(request.type)
        if all(name in request.outputs for name in kind.computed) and (request.outputs or request.inputs):
            marked = {name: Secret(value) if name in kind.secret else value for name, value in request.outputs.items()}
            return ResourceState(request.id, marked, request.inputs)
        if kind.adopt is None:
            raise ProviderError(f"{request.type} cannot be imported: its id does not tell its arguments")
        try:
            adopted = kind.adopt(request.id)
        except ValueError as error:
            shown = "the given id" if kind.secret else repr(request.id)
            raise ProviderError(f"{shown} cannot be imported as {request.type}: {error}") from None
        state = _state(kind, _effective(kind, adopted.inputs), adopted.value)
        return ResourceState(state.id, state.outputs, adopted.inputs)

    def update(self, request: UpdateRequest) -> ResourceState:
        """Take over arguments that say the same in other words; everything else replaces."""
        kind = _kind(request.type)
        computed = {name: request.old_outputs[name] for name in kind.computed if name in request.old_outputs}
        marked = {name: Secret(value) if name in kind.secret else value for name, value in computed.items()}
        return ResourceState(request.id, {**_effective(kind, request.inputs), **marked})

    def delete(self, request: DeleteRequest) -> None:
        """Nothing to do: it existed in the state alone."""

    def invoke(self, token: str, args: Props) -> Props | tuple[CheckFailure, ...]:  # noqa: ARG002 - there are none
        """Refuse: the package has no functions."""
        raise ProviderError(f"the random provider has no function {token}")

    def cancel(self) -> None:
        """Nothing to do: nothing here takes long."""


def _kind(token: str) -> Kind:
    try:
        return KINDS[token]
    except KeyError:
        raise ProviderError(f"the bundled random provider has no type {token}; use --provider official") from None


def _state(kind: Kind, inputs: Props, value: Value) -> ResourceState:
    marked = {name: Secret(given) if name in kind.secret else given for name, given in value.computed.items()}
    return ResourceState(value.id, {**inputs, **marked})


def _effective(kind: Kind, inputs: Mapping[str, Any]) -> Props:
    """Fill in defaults; `number` is the old name of `numeric`."""
    defaults = {name: argument.default for name, argument in kind.arguments.items() if argument.default is not None}
    known = {name: value for name, value in inputs.items() if name in kind.arguments}
    if "numeric" in kind.arguments:
        for name, other in (("numeric", "number"), ("number", "numeric")):
            if name in inputs and other not in inputs:
                known[other] = inputs[name]
    return {**defaults, **known}


def _one_numeric(inputs: Props) -> Iterable[CheckFailure]:
    if "number" in inputs and "numeric" in inputs and inputs["number"] != inputs["numeric"]:
        yield CheckFailure("number", "number is the old name of numeric, and they contradict each other")


def _change(before: bool, after: bool) -> Change:
    if before and after:
        return Change.UPDATE_REPLACE
    return Change.ADD_REPLACE if after else Change.DELETE_REPLACE


def _shaped(kind: Kind, name: str, given: Any) -> Any:
    """Value in the shape of its argument; ValueError says what is wrong with it."""
    argument = kind.arguments.get(name)
    if argument is None:
        near = get_close_matches(name, kind.arguments, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(kind.arguments))}"
        raise ValueError(f"{kind.token.rpartition(':')[2]} has no argument {name}; {hint}")
    if given is UNKNOWN:
        return given
    value = _SHAPES[argument.shape](given)
    if argument.least is not None and value < argument.least:
        raise ValueError(f"it must be at least {argument.least}, not {value}")
    return value


def _integer(given: Any) -> int:
    if isinstance(given, str):
        try:
            return int(given)
        except ValueError:
            raise ValueError(f"it must be a whole number, not {given!r}") from None
    if isinstance(given, bool) or not isinstance(given, int):
        raise ValueError(f"it must be a whole number, not {given!r}")  # noqa: TRY004 - one type for every bad value
    return given


def _boolean(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    if given in ("true", "false"):
        return bool(given == "true")
    raise ValueError(f"it must be true or false, not {given!r}")


def _string(given: Any) -> str:
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, str | int | float):
        return str(given)
    raise ValueError(f"it must be a string, not a {type(given).__name__}")


def _strings(given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise ValueError(f"it must be a list of strings, not a {type(given).__name__}")  # noqa: TRY004 - as above
    return [item if item is UNKNOWN else _string(item) for item in given]


def _map(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ValueError(f"it must be a map of strings, not a {type(given).__name__}")  # noqa: TRY004 - as above
    return {name: item if item is UNKNOWN else _string(item) for name, item in given.items()}


_SHAPES: Mapping[str, Any] = {
    "integer": _integer,
    "boolean": _boolean,
    "string": _string,
    "strings": _strings,
    "map": _map,
}
