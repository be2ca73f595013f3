"""Random values have the form that pulumi-random documents, and values from outside can be imported."""

import base64
import re
import string
import uuid

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.providers.contract import CheckRequest, CreateRequest, ProviderError, ReadRequest, Secret
from harness.providers.random import RandomPackage

PROVIDER = RandomPackage().configure({})


def _token(name):
    return f"random:index/random{name}:Random{name}"


def _check(name, inputs):
    return PROVIDER.check(CheckRequest("urn", _token(name), "n", inputs, {}, b""))


def _create(name, **inputs):
    checked = _check(name, inputs)
    assert checked.failures == ()
    state = PROVIDER.create(CreateRequest("urn", _token(name), "n", checked.inputs))
    return state.id, {n: v.value if isinstance(v, Secret) else v for n, v in state.outputs.items()}


def _import(name, id):  # noqa: A002 - Pulumi's word
    state = PROVIDER.read(ReadRequest("urn", _token(name), id, {}, {}))
    return state.id, {n: v.value if isinstance(v, Secret) else v for n, v in state.outputs.items()}, state.inputs


def _reasons(name, **inputs):
    return {failure.property: failure.reason for failure in _check(name, inputs).failures}


@given(st.fixed_dictionaries({n: st.integers(0, 5) for n in ("minLower", "minUpper", "minNumeric", "minSpecial")}))
def test_minima_are_kept(minima):
    """A string has at least as many of each kind as asked, and exactly the length asked."""
    _, outputs = _create("String", length=20, overrideSpecial="_~", **minima)
    result = outputs["result"]
    assert len(result) == 20
    kinds = {
        "minLower": string.ascii_lowercase,
        "minUpper": string.ascii_uppercase,
        "minNumeric": string.digits,
        "minSpecial": "_~",
    }
    for name, characters in kinds.items():
        assert sum(one in characters for one in result) >= minima[name]


@pytest.mark.parametrize(
    ("inputs", "allowed"),
    [
        ({"special": False}, string.ascii_letters + string.digits),
        ({"special": False, "upper": False, "numeric": False}, string.ascii_lowercase),
        ({"special": False, "lower": False, "number": False}, string.ascii_uppercase),
        ({"upper": False, "lower": False, "numeric": False}, "!@#$%&*()-_=+[]{}<>:?"),
        ({"upper": False, "lower": False, "numeric": False, "overrideSpecial": "äß"}, "äß"),
    ],
)
def test_only_allowed_characters(inputs, allowed):
    """Switched-off kinds never appear, and every allowed character can."""
    _, outputs = _create("Password", length=3000, **inputs)
    assert set(outputs["result"]) == set(allowed)
    assert outputs["number"] == outputs["numeric"]


def test_password_hash():
    """The hash is a real bcrypt hash of the password, of its first 72 bytes when it is longer; the id tells nothing."""
    for length in (16, 100):
        id_, outputs = _create("Password", length=length)
        assert id_ == "none"
        assert bcrypt.checkpw(outputs["result"].encode()[:72], outputs["bcryptHash"].encode())
        other = b"y" if outputs["result"][0] == "x" else b"x"
        assert not bcrypt.checkpw(other + outputs["result"].encode()[1:72], outputs["bcryptHash"].encode())


def test_contradicting_arguments_are_refused():
    """What cannot be fulfilled is said before anything is drawn."""
    assert "which are 4" in _reasons("String", length=3, minUpper=4)["length"]
    flags = {"special": False, "upper": False, "lower": False}
    assert "must be true" in _reasons("String", length=3, **flags, numeric=False)["special"]
    assert "must be true" in _reasons("String", length=3, **flags, number=False)["special"]
    assert "contradict" in _reasons("String", length=3, number=True, numeric=False)["number"]
    assert "greater than max" in _reasons("Integer", min=2, max=1)["min"]
    assert "at least 1" in _reasons("Pet", length=0)["length"]
    assert "at least 1" in _reasons("Bytes", length=0)["length"]


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("Password", {"length": "twelve"}),
        ("Password", {"length": 1.5}),
        ("Password", {"length": True}),
        ("Password", {"length": 5, "special": "yes"}),
        ("Pet", {"prefix": ["a"]}),
        ("Pet", {"keepers": "a"}),
        ("Shuffle", {"inputs": "abc"}),
    ],
)
def test_malformed_arguments_are_refused(name, inputs):
    """An argument of the wrong kind is named with what it must be."""
    [(failed, reason)] = _reasons(name, **inputs).items()
    assert failed in inputs
    assert reason.startswith("it must be")


def test_text_that_stands_for_a_number_is_one():
    """Stack configuration is text: "5" is 5, "false" is false, and a number among keepers is text."""
    assert _check("String", {"length": "5", "special": "false", "keepers": {"a": 1, "b": True}}).inputs == {
        "length": 5,
        "special": False,
        "keepers": {"a": "1", "b": "true"},
    }


def test_id_in_all_its_notations():
    """All notations of an id are the same bytes, each with the prefix; the id itself has none."""
    id_, outputs = _create("Id", byteLength=5, prefix="p-")
    raw = bytes.fromhex(outputs["hex"].removeprefix("p-"))
    assert len(raw) == 5
    assert outputs["b64Std"] == "p-" + base64.b64encode(raw).decode()
    assert outputs["b64Url"] == "p-" + id_ == "p-" + base64.urlsafe_b64encode(raw).decode().rstrip("=")
    assert outputs["dec"] == f"p-{int.from_bytes(raw, 'big')}"


def test_bytes_in_both_notations():
    """Both notations are the same bytes, and the id, which is not secret, shows none of them."""
    id_, outputs = _create("Bytes", length=9)
    assert base64.b64decode(outputs["base64"]) == bytes.fromhex(outputs["hex"])
    assert len(outputs["hex"]) == 18
    assert id_ == "none"


def test_integers_reach_both_ends():
    """The range includes its ends."""
    assert {_create("Integer", min=-1, max=1)[1]["result"] for _ in range(200)} == {-1, 0, 1}
    assert _create("Integer", min=7, max=7) == ("7", {"min": 7, "max": 7, "result": 7})


@pytest.mark.parametrize(
    ("name", "inputs"),
    [("Integer", {"min": 0, "max": 10**9}), ("Shuffle", {"inputs": [str(n) for n in range(50)]})],
)
def test_a_seed_decides(name, inputs):
    """The same seed gives the same value, another seed another."""
    one, same, other = (_create(name, seed=seed, **inputs)[1] for seed in ("a", "a", "b"))
    computed = "result" if name == "Integer" else "results"
    assert one[computed] == same[computed] != other[computed]


def test_shuffle_counts():
    """Fewer than there are leaves some out, more repeats evenly, and nothing comes of nothing."""
    assert sorted(_create("Shuffle", inputs=["a", "b", "c"])[1]["results"]) == ["a", "b", "c"]
    assert len(set(_create("Shuffle", inputs=["a", "b", "c"], resultCount=2)[1]["results"])) == 2
    seven = _create("Shuffle", inputs=["a", "b", "c"], resultCount=7)[1]["results"]
    assert sorted(seven[:3]) == sorted(seven[3:6]) == ["a", "b", "c"]
    assert len(seven) == 7
    assert _create("Shuffle", inputs=[], resultCount=3)[1]["results"] == []


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_pets(length):
    """A pet's name has the words, the separator and the prefix asked for, and the id is the name."""
    id_, outputs = _create("Pet", length=length, separator="_", prefix="my")
    assert re.fullmatch(rf"my(_[a-z]+){{{length}}}", id_)
    assert "result" not in outputs
    assert re.fullmatch(r"[a-z]+-[a-z]+", _create("Pet")[0])


def test_uuids():
    """Each type gives UUIDs of its version; those of version 7 are in order of time."""
    assert uuid.UUID(_create("Uuid")[0]).version == 4
    assert uuid.UUID(_create("Uuid4")[0]).version == 4
    first = uuid.UUID(_create("Uuid7")[0])
    assert (first.int >> 76 & 0xF, first.variant) == (7, uuid.RFC_4122)
    later = uuid.UUID(_create("Uuid7")[0])
    assert first.int >> 80 <= later.int >> 80


def test_imports():
    """What the documentation says can be imported comes in with the arguments that would have made it."""
    assert _import("Integer", "15390,1,50000")[1:] == (
        {"min": 1, "max": 50000, "result": 15390},
        {"min": 1, "max": 50000},
    )
    assert _import("Integer", "2,1,3,a,b")[2]["seed"] == "a,b"
    id_, outputs, inputs = _import("Id", "my-prefix-,p-9hUg")
    assert (id_, outputs["b64Url"], inputs) == ("p-9hUg", "my-prefix-p-9hUg", {"byteLength": 4, "prefix": "my-prefix-"})
    assert _import("Bytes", "8/fu3q+2DcgSJ19i0jZ5Cw==")[2] == {"length": 16}
    assert _import("String", "hello")[:2][0] == "hello"
    assert _import("Password", "hunter2")[1]["result"] == "hunter2"
    assert _import("Password", "hunter2")[0] == "none"
    assert _import("Uuid4", "7E4436DA-7c71-486e-a57c-830b25fff7bd")[0] == "7e4436da-7c71-486e-a57c-830b25fff7bd"
    assert _import("Uuid7", "0197ad85-fe6e-7e92-a2f5-7550daa83030")[1]["result"].startswith("0197ad85")


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("Pet", "open-otter"),
        ("Shuffle", "-"),
        ("Integer", "1"),
        ("Integer", "9,1,3"),
        ("Id", "!!!!"),
        ("Bytes", "not base64"),
        ("Uuid", "nonsense"),
        ("Uuid7", "7e4436da-7c71-486e-a57c-830b25fff7bd"),
    ],
)
def test_imports_that_cannot_be(name, id_):
    """An id that does not tell the value is refused with a reason."""
    with pytest.raises(ProviderError, match="cannot be imported"):
        _import(name, id_)


def test_a_secret_is_not_in_the_error():
    """A value that was to be imported as a secret is not repeated in the error."""
    with pytest.raises(ProviderError) as caught:
        _import("Bytes", "s3cret!")
    assert "s3cret" not in str(caught.value)


def test_what_there_is_not():
    """Unknown types, functions and configuration keys are named."""
    package = RandomPackage()
    with pytest.raises(ProviderError, match=r"no type random:index/randomFish:RandomFish; use --provider official"):
        PROVIDER.check(CheckRequest("urn", _token("Fish"), "n", {}, {}, b""))
    with pytest.raises(ProviderError, match="no function random:index/get:get"):
        PROVIDER.invoke("random:index/get:get", {})
    assert [failure.property for failure in package.check_config({"region": "x"}).failures] == ["region"]
    assert package.diff_config({}, {}).changes == {}
