"""What a sweep does about a lease, or about what it found by a tag, is a matter of what is seen and what time it is."""

from datetime import UTC, datetime, timedelta

import pytest
from lease_samples import lease

from harness.errors import ConfigError, ExitCode
from harness.model import (
    EXPIRES_TAG,
    RUN_TAG,
    STACK_TAG,
    CellResult,
    CellStatus,
    LeaseState,
    PhaseName,
    PhaseResult,
    PhaseStatus,
)
from harness.providers.contract import Found
from harness.run.leasing import STALE, STALE_ELSEWHERE
from harness.sweep.judge import Seen, judge_lease, judge_orphans
from harness.sweep.model import Action, Item, Outcome, Place, Scope, Sweep, Unasked
from harness.sweep.places import MOST, RECENT, check_scope, places
from harness.world.identity import Alive

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PLACE = Place(target="http://127.0.0.1:1", account="100000000001", region="us-east-1")


def ago(seconds: float) -> datetime:
    """So long before now."""
    return NOW - timedelta(seconds=seconds)


def ended(*phases: tuple[PhaseName, PhaseStatus], status: CellStatus = CellStatus.PASSED) -> CellResult:
    """What a cell said at its end."""
    return CellResult(
        cell="c",
        program="p",
        stack="c",
        suffix="c",
        region="us-east-1",
        account=None,
        status=status,
        phases=tuple(PhaseResult(phase=phase, status=stood, seconds=0) for phase, stood in phases),
    )


CLEAN = ended((PhaseName.UP, PhaseStatus.PASSED), (PhaseName.LEAK_CHECK, PhaseStatus.PASSED))
LEFT = ended((PhaseName.UP, PhaseStatus.PASSED), (PhaseName.LEAK_CHECK, PhaseStatus.FAILED), status=CellStatus.LEAKED)
KEPT = ended((PhaseName.UP, PhaseStatus.FAILED), status=CellStatus.KEPT)
FRESH = {"created": ago(60), "heartbeat": ago(5), "expires": ago(-3600)}


def judged(owner: Alive = Alive.NO, *, scope: Scope | None = None, protects=lambda _: None, **facts) -> Item:
    """A lease of these facts, seen so."""
    sight = {
        name: facts.pop(name)
        for name in ("held", "result", "emulator_gone", "has_state", "out_of_reach", "stopped")
        if name in facts
    }
    seen = Seen(**{"owner": owner, "held": False, "result": None, "emulator_gone": False, "has_state": True, **sight})
    return judge_lease(lease(**{**FRESH, **facts}), seen, NOW, scope or Scope(), protects)


@pytest.mark.parametrize(
    ("owner", "facts", "action"),
    [
        (Alive.YES, {}, Action.NONE),
        (Alive.YES, {"heartbeat": ago(9000), "expires": ago(1)}, Action.NONE),  # the process decides
        (Alive.NO, {}, Action.DESTROY),  # and so it does here: what is dead gives no sign of life
        (Alive.NOT_SEEN, {"heartbeat": ago(STALE - 1)}, Action.NONE),
        (Alive.NOT_SEEN, {"heartbeat": ago(STALE + 1)}, Action.DESTROY),
        (Alive.UNKNOWN, {"heartbeat": ago(STALE_ELSEWHERE - 1)}, Action.NONE),
        (Alive.UNKNOWN, {"heartbeat": ago(STALE_ELSEWHERE + 1)}, Action.DESTROY),
        (Alive.UNKNOWN, {"heartbeat": ago(STALE + 1), "expires": ago(1)}, Action.DESTROY),
        (Alive.UNKNOWN, {"heartbeat": ago(1), "expires": ago(1)}, Action.NONE),
        (Alive.NO, {"held": True}, Action.NONE),  # its cell destroys by itself
        (Alive.NO, {"held": True, "stopped": True}, Action.DESTROY),  # it would never do it
        (Alive.NO, {"result": CLEAN}, Action.CLOSE),
        (Alive.NO, {"result": LEFT}, Action.DESTROY),
        (Alive.NO, {"result": KEPT}, Action.CLOSE),
        (Alive.NO, {"result": KEPT, "expires": ago(1)}, Action.DESTROY),
        (Alive.NO, {"emulator_gone": True}, Action.CLOSE),
        (Alive.NO, {"has_state": False}, Action.DELETE),
        (Alive.NO, {"out_of_reach": True}, Action.NONE),  # this host's port says nothing
        (Alive.NO, {"emulator_gone": True, "out_of_reach": True}, Action.CLOSE),  # a person does
        (Alive.NO, {"state": LeaseState.KEPT}, Action.NONE),
        (Alive.NO, {"state": LeaseState.KEPT, "emulator_gone": True}, Action.CLOSE),
        (Alive.NO, {"state": LeaseState.KEPT, "expires": ago(1)}, Action.DESTROY),
        (Alive.YES, {"state": LeaseState.LEAKED, "reason": "1 leaked"}, Action.DESTROY),
        (Alive.YES, {"state": LeaseState.LEAKED, "held": True}, Action.NONE),
        (Alive.NO, {"state": LeaseState.LEAKED, "result": CLEAN}, Action.DESTROY),  # an earlier cell's
    ],
)
def test_a_lease_is_judged_by_who_works_on_it(owner: Alive, facts: dict, action: Action) -> None:
    """Live, held or kept: left alone. Dead, expired or leaked: ended, in the least way that does."""
    item = judged(owner, **facts)
    assert item.action is action, item.reason
    assert item.reason
    assert not item.blocked


def test_a_cell_that_runs_on_after_it_expired_must_be_looked_at() -> None:
    """It should have ended long ago: a sweep that says that nothing is left would hide it."""
    item = judged(held=True, expires=ago(1))
    assert (item.action, item.blocked) == (Action.NONE, True)
    assert "still runs" in item.reason


def test_a_protected_stack_is_somebody_elses_affair() -> None:
    """It is told, and counts as left, because something should happen and may not."""
    item = judged(protects=lambda stack: "c*" if stack == "c" else None)
    assert (item.action, item.blocked) == (Action.NONE, True)
    assert "'c*'" in item.reason
    assert not judged(Alive.YES, protects=lambda _: "*").blocked


def test_what_is_younger_than_asked_waits() -> None:
    """Whatever its reason."""
    assert judged(scope=Scope(older_than=61)).action is Action.NONE
    assert judged(scope=Scope(older_than=59)).action is Action.DESTROY


def found(*, expires: str | None, stack: str = "s", run: str = "r-9") -> Found:
    """A resource that carries the tags."""
    tags = {RUN_TAG: run, STACK_TAG: stack, EXPIRES_TAG: expires}
    return Found("aws:sqs/queue:Queue", "q", "us-east-1", {key: one for key, one in tags.items() if one is not None})


@pytest.mark.parametrize(
    ("expires", "scope", "finished", "action"),
    [
        ([ago(1)], Scope(), False, Action.DELETE),
        ([ago(-1)], Scope(), False, Action.NONE),
        ([ago(1), ago(-1)], Scope(), False, Action.NONE),  # the last decides
        ([ago(1), None], Scope(), False, Action.NONE),
        ([ago(-1)], Scope(), True, Action.DELETE),
        ([ago(-1)], Scope(run="r-9"), False, Action.DELETE),
        ([None], Scope(run="r-9"), False, Action.DELETE),
        ([ago(-1)], Scope(run="r-8"), False, Action.NONE),
        ([ago(100)], Scope(older_than=101), False, Action.NONE),
        ([ago(100)], Scope(older_than=99), False, Action.DELETE),
    ],
)
def test_what_has_no_lease_here_is_left_until_it_expires(expires: list, scope: Scope, finished, action) -> None:
    """A peer's lease may be in another database; --run, or a lease of ours that is closed, says otherwise."""
    members = [found(expires=None if one is None else one.isoformat()) for one in expires]
    item = judge_orphans(PLACE, "r-9", members, NOW, scope=scope, finished=finished, protects=lambda _: None)
    assert item.action is action, item.reason
    assert item.blocked == (action is Action.NONE and None in expires)


@pytest.mark.parametrize("held", [{"at_work": "process 1 works on it"}, {"leased": {"s"}}])
def test_what_a_live_run_may_have_made_is_no_orphan(held: dict) -> None:
    """Its process is between two cells, or another run has the stack: nothing is deleted, not even by --run."""
    for scope in (Scope(), Scope(run="r-9")):
        members = [found(expires=ago(9).isoformat()), found(expires=ago(9).isoformat(), stack="t")]
        item = judge_orphans(PLACE, "r-9", members, NOW, scope=scope, finished=True, protects=lambda _: None, **held)
        assert (item.action, item.blocked) == (Action.NONE, False)
        assert item.reason


def test_one_protected_stack_protects_what_is_deleted_with_it() -> None:
    """The run's tag is all there is to go by, so nothing of the run goes at that place."""
    members = [found(expires=ago(9).isoformat(), stack=stack) for stack in ("a", "prod-1")]
    protects = lambda stack: "prod*" if stack.startswith("prod") else None  # noqa: E731
    item = judge_orphans(PLACE, "r-9", members, NOW, scope=Scope(run="r-9"), finished=False, protects=protects)
    assert (item.action, item.blocked) == (Action.NONE, True)


def test_places_are_those_of_leases_and_those_that_were_named() -> None:
    """Each once; a place with an open lease matters, one whose lease is closed is looked at for some days."""
    closed = {"state": LeaseState.CLOSED, "created": ago(60)}
    leases = [
        lease(account="1" * 12, created=ago(RECENT.total_seconds() + 60), state=LeaseState.CLOSED),
        lease(account="2" * 12, **closed),
        lease(account="3" * 12, created=ago(60)),
        lease(target="aws", account="4" * 12, region="eu-west-1", **closed),
    ]
    where, left_out = places(leases, Scope(regions=("eu-north-1",)), NOW)
    assert left_out == []
    assert {(place.target, (place.account or "")[:1], place.region, place.named) for place in where} == {
        ("http://127.0.0.1:1", "2", "us-east-1", False),
        ("http://127.0.0.1:1", "3", "us-east-1", True),
        ("aws", "4", "eu-west-1", False),
        *(("http://127.0.0.1:1", one, "eu-north-1", True) for one in "23"),
        ("aws", "4", "eu-north-1", True),
    }
    where, _ = places([], Scope(target="aws", regions=("eu-west-1", "eu-west-2")), NOW)
    assert [(place.target, place.region, place.named) for place in where] == [
        ("aws", "eu-west-1", True),
        ("aws", "eu-west-2", True),
    ]


def test_of_many_accounts_the_newest_are_looked_at() -> None:
    """What is left out is told, and is no failure."""
    leases = [
        lease(account=f"{number:012}", created=ago(9000 - number), state=LeaseState.CLOSED)
        for number in range(MOST + 3)
    ]
    where, left_out = places(leases, Scope(), NOW)
    assert len(where) == MOST
    assert {one.account for one in left_out} == {f"{number:012}" for number in range(3)}
    assert not any(one.matters for one in left_out)


@pytest.mark.parametrize(
    "scope",
    [
        Scope(emulator_gone=True),
        Scope(account="1" * 12),
        Scope(target="http://127.0.0.1:1"),
        Scope(target="aws", account="x"),
    ],
)
def test_a_scope_that_names_no_place_is_refused(scope: Scope) -> None:
    """With a hint."""
    with pytest.raises(ConfigError) as refused:
        check_scope(scope)
    assert refused.value.hint


def test_the_exit_code_says_whether_something_is_left() -> None:
    """0: nothing to do or all done. 3: shown only, left, blocked, or a place that matters could not be asked."""
    facts = {"kind": "lease", "run": "r", "target": "t", "region": "r", "account": None, "reason": "because"}
    due = Item(action=Action.DESTROY, **facts)
    place = {"target": "t", "account": None, "region": "r", "reason": "silence"}

    def code(*items: Item, unasked: tuple[Unasked, ...] = ()) -> ExitCode:
        return Sweep(began=NOW, seconds=0, apply=True, items=items, unasked=unasked).exit_code

    assert code() == code(Item(action=Action.NONE, **facts)) == ExitCode.PASSED
    assert code(due.model_copy(update={"outcome": Outcome.DONE})) == ExitCode.PASSED
    assert code(due) == code(due.model_copy(update={"outcome": Outcome.LEFT})) == ExitCode.LEAKED
    assert code(Item(action=Action.NONE, blocked=True, **facts)) == ExitCode.LEAKED
    assert code(unasked=(Unasked(matters=True, **place),)) == ExitCode.LEAKED
    assert code(unasked=(Unasked(matters=False, **place),)) == ExitCode.PASSED
