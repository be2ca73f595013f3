"""Events of a recheck become changes: which resource, which property, before and after; and never a secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import Change
from harness.run.changes import UNKNOWN, Changes

QUEUE = "aws:sqs/queue:Queue"
URN = f"urn:pulumi:s::p::{QUEUE}::queue"
MARK = "4dabf18193072939515e22adb298388d"  # as the engine writes a secret into its event log
SECRET = {MARK: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}

NAMES = st.text("abcdef", min_size=1, max_size=4)
SCALARS = st.one_of(st.booleans(), st.integers(), st.text("xyz", max_size=5))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)


def planned(op: str, before: dict, after: dict | None, names: list[str] | None, **more: Any) -> dict:
    """A step of a second preview; `names` as in the engine's diff."""
    step = {"op": op, "urn": URN, "type": QUEUE, "old": {"inputs": before}, "new": {"inputs": after}, **more}
    if after is None:
        step["new"] = None
    step["diffs"] = names
    return {"resourcePreEvent": {"metadata": step}}


def refreshed(op: str, before: dict, after: dict | None, names: list[str] = (), inputs: Any = None) -> dict:
    """A step of a refresh; the program has set everything, unless `inputs` says what."""
    step = {"op": op, "urn": URN, "type": QUEUE, "detailedDiff": {name: {} for name in names}}
    step["old"] = {"inputs": before if inputs is None else inputs, "outputs": before}
    step["new"] = None if after is None else {"outputs": after}
    return {"resOutputsEvent": {"metadata": step}}


def second(*events: dict, ignore: tuple[str, ...] = ()) -> tuple[Change, ...]:
    """What the events of a preview come to."""
    changes = Changes(ignore)
    for event in events:
        changes.planned(event)
    return changes.found


def drift(*events: dict, ignore: tuple[str, ...] = ()) -> tuple[Change, ...]:
    """What the events of a refresh come to."""
    changes = Changes(ignore)
    for event in events:
        changes.refreshed(event)
    return changes.found


def told(found: tuple[Change, ...]) -> list[tuple[str, str, str]]:
    """Properties of the one change."""
    [change] = found
    return [(one.property, one.before, one.after) for one in change.properties]


@pytest.mark.parametrize("op", ["same", "read", "discard-replaced", "remove-pending-replace"])
def test_a_step_that_does_nothing_is_no_change(op: str) -> None:
    """Nor is what the engine keeps for itself, or what is no step at all."""
    stack = planned("update", {"a": 1}, {"a": 2}, ["a"], type="pulumi:pulumi:Stack")
    assert second(planned(op, {}, {}, None), stack, {"diagnosticEvent": {"message": "x"}}) == ()
    assert drift(refreshed("same", {"a": 1}, {"a": 1}), {"summaryEvent": {}}) == ()


def test_what_a_program_ignores_of_one_resource_is_drift_of_its_namesake() -> None:
    """`app` is a service and a load balancer at once in many programs; only one of them ignores its tags."""
    namesake = URN.replace(QUEUE, "aws:sns/topic:Topic")
    event = refreshed("update", {"tags": {"a": "1"}, "size": 1}, {"tags": {"a": "2"}, "size": 1})
    for ignoring, found in ((URN, 0), (namesake, 1)):
        changes = Changes((), {ignoring: ["tags"]})
        changes.refreshed(event)
        assert len(changes.found) == found


@pytest.mark.parametrize("op", ["create", "delete", "update"])
def test_a_step_without_named_properties_counts_all_the_same(op: str) -> None:
    """A new or a vanished resource has none, and a provider may tell none."""
    [change] = second(planned(op, {"a": 1}, {"a": 1}, None))
    assert (change.urn, change.type, change.op, change.properties) == (URN, QUEUE, op, ())


@pytest.mark.parametrize("first", [True, False])
def test_a_replacement_is_one_change_with_its_properties(first: bool) -> None:
    """The engine tells it in three steps, of which the last (or the first) knows no property."""
    steps = [planned(op, {"name": "a"}, {"name": "b"}, ["name"]) for op in ("create-replacement", "replace")]
    rest = planned("delete-replaced", {"name": "a"}, None, None)
    found = second(*([rest, *steps] if first else [*steps, rest]))
    assert [change.op for change in found] == ["replace"]
    assert told(found) == [("name", "a", "b")]
    assert second(*steps, rest, ignore=("queue.name",)) == ()


def test_a_resource_that_is_gone_is_named() -> None:
    """It has no properties to compare."""
    [change] = drift(refreshed("delete", {"a": 1}, None))
    assert (change.urn, change.op, change.properties) == (URN, "delete", ())


def test_only_what_the_program_has_set_can_drift() -> None:
    """Counters and times that the service keeps are its own; unless the engine itself calls it a difference."""
    before, after = {"set": 1, "seen": "10:00"}, {"set": 1, "seen": "10:05"}
    assert drift(refreshed("update", before, after, inputs={"set": 1})) == ()
    assert told(drift(refreshed("update", before, after, ["seen"], inputs={"set": 1}))) == [("seen", "10:00", "10:05")]


@pytest.mark.parametrize("empty", [None, {}, []])
def test_nothing_in_another_guise_is_no_drift(empty: Any) -> None:
    """The program says `tags={}`, and the target tells of no tags."""
    assert drift(refreshed("update", {"tags": {}}, {"tags": empty})) == ()
    assert told(drift(refreshed("update", {"tags": empty}, {"tags": {"a": "b"}}, inputs={"tags": {}})))


def test_the_innermost_place_is_named() -> None:
    """Maps and lists of the same length are looked into; a list that grew is shown whole; what is unknown says so."""
    before = {"rules": [{"port": 1, "to": "x"}, {"port": 2}], "zones": ["a"], "arn": "arn:1", "size": 1}
    after = {"rules": [{"port": 1, "to": "y"}, {"port": 2}], "zones": ["a", "b"], "arn": UNKNOWN, "size": 2}
    assert told(second(planned("update", before, after, ["rules[0].to", "zones", "arn", "size"]))) == [
        ("arn", "arn:1", "(known after up)"),
        ("rules[0].to", "x", "y"),
        ("size", "1", "2"),
        ("zones", '["a"]', '["a", "b"]'),
    ]


def test_tags_are_told_once() -> None:
    """`tagsAll` says the same again; by itself it is told."""
    before, after = {"tags": {"a": "1"}, "tagsAll": {"a": "1"}}, {"tags": {"a": "2"}, "tagsAll": {"a": "2"}}
    assert told(second(planned("update", before, after, ["tags", "tagsAll"]))) == [("tags.a", "1", "2")]
    assert told(second(planned("update", before, after, ["tagsAll"]))) == [("tagsAll.a", "1", "2")]


@pytest.mark.parametrize("name", ["tags.word", "tags"])
def test_a_secret_that_changed_is_named_and_not_shown(name: str) -> None:
    """Its values are not in the events: only the engine's diff says that it changed."""
    before, after = {"tags": {"word": SECRET, "plain": "1"}}, {"tags": {"word": SECRET, "plain": "1"}}
    [(path, *values)] = told(second(planned("update", before, after, [name])))
    assert path == name
    assert all("[secret]" in value and MARK not in value for value in values)
    both = told(
        second(planned("update", before, {"tags": {"word": SECRET, "plain": "2"}}, ["tags.word", "tags.plain"]))
    )
    assert sorted(both) == [("tags.plain", "1", "2"), ("tags.word", "[secret]", "[secret]")]


@given(plain=VALUES, beside=SCALARS)
def test_a_secret_that_reads_back_in_plain_text_is_neither_drift_nor_shown(plain: Any, beside: Any) -> None:
    """The state keeps it as a secret, and the target answers with the value."""
    before = {"word": SECRET, "more": {"inner": SECRET, "beside": beside}}
    after = {"word": "hunter22", "more": {"inner": ["hunter22", plain], "beside": beside}}
    assert drift(refreshed("update", before, after)) == ()
    before |= {"size": 1, "list": [SECRET]}
    after |= {"size": 2, "list": ["hunter22", "hunter22"]}
    shown = told(drift(refreshed("update", before, after, ["word", "more", "list", "size"])))
    assert "hunter22" not in json.dumps(shown)
    assert ("size", "1", "2") in shown


@pytest.mark.parametrize("name", ["masterPassword", "auth_token", "API-Secret", "privateKey", "tlsPassphrase"])
def test_what_sounds_like_a_secret_is_not_shown(name: str) -> None:
    """Nobody marked it; neither as a property, nor anywhere inside of one that is shown whole."""
    for before, after in (
        ({name: "old-word"}, {name: "new-word"}),
        ({"env": {name: "old-word"}}, {"env": {name: "new-word"}}),
        ({"env": [{"a": {name: "old-word"}}]}, {"env": [{"a": {name: "new-word"}}, {name: "new-word"}]}),
        ({"env": None}, {"env": {"inner": {name: ["new-word"]}}}),
    ):
        shown = told(second(planned("update", before, after, list(after))))
        assert shown
        assert "word" not in json.dumps(shown).replace(name, "")
        assert "[secret]" in json.dumps(shown)


def test_what_only_begins_alike_is_shown() -> None:
    """`private` alone is no secret: subnets and DNS are called so."""
    found = second(planned("update", {"privateDnsEnabled": True}, {"privateDnsEnabled": False}, ["privateDnsEnabled"]))
    assert told(found) == [("privateDnsEnabled", "true", "false")]


def test_a_long_value_is_cut() -> None:
    """A policy document of a page does not fill the report."""
    [(_, before, after)] = told(second(planned("update", {"policy": "x" * 500}, {"policy": "y" * 120}, ["policy"])))
    assert (len(before), before[-1]) == (120, "…")
    assert after == "y" * 120


@pytest.mark.parametrize(
    "glob",
    [
        "queue.rules[0].ports[1]",
        "queue.rules[0]",
        "queue.rules",
        "queue.*",
        "queue",
        "*.rules*",
        "queue.rules[?].ports[1]",
        f"{QUEUE}.rules",
        "aws:sqs/*.rules[0].ports",
    ],
)
def test_a_glob_excuses_a_property_and_what_is_below(glob: str) -> None:
    """By the resource's name or its type, as the report writes it; a place in a list is no character class."""
    events = planned("update", {"rules": [{"ports": [1, 2]}]}, {"rules": [{"ports": [1, 3]}]}, ["rules"])
    assert told(second(events)) == [("rules[0].ports[1]", "2", "3")]
    assert second(events, ignore=("other.*", glob)) == ()


@pytest.mark.parametrize("glob", ["rules", "queue.rule", "Queue.rules", "queue.rules[1]", "queue2.rules", ""])
def test_a_glob_excuses_nothing_else(glob: str) -> None:
    """Neither another resource, nor a property whose name only begins alike, nor a whole step by the way."""
    events = planned("update", {"rules": [1], "b": 1}, {"rules": [2], "b": 2}, ["rules", "b"])
    assert len(told(second(events, ignore=(glob,)))) == 2
    assert told(second(events, ignore=("queue.rules",))) == [("b", "1", "2")]
    assert len(second(planned("create", {}, {"rules": [1]}, None), ignore=("queue.rules",))) == 1


@given(value=st.dictionaries(NAMES, VALUES, max_size=4))
def test_what_reads_the_same_is_no_drift(value: dict) -> None:
    """Whatever it holds, at any depth."""
    assert drift(refreshed("update", value, json.loads(json.dumps(value)))) == ()


@given(value=st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), data=st.data())
def test_one_leaf_that_differs_is_the_one_that_is_named(value: dict, data: st.DataObject) -> None:
    """Any leaf at any depth: exactly its path, and its two values."""
    after = json.loads(json.dumps(value))
    path, holder, key = data.draw(st.sampled_from(list(_leaves("", after)) or [("", None, None)]))
    if holder is None:  # empty maps and lists only
        return
    was, holder[key] = holder[key], "other value"
    shown = was if isinstance(was, str) else json.dumps(was)
    assert told(drift(refreshed("update", value, after))) == [(path, shown, "other value")]
    assert told(second(planned("update", value, after, [path.partition(".")[0].partition("[")[0]]))) == [
        (path, shown, "other value")
    ]


def _leaves(path: str, holder: Any) -> Any:
    for key in holder if isinstance(holder, dict) else range(len(holder)):
        place = f"{path}[{key}]" if isinstance(holder, list) else f"{path}.{key}".lstrip(".")
        if isinstance(holder[key], dict | list):
            yield from _leaves(place, holder[key])
        else:
            yield place, holder, key
