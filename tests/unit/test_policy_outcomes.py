"""Engine events become an outcome for each rule and a finding for each violation; nothing unproven passes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.model import Program, RuleLevel, RuleStatus
from harness.policy.outcomes import PolicyEvents
from harness.policy.packs import DeclaredPack, PackRule
from harness.policy.rules import RULES
from harness.policy.settings import PolicySettings, read_policy

URN = "urn:pulumi:dev::shop::aws:s3/bucket:Bucket::data"
THEIRS = DeclaredPack(
    "theirs",
    (
        PackRule("kept", "Kept.", RuleLevel.MANDATORY),
        PackRule("broken", "Broken.", RuleLevel.MANDATORY, "mend it"),
        PackRule("off", "Off.", RuleLevel.DISABLED),
    ),
)


def settings(**rules: Any) -> PolicySettings:
    """Settings of a program with a harness.toml; `_` stands for `-`."""
    table = {"rules": {name.replace("_", "-"): value for name, value in rules.items()}}
    return read_policy(
        Program(name="x", directory=Path("/x"), main=Path("/x"), policy=table, settings_file=Path("/x/harness.toml"))
    )


def violation(rule: str, message: str = "", level: str = "mandatory", pack: str = "harness", urn: str = URN) -> dict:
    """A policy event, in the engine's shape."""
    return {
        "policyEvent": {
            "resourceUrn": urn,
            "message": f"{message}\n",
            "color": "never",
            "policyName": rule,
            "policyPackName": pack,
            "policyPackVersion": "0.1.0",
            "policyPackVersionTag": "0.1.0",
            "enforcementLevel": level,
        }
    }


def summary(pack: str, *, passed: Iterable[str] = (), failed: Iterable[str] = (), stack: bool = False) -> dict:
    """What the engine says of one pack after a resource, or after the stack."""
    kind = "policyAnalyzeStackSummaryEvent" if stack else "policyAnalyzeSummaryEvent"
    return {kind: {"policyPackName": pack, "passed": list(passed), "failed": list(failed)}}


def told(events: Iterable[dict], *, times: int = 1, ours: PolicySettings | None = None, theirs: bool = False):
    """What these events come to."""
    made = PolicyEvents(ours, [THEIRS] if theirs else [])
    for event in [*events] * times:
        made.take(event)
    return made


def message(rule: str, cause: str) -> str:
    """As our pack writes it."""
    return f"{RULES[rule].description}\n{cause}\n{RULES[rule].remedy}"


EVENTS = [
    violation("suffix-in-names", message("suffix-in-names", "`bucket` lacks it")),
    violation("broken", "Broken.\nno good", pack="theirs"),
    violation("backup-retention", message("backup-retention", "too short"), "advisory"),
    summary("theirs", passed=["kept"], failed=["broken"]),
    summary("harness", stack=True),
    summary("theirs", stack=True),
]


def test_every_rule_is_told_of_the_passed_and_disabled_ones_too() -> None:
    """Ours and the user's, with their levels."""
    made = told(EVENTS, ours=settings(kms_rotation="disabled"), theirs=True)
    status = {(one.pack, one.rule): (one.status, one.violations) for one in made.outcomes}
    assert status.pop(("harness", "suffix-in-names")) == (RuleStatus.FAILED, 1)
    assert status.pop(("harness", "backup-retention")) == (RuleStatus.ADVISED, 1)
    assert status.pop(("harness", "kms-rotation")) == (RuleStatus.DISABLED, 0)
    assert status.pop(("theirs", "broken")) == (RuleStatus.FAILED, 1)
    assert status.pop(("theirs", "off")) == (RuleStatus.DISABLED, 0)
    assert set(status.values()) == {(RuleStatus.PASSED, 0)}
    assert set(status) == {("harness", name) for name in RULES if name not in {"suffix-in-names", "kms-rotation"}} - {
        ("harness", "backup-retention")
    } | {("theirs", "kept")}
    assert made.mandatory
    assert made.complete
    levels = {one.rule: one.level for one in made.outcomes}
    assert levels["kept"] is RuleLevel.MANDATORY
    assert all(one.description for one in made.outcomes)


def test_a_finding_says_cause_and_remedy_once_each() -> None:
    """Description and remedy, which the engine's message repeats, are not in the cause."""
    first, second, third = told(EVENTS, ours=settings(), theirs=True).findings
    assert (first.id, first.source, first.severity) == ("suffix-in-names", "harness", "mandatory")
    assert (first.resource, first.urn) == ("Bucket data", URN)
    assert (first.cause, first.remedy) == ("`bucket` lacks it", RULES["suffix-in-names"].remedy)
    assert (second.source, second.cause, second.remedy) == ("theirs", "no good", "mend it")
    assert third.severity == "advisory"  # last, whatever the order of the events


@given(st.permutations(EVENTS), st.integers(1, 3))
def test_order_and_repetition_of_events_change_nothing(events: list[dict], times: int) -> None:
    """Some engines say things twice, and packs are judged side by side."""
    one, other = told(EVENTS, ours=settings(), theirs=True), told(events, times=times, ours=settings(), theirs=True)
    assert one.outcomes == other.outcomes
    assert sorted(one.findings, key=repr) == sorted(other.findings, key=repr)


@given(st.sets(st.sampled_from(range(len(EVENTS)))))
def test_nothing_passes_unless_its_pack_came_to_the_end(left: set[int]) -> None:
    """A pack that died, and a preview that failed, have judged only what came before."""
    kept = [event for index, event in enumerate(EVENTS) if index in left]
    ended = {
        e["policyAnalyzeStackSummaryEvent"]["policyPackName"] for e in kept if "policyAnalyzeStackSummaryEvent" in e
    }
    made = told(kept, ours=settings(), theirs=True)
    assert {one.pack for one in made.outcomes if one.status is RuleStatus.PASSED} == ended
    assert made.complete == (ended == {"harness", "theirs"})
    assert len(made.findings) == sum("policyEvent" in event for event in kept)


def test_a_pack_that_nobody_described_is_known_by_what_the_events_name() -> None:
    """Its stack rules and remediations too."""
    made = told(
        [
            {"policyRemediationEvent": {"policyPackName": "new", "policyName": "mends", "resourceUrn": URN}},
            summary("new", passed=["one"]),
            violation("two", "Says\nno", "advisory", "new"),
            summary("new", passed=["whole"], failed=["stack"], stack=True),
            violation(
                "stack", "the stack is bad", pack="new", urn="urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
            ),
        ]
    )
    assert {one.rule: one.status.value for one in made.outcomes} == {
        "mends": "passed",
        "one": "passed",
        "two": "advised",
        "whole": "passed",
        "stack": "failed",
    }
    assert [one.resource for one in made.findings] == ["Stack shop-dev", "Bucket data"]
    assert made.findings[1].cause == "Says\nno"


def test_what_a_users_rule_could_not_judge_does_not_pass() -> None:
    """The SDK says so in an advisory violation of its own wording."""
    text = "can't run policy 'kept' from policy pack 'theirs@v1' during preview: string value at .bucket can't be known"
    made = told([violation("kept", text, "advisory", "theirs"), summary("theirs", stack=True)], theirs=True)
    [finding] = made.findings
    assert finding.cause == "it could not be judged before `up`: string value at .bucket can't be known"
    assert {one.rule: one.status.value for one in made.outcomes}["kept"] == "advised"
    assert not made.mandatory


def step(urn: str, **new: Any) -> dict:
    """A step of the preview."""
    return {"resourcePreEvent": {"metadata": {"op": "create", "urn": urn, "type": urn.split("::")[2], "new": new}}}


def test_retained_resources_are_found_in_the_engines_steps() -> None:
    """No pack is told of `retainOnDelete`; with the rule's level, and its exceptions."""
    events = [step(URN, retainOnDelete=True), step(URN[:-4] + "else", protect=False), summary("harness", stack=True)]
    made = told(events, ours=settings(), times=2)
    assert [(one.id, one.resource, one.severity) for one in made.findings] == [
        ("protect-or-retain", "Bucket data", "mandatory")
    ]
    assert "retainOnDelete" in made.findings[0].cause
    assert made.mandatory
    for quiet in ("disabled", {"exempt": ["data"]}, {"exempt": ["aws:s3/*"]}):
        assert told(events, ours=settings(protect_or_retain=quiet)).findings == ()
    assert not told(events, ours=settings(protect_or_retain="advisory")).mandatory
    assert told(events).findings == ()  # --no-policy


def test_colours_are_taken_off() -> None:
    """The engine's marks and the terminal's."""
    made = told([violation("x", "<{%fg 3%}>a\x1b[1mb<{%reset%}>", pack="p")])
    assert made.findings[0].cause == "ab"


def test_levels_are_those_of_the_settings() -> None:
    """A rule that was kept is told with the level at which it ran."""
    made = told([summary("harness", stack=True)], ours=settings(backup_retention="mandatory", log_retention="advisory"))
    levels = {one.rule: one.level.value for one in made.outcomes}
    assert (levels["backup-retention"], levels["log-retention"]) == ("mandatory", "advisory")
    assert all(one.status is RuleStatus.PASSED for one in made.outcomes)
    assert [*itertools.islice((one.pack for one in made.outcomes), 1)] == ["harness"]
