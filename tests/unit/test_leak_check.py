"""The verdict of the leak check: an answer that is missing is no proof, whoever was to give it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from harness.model import PhaseName, PhaseResult, PhaseStatus, ResourceRef
from harness.providers.journal import Intent, Journal
from harness.run.estate import Estate
from harness.run.leak_check import check_leaks
from harness.run.leaks import Remains, Survey
from harness.run.ledger import Known, Ledger
from harness.run.record import PhaseError
from harness.world.checkpoint import Checkpoint, StateResource

DECLARED, UNDECLARED = "aws:s3/bucket:Bucket", "aws:gamelift/fleet:Fleet"
QUEUE = "aws:sqs/queue:Queue"
DYNAMIC = "pulumi-python:dynamic:Resource"


class Silent:
    """An estate of which one thing could not be asked about."""

    endpoint = None

    def __init__(
        self, type_: str, *, proved: bool, answered: bool = False, others: tuple[ResourceRef, ...] = ()
    ) -> None:
        self.ledger = Ledger("us-east-1")
        self.engine_proved = proved
        self.all_answered = answered
        self.left_to_others = others
        self._known = Known(type_, "it", "us-east-1")

    def learn(self) -> None: ...
    def search(self, _types: Any) -> None: ...
    def await_lost(self) -> None: ...
    def keep_remnants(self, _remains: Any) -> None: ...

    def survey(self, _known: Any) -> Survey:
        return Survey((), ((self._known, "AccessDenied"),) if self._known.type else ())

    def remains(self, _known: Any, **_flags: bool) -> Remains:
        return Remains((), ())


def record(provider: str) -> Any:
    """What a cell of that provider would record."""
    return SimpleNamespace(spec=SimpleNamespace(provider=provider, run="r-1"), unverified=(), leaked=(), lasting=())


@pytest.mark.parametrize(
    ("provider", "type_", "proved"),
    [
        ("bundled", DECLARED, True),
        ("bundled", UNDECLARED, True),
        ("official", DECLARED, True),
        ("official", DECLARED, False),
        ("official", UNDECLARED, False),
    ],
)
def test_what_could_not_be_asked_about_is_not_gone(provider: str, type_: str, proved: bool) -> None:
    """Denied, throttled, expired: it stays in doubt, with the official provider as well."""
    kept = record(provider)
    with pytest.raises(PhaseError, match="could not be asked about"):
        check_leaks(Silent(type_, proved=proved), kept)
    assert [one.id for one in kept.unverified] == ["it"]


def test_only_what_nobody_can_ask_about_may_be_vouched_for() -> None:
    """A type without a declaration, of which the official plugin has said that it deleted it: told, and no leak."""
    kept = record("official")
    check_leaks(Silent(UNDECLARED, proved=True), kept)
    assert [one.type for one in kept.unverified] == [UNDECLARED]


@pytest.mark.parametrize(
    ("provider", "answered", "leaks"), [("bundled", False, False), ("official", True, False), ("official", False, True)]
)
def test_somebodys_key_that_refuses_makes_no_leak_of_a_run_that_was_answered(
    provider: str, answered: bool, leaks: bool
) -> None:
    """What was made is known by name then; after an `up` that failed, without a journal, it might be ours."""
    silent, kept = Silent("", proved=True, answered=answered), record(provider)
    silent.ledger.add_found([], searched=(), region="us-east-1", unseen={DECLARED: "k: AccessDenied"})
    if leaks:
        with pytest.raises(PhaseError, match="k: AccessDenied"):
            check_leaks(silent, kept)
    else:
        check_leaks(silent, kept)
    assert [one.type for one in kept.unverified] == ([DECLARED] if leaks else [])


@pytest.mark.parametrize("provider", ["bundled", "official"])
def test_what_a_program_makes_by_its_own_provider_is_not_forgotten(provider: str) -> None:
    """A dynamic resource that is still in the state: nobody else can say whether it is gone."""
    others = (ResourceRef(type=DYNAMIC, id="it"),)
    with pytest.raises(PhaseError, match="could not be asked about"):
        check_leaks(Silent("", proved=True, others=others), record(provider))


def estate(
    checkpoint: Checkpoint,
    *,
    destroyed: bool,
    whole_run: bool = False,
    asked: list[Any] | None = None,
    target: str = "emulator",
    clock: Callable[[], float] = lambda: 0.0,
    ups: tuple[str, ...] = (),
    provider: str = "bundled",
    listed: list[Any] | None = None,
) -> Estate:
    """One with this state and outcome; `asked` gets the tags of searches, `listed` what no index will do for."""
    status = PhaseStatus.PASSED if destroyed else PhaseStatus.FAILED
    phases = [PhaseResult(phase=PhaseName.UP, status=PhaseStatus(up), seconds=1) for up in ups]
    phases.append(PhaseResult(phase=PhaseName.DESTROY, status=status, seconds=1))
    cell = SimpleNamespace(region="us-east-1", stack="shop-abc")
    spec = SimpleNamespace(url=None, cell=cell, run="r-1", whole_run=whole_run, target=target, provider=provider)

    def search(_region: str, _types: Any, tags: Any, *, thorough: Any, **_limits: Any) -> Any:
        if asked is not None:
            asked.append(dict(tags))
        if listed is not None:
            listed.append(list(thorough))
        return SimpleNamespace(found=[], searched=[], failed={}, unseen={})

    world = SimpleNamespace(
        stack=SimpleNamespace(checkpoint=lambda: checkpoint),
        files=SimpleNamespace(read_foreign=set),
        provider=lambda: SimpleNamespace(search=search),
    )
    shield = SimpleNamespace(remaining=1.0, stop=lambda: None)
    return Estate(world, SimpleNamespace(spec=spec, phases=phases), shield, clock)  # type: ignore[arg-type]


def held(type_: str) -> StateResource:
    """A resource of the state."""
    return StateResource(urn="u", type=type_, id="it", region=None, outputs={})


@pytest.mark.parametrize(
    ("ups", "answered"), [((), False), (("passed",), True), (("failed",), False), (("interrupted",), False)]
)
def test_every_create_was_answered_only_when_up_says_so(ups: tuple[str, ...], answered: bool) -> None:
    """A recovery has not seen the `up` of another process."""
    assert estate(Checkpoint(), destroyed=True, ups=ups).all_answered is answered


@pytest.mark.parametrize(
    ("provider", "up", "damaged", "lost", "listed"),
    [
        ("bundled", "failed", False, (), []),
        ("bundled", "failed", False, (DECLARED,), [DECLARED]),
        ("bundled", "passed", True, (), [DECLARED, QUEUE]),
        ("official", "passed", False, (), []),
        ("official", "failed", False, (), [DECLARED, QUEUE]),
    ],
)
def test_an_index_of_tags_will_do_only_for_what_every_create_was_answered_of(
    provider: str, up: str, damaged: bool, lost: tuple[str, ...], listed: list[str]
) -> None:
    """It may not know yet what the last ones made."""
    got: list[Any] = []
    one = estate(Checkpoint(), destroyed=True, ups=(up,), provider=provider, listed=got)
    intents = tuple(Intent(seq=1, urn="u", type=type_, name="n", region="us-east-1", id=None, time=0) for type_ in lost)
    one.ledger.add_journal(Journal(intents=intents, made=(), refused=frozenset()))
    one.ledger.incomplete = damaged
    one.search({DECLARED, QUEUE})
    assert [name for name in got[0] if name in {DECLARED, QUEUE}] == sorted(listed)


def test_the_engines_word_counts_only_when_it_destroyed_all() -> None:
    """A destroy that failed, a state that is lost, damaged or not empty, proves nothing."""
    empty = Checkpoint(exists=True)
    assert estate(empty, destroyed=True).engine_proved
    for state, destroyed in (
        (empty, False),
        (Checkpoint(), True),
        (Checkpoint(exists=True, damaged=True), True),
        (Checkpoint(exists=True, resources=(held(DECLARED),)), True),
        (Checkpoint(exists=True, pending=(held(DECLARED),)), True),
    ):
        assert not estate(state, destroyed=destroyed).engine_proved


def test_dynamic_resources_of_the_state_are_named() -> None:
    """Made, or cut off while they were."""
    state = Checkpoint(exists=True, resources=(held(DYNAMIC), held(DECLARED)), pending=(held(DYNAMIC),))
    assert [one.type for one in estate(state, destroyed=False).left_to_others] == [DYNAMIC, DYNAMIC]


@pytest.mark.parametrize("whole_run", [False, True])
def test_other_cells_of_the_run_are_not_ours(whole_run: bool) -> None:
    """On AWS they are in the same account: only a sweep of what has no lease searches for the run's tag alone."""
    asked: list[Any] = []
    estate(Checkpoint(), destroyed=True, whole_run=whole_run, asked=asked).search({DECLARED})
    run = {"harness:run": "r-1"}
    assert asked == [run if whole_run else run | {"harness:stack": "shop-abc"}]


def test_what_a_program_took_over_from_the_account_is_not_ours() -> None:
    """The default VPC is asked about by nobody, and deleted by nobody."""
    ledger = Ledger("us-east-1")
    ledger.add_state(Checkpoint(exists=True, resources=(held("aws:ec2/defaultVpc:DefaultVpc"), held(DECLARED))))
    assert [one.type for one in ledger.known] == [DECLARED]


@pytest.mark.parametrize(("target", "searches"), [("aws", 12), ("emulator", 0)])
def test_a_lost_create_is_looked_for_until_aws_would_show_it(monkeypatch, target: str, searches: int) -> None:
    """Not seen at once is not gone: AWS lists what it made some time later. An emulator needs no wait."""
    moment = [1000.0]
    asked: list[Any] = []
    waiting = estate(Checkpoint(), destroyed=True, asked=asked, target=target, clock=lambda: moment[0])
    monkeypatch.setattr(waiting, "pause", lambda seconds: moment.__setitem__(0, moment[0] + seconds))
    begun = Intent(seq=1, urn="u", type=DECLARED, name="n", region="us-east-1", id=None, time=1000.0)
    waiting.ledger.add_journal(Journal(intents=(begun,), made=(), refused=frozenset()))
    waiting.await_lost()
    assert len(asked) == searches
    assert moment[0] == (1120.0 if searches else 1000.0)
