"""What the engine's events say becomes counts, timings and failures."""

import json
from pathlib import Path

from harness.model import PhaseName, Program
from harness.run.failure import explain_failure
from harness.run.timeline import EventLog, Timeline

URN = "urn:pulumi:s::p::aws:ec2/vpc:Vpc::main"


def step(op: str, urn: str = URN, type_token: str = "aws:ec2/vpc:Vpc", custom: bool = True) -> dict:
    """The metadata of a step."""
    return {"metadata": {"op": op, "urn": urn, "type": type_token, "new": {"custom": custom}}}


def timeline(*events: dict) -> Timeline:
    """A timeline whose clock ticks once a look."""
    ticks = iter(range(1000))
    result = Timeline(lambda: float(next(ticks)))
    for event in events:
        result.take(event)
    return result


def diagnostic(message: str, urn: str = "", severity: str = "error") -> dict:
    """Something that the engine says."""
    return {"diagnosticEvent": {"message": message, "severity": severity, "urn": urn}}


def program() -> Program:
    """Any program."""
    return Program(name="shop", directory=Path("/x"), main=Path("/x"))


def test_a_create_is_counted_and_timed() -> None:
    """From the pre event to the outputs event."""
    seen = timeline({"resourcePreEvent": step("create")}, {"resOutputsEvent": step("create")})
    assert (seen.planned, seen.created, seen.done) == (1, 1, 1)
    [timing] = seen.timings
    assert (timing.urn, timing.op, timing.seconds, timing.failed) == (URN, "create", 1.0, False)


def test_what_is_let_go_of_is_not_counted_as_deleted() -> None:
    """`retain_on_delete`: the engine drops it from the state, and it is there still."""
    for retained in (False, True):
        old = {"custom": True, **({"retainOnDelete": True} if retained else {})}
        event = {"metadata": {"op": "delete", "urn": URN, "type": "aws:ec2/vpc:Vpc", "old": old, "new": None}}
        seen = timeline({"resourcePreEvent": event}, {"resOutputsEvent": event})
        assert (seen.deleted, seen.let_go, seen.done) == (0 if retained else 1, 1 if retained else 0, 1)


def test_a_failed_create_is_no_created_resource() -> None:
    """It is a failure, with its time."""
    seen = timeline({"resourcePreEvent": step("create")}, {"resOpFailedEvent": step("create")})
    assert seen.created == 0
    assert seen.failures[0].urn == URN
    assert seen.timings[0].failed


def test_components_stack_and_providers_are_not_resources() -> None:
    """Nothing at the target stands behind them."""
    for type_token, custom in (("pulumi:pulumi:Stack", False), ("pulumi:providers:aws", True), ("my:mod:Net", False)):
        metadata = step("create", "urn:pulumi:s::p::x::y", type_token, custom)
        seen = timeline({"resourcePreEvent": metadata}, {"resOutputsEvent": metadata})
        assert (seen.planned, seen.created, seen.timings) == (0, 0, [])


def test_what_is_in_flight_is_listed_longest_first() -> None:
    """A hang is told by name."""
    other = URN.replace("main", "other")
    seen = timeline({"resourcePreEvent": step("create")}, {"resourcePreEvent": step("create", other)})
    assert [urn for urn, _ in seen.in_flight] == [URN, other]


def test_a_half_written_event_waits_for_its_rest(tmp_path: Path) -> None:
    """The engine writes while we read."""
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    assert list(log.events()) == []
    line = json.dumps({"sequence": 1})
    path.write_text(line + "\n" + line[:5])
    assert list(log.events()) == [{"sequence": 1}]
    with path.open("a") as file:
        file.write(line[5:] + "\n")
    assert list(log.events()) == [{"sequence": 1}]


def test_the_first_error_is_the_cause_and_the_engines_epilogue_is_not() -> None:
    """`update failed` says nothing."""
    seen = timeline(diagnostic("update failed", URN), diagnostic("VpcLimitExceeded: too many", URN))
    failure = explain_failure(PhaseName.UP, seen, "", program())
    assert failure.message == "aws:ec2/vpc:Vpc 'main': VpcLimitExceeded: too many"


def test_a_missing_configuration_value_is_told_with_the_flag_that_gives_it() -> None:
    """Not with a command of another tool."""
    text = "Missing required configuration variable 'shop:size'\n\tplease set a value using `pulumi config set`"
    failure = explain_failure(PhaseName.PREFLIGHT, timeline(diagnostic(text)), "", program())
    assert "'size'" in failure.message
    assert "--config size=VALUE" in failure.hint


def test_without_any_event_the_engines_own_words_are_told() -> None:
    """An engine that fails before it logs is not silent."""
    failure = explain_failure(PhaseName.UP, timeline(), "\n code: 255\n stdout: \n stderr: error: no disk", program())
    assert "no disk" in failure.message
