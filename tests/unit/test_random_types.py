"""All ten types of the SDK are served as the SDK declares them; the tests are generated from its classes."""

import inspect
import types
import typing

import pulumi_random
import pytest
from pulumi import _types

from harness.providers.contract import (
    UNKNOWN,
    Change,
    CheckRequest,
    CreateRequest,
    DiffRequest,
    ReadRequest,
    Secret,
    UpdateRequest,
)
from harness.providers.random import RandomPackage
from harness.providers.random.kinds import KINDS

CLASSES = sorted(
    (one for one in vars(pulumi_random).values() if inspect.isclass(one) and one.__name__.startswith("Random")),
    key=lambda one: one.__name__,
)
RESOURCES = [one for one in CLASSES if not one.__name__.endswith("Args")]
SAMPLES = {"length": 12, "byteLength": 4, "min": -3, "max": 3, "inputs": ["a", "b"]}
SECRET = {"RandomPassword": {"result", "bcryptHash"}, "RandomBytes": {"base64", "hex"}}


def _token(cls):
    name = cls.__name__
    return f"random:index/{name[0].lower()}{name[1:]}:{name}"


def _arguments(cls):
    """Pulumi's names of a class's arguments, and which of them are required."""
    args = getattr(pulumi_random, f"{cls.__name__}Args")
    names = _types.input_type_py_to_pulumi_names(args)
    parameters = inspect.signature(args.__init__).parameters
    return set(names.values()), {names[p.name] for p in parameters.values() if p.name in names and p.default is p.empty}


def _certain_outputs(cls):
    """Pulumi's names of the outputs that the class declares never to be None."""
    certain = set()
    for name, pulumi_name in _properties(cls):
        [inner] = typing.get_args(typing.get_type_hints(getattr(cls, name).fget)["return"])
        if types.NoneType not in typing.get_args(inner):
            certain.add(pulumi_name)
    return certain


def _properties(cls):
    return [
        (name, getattr(member.fget, "_pulumi_name", name))
        for name, member in vars(cls).items()
        if isinstance(member, property)
    ]


def _inputs(cls, **more):
    _, required = _arguments(cls)
    return {**{name: SAMPLES[name] for name in required}, **more}


def _plain(outputs):
    return {name: value.value if isinstance(value, Secret) else value for name, value in outputs.items()}


@pytest.fixture
def provider():
    """A provider instance."""
    return RandomPackage().configure({})


def _create(provider, token, inputs, *, preview=False):
    checked = provider.check(CheckRequest("urn", token, "n", inputs, {}, b""))
    assert checked.failures == ()
    return checked.inputs, provider.create(CreateRequest("urn", token, "n", checked.inputs, preview=preview))


def _diff(provider, token, state, old, new):
    return provider.diff(DiffRequest("urn", token, state.id, old, _plain(state.outputs), new)).changes


def test_exactly_the_sdks_types_are_served():
    """A type that the SDK gains or loses shows here."""
    assert set(KINDS) == {_token(cls) for cls in RESOURCES}
    assert len(KINDS) == 10


@pytest.mark.parametrize("cls", RESOURCES, ids=lambda cls: cls.__name__)
def test_arguments_are_the_sdks(cls):
    """Every argument of the SDK is known, the required ones are required, and no other is accepted."""
    known, required = _arguments(cls)
    assert set(KINDS[_token(cls)].arguments) == known
    assert {name for name, argument in KINDS[_token(cls)].arguments.items() if argument.required} == required


@pytest.mark.parametrize("cls", RESOURCES, ids=lambda cls: cls.__name__)
def test_life_of_a_value(cls, provider):
    """Create gives what the SDK declares, nothing differs afterwards, and other keepers replace it."""
    token = _token(cls)
    inputs, state = _create(provider, token, _inputs(cls, keepers={"a": "1"}))
    assert state.id
    declared = {pulumi_name for _, pulumi_name in _properties(cls)}
    assert _certain_outputs(cls) <= set(state.outputs) <= declared
    assert {name for name, value in state.outputs.items() if isinstance(value, Secret)} == SECRET.get(
        cls.__name__, set()
    )
    assert _diff(provider, token, state, inputs, inputs) == {}
    assert _diff(provider, token, state, inputs, {**inputs, "keepers": {"a": "2"}}) == {
        "keepers": Change.UPDATE_REPLACE
    }
    without = {name: value for name, value in inputs.items() if name != "keepers"}
    assert _diff(provider, token, state, inputs, without) == {"keepers": Change.DELETE_REPLACE}
    read = provider.read(ReadRequest("urn", token, state.id, inputs, _plain(state.outputs)))
    assert (read.id, read.outputs, read.inputs) == (state.id, state.outputs, inputs)


@pytest.mark.parametrize("cls", RESOURCES, ids=lambda cls: cls.__name__)
def test_no_value_comes_twice(cls, provider):
    """Two resources with the same arguments differ, in anything that may differ."""
    more = {"max": 10**9} if cls is pulumi_random.RandomInteger else {}
    if cls is pulumi_random.RandomShuffle:
        more = {"inputs": [str(number) for number in range(100)]}
    if cls is pulumi_random.RandomPet:
        more = {"length": 6}
    first, second = (_create(provider, _token(cls), _inputs(cls, **more))[1] for _ in range(2))
    assert (first.id, _plain(first.outputs)) != (second.id, _plain(second.outputs))


@pytest.mark.parametrize("cls", RESOURCES, ids=lambda cls: cls.__name__)
def test_preview_draws_nothing(cls, provider):
    """A preview has no id, knows the arguments, and says of everything else that it is unknown."""
    inputs, state = _create(provider, _token(cls), _inputs(cls, keepers={"a": UNKNOWN}), preview=True)
    assert state.id == ""
    computed = {name for name, value in state.outputs.items() if value is UNKNOWN}
    assert computed == set(KINDS[_token(cls)].computed)
    assert inputs.items() <= state.outputs.items()


@pytest.mark.parametrize("cls", RESOURCES, ids=lambda cls: cls.__name__)
def test_an_unknown_argument_is_refused_by_name(cls, provider):
    """A misspelt argument is named, with the nearest one there is."""
    request = CheckRequest("urn", _token(cls), "n", _inputs(cls, keeperz={"a": "1"}), {}, b"")
    [failure] = provider.check(request).failures
    assert failure.property == "keeperz"
    assert failure.reason.endswith("did you mean keepers?")


@pytest.mark.parametrize("cls", [cls for cls in RESOURCES if _arguments(cls)[1]], ids=lambda cls: cls.__name__)
def test_a_missing_argument_is_named(cls, provider):
    """Whoever leaves out a required argument is told which."""
    failures = provider.check(CheckRequest("urn", _token(cls), "n", {}, {}, b"")).failures
    assert {failure.property for failure in failures} == _arguments(cls)[1]


@pytest.mark.parametrize("cls", RESOURCES, ids=lambda cls: cls.__name__)
def test_writing_down_a_default_changes_nothing(cls, provider):
    """The same said explicitly is no difference, and taking it over leaves the value alone."""
    token = _token(cls)
    inputs, state = _create(provider, token, _inputs(cls))
    defaults = {n: a.default for n, a in KINDS[token].arguments.items() if a.default is not None}
    explicit = {**inputs, **defaults}
    assert _diff(provider, token, state, inputs, explicit) == {}
    updated = provider.update(UpdateRequest("urn", token, state.id, inputs, _plain(state.outputs), explicit))
    assert (updated.id, updated.outputs) == (state.id, state.outputs)
