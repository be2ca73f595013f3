"""What the engine sends arrives as the contract says, and what a package answers arrives at the engine unharmed."""

import math

import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from harness.providers import wire
from harness.providers.contract import UNKNOWN, Archive, Asset, Secret

_texts = st.text().filter(lambda text: text not in wire.UNKNOWNS)
_names = st.text().filter(lambda name: name != wire.SIGNATURE)
_scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer()),
    _texts,
    st.just(UNKNOWN),
)
_values = st.recursive(
    _scalars, lambda inner: st.lists(st.none() | inner, max_size=4) | st.dictionaries(_names, inner, max_size=4)
)


def _struct(document):
    struct = struct_pb2.Struct()
    json_format.ParseDict(document, struct)
    return struct


@given(st.dictionaries(_names, _values, max_size=4))
def test_values_survive_the_wire(props):
    """Encoding and decoding gives back the same values, types included."""
    back = wire.decode(wire.encode(props))
    assert back == props
    assert repr(back) == repr(props) or _sorted(back) == _sorted(props)


def _sorted(value):
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else (type(value), value)


def test_numbers_without_fraction_are_ints():
    """The wire has doubles only; a whole one is an int, and a boolean stays a boolean."""
    assert wire.decode(_struct({"a": 3.0, "b": 3.5, "c": True})) == {"a": 3, "b": 3.5, "c": True}
    assert type(wire.decode(_struct({"a": 3.0}))["a"]) is int
    assert type(wire.decode(wire.encode({"c": True}))["c"]) is bool


@pytest.mark.parametrize("sentinel", sorted(wire.UNKNOWNS))
def test_every_kind_of_unknown_is_recognised(sentinel):
    """Unknowns of every type the engine has arrive as UNKNOWN, also deep inside."""
    assert wire.decode(_struct({"a": [{"b": sentinel}]})) == {"a": [{"b": UNKNOWN}]}


def test_an_unknown_is_sent_as_the_engines_own_sentinel():
    """What preview cannot know leaves as a string the engine recognises."""
    assert wire.encode({"a": UNKNOWN})["a"] in wire.UNKNOWNS


def test_secrets_leave_wrapped_and_arrive_bare():
    """A secret output carries the engine's mark; a secret in a configuration is read as its value."""
    sent = wire.encode({"a": Secret({"b": 1}), "c": [Secret(None)]})
    assert json_format.MessageToDict(sent) == {
        "a": {wire.SIGNATURE: wire.SECRET, "value": {"b": 1.0}},
        "c": [{wire.SIGNATURE: wire.SECRET, "value": None}],
    }
    assert wire.decode(sent) == {"a": {"b": 1}, "c": [None]}


def test_nulls_of_objects_are_absent():
    """An argument that was not given is not there, whichever way the SDK sent it; in a list its place is kept."""
    assert wire.decode(_struct({"a": None, "b": {"c": None}, "d": [None, 1]})) == {"b": {}, "d": [None, 1]}
    assert json_format.MessageToDict(wire.encode({"a": None, "b": {"c": None}})) == {"b": {}}


def test_assets_and_archives_survive_the_wire():
    """Assets and archives, nested ones too, come back as they were."""
    props = {
        "a": Asset(text="", sha256="11"),
        "b": Archive(assets={"x": Asset(path="/p"), "y": Archive(uri="u")}, sha256="22"),
    }
    assert wire.decode(wire.encode(props)) == props


def test_marked_outputs_and_resources_are_read_as_values():
    """An output without a value is unknown; a resource is its id, or its URN if it has none yet."""
    sig = wire.SIGNATURE
    document = {
        "known": {sig: wire.OUTPUT, "value": 1, "secret": True},
        "unknown": {sig: wire.OUTPUT},
        "resource": {sig: wire.RESOURCE, "urn": "urn:x", "id": "i-1"},
        "component": {sig: wire.RESOURCE, "urn": "urn:x", "id": ""},
    }
    expected = {"known": 1, "unknown": UNKNOWN, "resource": "i-1", "component": "urn:x"}
    assert wire.decode(_struct(document)) == expected


def test_what_cannot_be_sent_is_named():
    """A value of a foreign type is refused by its type's name instead of being sent as its repr."""
    with pytest.raises(TypeError, match="complex"):
        wire.encode({"a": [1j]})


def test_infinity_is_a_float():
    """A number that is no integer at all does not break the reading."""
    struct = struct_pb2.Struct()
    struct.fields["a"].number_value = math.inf
    assert wire.decode(struct) == {"a": math.inf}
