"""What may exist at the target is never forgotten, and never taken for ours without a proof."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import HomeError
from harness.providers.contract import Found, Presence, Search
from harness.providers.journal import Intent, Journal, Made
from harness.run.leaks import as_refs, doubts, remains_of, search_into, survey, unasked
from harness.run.ledger import Known, Ledger
from harness.world.checkpoint import Checkpoint, StateResource, empty_stack, read_checkpoint, state_file
from harness.world.files import CellFiles
from harness.world.provider import Remnant

BUCKET = "aws:s3/bucket:Bucket"
QUEUE = "aws:sqs/queue:Queue"


def intent(seq: int, id_: str | None, type_: str = BUCKET) -> Intent:
    """A create that was begun."""
    return Intent(seq=seq, urn=f"urn:{seq}", type=type_, name="n", region="eu-west-1", id=id_, time=0)


def state(id_: str, type_: str = BUCKET, **values) -> StateResource:
    """A resource of the state."""
    return StateResource(urn="urn", type=type_, id=id_, region=None, outputs=values)


class Target:
    """Stands in for the provider process: answers what it is told to."""

    def __init__(
        self, answers: dict[str, Presence], *, failed=None, unseen=None, said="seen", remnants=(), tagged=False
    ) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []
        self.failed = failed or {}
        self.unseen = unseen or {}
        self.said = said
        self.remnants = remnants
        self.tagged = tagged

    def search(self, region, types, _tags, *, thorough, timeout):
        hits = [Found(type=BUCKET, id=f"tagged-{region}", region=region)] if self.tagged else []
        failed = {type_: why for type_, why in self.failed.items() if type_ in types}
        unseen = {type_: why for type_, why in self.unseen.items() if type_ in types}
        searched = [type_ for type_ in (BUCKET, QUEUE) if type_ in types and type_ not in {*failed, *unseen}]
        return Search(hits, searched, failed, unseen)

    def remains(self, region, items, *, since, blocking, remove, timeout):
        self.asked += [(region, item.id) for item in items]
        return [(list(self.remnants), "") for _ in items]

    def presence(self, region, items, *, timeout):
        self.asked += [(region, item.id) for item in items]
        return [(self.answers[item.id], self.said) for item in items]


def test_all_sources_are_joined_and_nothing_is_asked_twice() -> None:
    """State, pending operations and both kinds of journal entries; the state's outputs are kept."""
    ledger = Ledger("us-east-1")
    journal = Journal(
        intents=(intent(1, "a"), intent(2, "lost"), intent(3, None)),
        made=(Made(intent(1, "a"), "a"),),
        refused=frozenset(),
    )
    ledger.add_journal(journal)
    ledger.add_state(Checkpoint(resources=(state("b", x=1),), pending=(state("c"), state(""))))
    ledger.add_state(Checkpoint(resources=(state("b"),)))
    assert [(known.id, known.region) for known in ledger.known] == [
        ("a", "eu-west-1"),
        ("lost", "eu-west-1"),
        ("b", "us-east-1"),
        ("c", "us-east-1"),
    ]
    assert ledger.known[2].outputs == {"x": 1}
    assert ledger.regions == {"us-east-1", "eu-west-1"}


def test_a_lost_answer_is_not_proof_of_ownership_but_a_tag_is() -> None:
    """A bucket of that name may be a stranger's."""
    ledger = Ledger("us-east-1")
    ledger.add_journal(Journal(intents=(intent(1, "lost"),), made=(), refused=frozenset()))
    assert [known.ours for known in ledger.known] == [False]
    leaked, _ = as_refs(survey(Target({"lost": Presence.EXISTS}), ledger.known, 1))
    assert "not deleted" in leaked[0].reason
    ledger.add_found([Known(BUCKET, "lost", "eu-west-1", source="tag")], searched={BUCKET})
    assert [known.ours for known in ledger.known] == [True]


def test_what_exists_only_in_the_state_is_not_asked_about() -> None:
    """Random values and components have nothing at the target."""
    ledger = Ledger("us-east-1")
    ledger.add_state(Checkpoint(resources=(state("x", "random:index/randomPet:RandomPet"),)))
    assert ledger.known == ()


def test_gone_existing_and_unverified_are_told_apart() -> None:
    """Only what the target denies counts as gone; what it could not be asked about is said."""
    known = [Known(BUCKET, name, "us-east-1", source="state") for name in ("gone", "there", "unknown")]
    answers = {"gone": Presence.GONE, "there": Presence.EXISTS, "unknown": Presence.UNVERIFIED}
    leaked, unverified = as_refs(survey(Target(answers), known, 1))
    assert [ref.id for ref in leaked] == ["there"]
    assert [(ref.id, ref.reason) for ref in unverified] == [("unknown", "seen")]


def test_a_create_of_unknown_name_is_in_doubt_until_its_type_was_searched() -> None:
    """Neither an empty state nor an empty list of known things is a proof."""
    ledger = Ledger("us-east-1")
    ledger.add_journal(Journal(intents=(intent(1, None),), made=(), refused=frozenset()))
    assert ledger.types == {BUCKET}
    assert not ledger.is_settled(set())
    assert [ref.type for ref in unasked(ledger)] == [BUCKET]
    ledger.add_found([], searched={BUCKET})
    assert unasked(ledger) == ()


def test_a_search_by_tags_is_no_proof_for_what_carries_none() -> None:
    """A policy of a bucket, a route: nobody could have found it that way."""
    untagged = "aws:s3/bucketPolicy:BucketPolicy"
    ledger = Ledger("us-east-1")
    ledger.add_journal(Journal(intents=(intent(1, None, untagged),), made=(), refused=frozenset()))
    search_into(ledger, Target({}), {"harness:run": "r-1"}, {untagged}, 1)
    assert [ref.type for ref in doubts(ledger)] == [untagged]


def test_what_goes_with_its_parent_leaves_no_doubt() -> None:
    """A VPC's own security group, a version of a secret: they are never deleted for themselves."""
    ledger = Ledger("us-east-1")
    types = ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "aws:secretsmanager/secretVersion:SecretVersion")
    lost = tuple(intent(number, None, type_) for number, type_ in enumerate(types))
    ledger.add_journal(Journal(intents=lost, made=(), refused=frozenset()))
    assert doubts(ledger) == ()


def test_a_search_that_failed_is_no_proof_either() -> None:
    """Of a type with an unanswered create; of another, the journal knows everything."""
    ledger = Ledger("us-east-1")
    journal = Journal(intents=(intent(1, None),), made=(), refused=frozenset())
    ledger.add_journal(journal)
    search_into(
        ledger,
        Target({}, failed={BUCKET: "AccessDenied", QUEUE: "AccessDenied"}),
        {"harness:run": "r-1"},
        {BUCKET, QUEUE},
        1,
    )
    assert {(ref.type, ref.region) for ref in doubts(ledger)} == {(BUCKET, "eu-west-1"), (BUCKET, "us-east-1")}
    assert {ref.type for ref in doubts(ledger, journaled=False)} == {BUCKET, QUEUE}
    assert all("AccessDenied" in ref.reason for ref in doubts(ledger)[1:])
    search_into(ledger, Target({}), {"harness:run": "r-1"}, {BUCKET}, 1)
    assert doubts(ledger) == ()


def test_what_refuses_to_be_looked_at_hides_only_a_create_without_an_answer() -> None:
    """All else of ours is known by name, and was asked for; a create that got no answer may have made just that."""
    tags, refusing = {"harness:run": "r-1"}, Target({}, unseen={BUCKET: "b: AccessDenied"})
    ledger = Ledger("us-east-1")
    ledger.add_state(Checkpoint(resources=(state("mine"),)))
    search_into(ledger, refusing, tags, {BUCKET, QUEUE}, 1)
    assert doubts(ledger) == ()
    ledger.add_journal(Journal(intents=(intent(1, None),), made=(), refused=frozenset()))
    search_into(ledger, refusing, tags, {BUCKET}, 1)
    assert {ref.type for ref in doubts(ledger)} == {BUCKET}
    assert any("b: AccessDenied" in ref.reason for ref in doubts(ledger))
    search_into(ledger, Target({}), tags, {BUCKET}, 1)
    assert doubts(ledger) == ()
    search_into(ledger, refusing, tags, {BUCKET}, 1)
    assert {ref.type for ref in doubts(ledger)} == {BUCKET}, "what refuses now may have come since"


def test_what_refuses_hides_all_where_nobody_knows_what_was_made() -> None:
    """A damaged source, or an `up` that failed without a journal: then a create may have gone unheard."""
    ledger = Ledger("us-east-1")
    ledger.add_state(Checkpoint(resources=(state("mine"),)))
    search_into(ledger, Target({}, unseen={BUCKET: "b: AccessDenied"}), {"harness:run": "r-1"}, {BUCKET}, 1)
    assert doubts(ledger, journaled=True, answered=False) == doubts(ledger, journaled=False, answered=True) == ()
    assert [ref.reason for ref in doubts(ledger, journaled=False, answered=False)] == [
        "not all of them could be looked at for the run's tag: b: AccessDenied"
    ]
    ledger.add_state(Checkpoint(damaged=True))
    assert [ref.type for ref in doubts(ledger)] == [BUCKET]


def test_a_part_of_what_is_ours_is_ours_without_a_tag() -> None:
    """Its create was lost, and its id names our table; a thing of our bucket's name that has tags of its own is not."""
    ledger = Ledger("us-east-1")
    route, group = "aws:ec2/route:Route", "aws:rds/subnetGroup:SubnetGroup"
    ledger.add_state(Checkpoint(resources=(state("rtb-1", "aws:ec2/routeTable:RouteTable"), state("shop"))))
    lost = (intent(1, "rtb-1_0.0.0.0/0", route), intent(2, "rtb-2_0.0.0.0/0", route), intent(3, "shop", group))
    ledger.add_journal(Journal(intents=lost, made=(), refused=frozenset()))
    assert [one.ours for one in ledger.known] == [True, True, True, False, False]


def test_what_aws_keeps_for_a_while_is_told_and_no_leak() -> None:
    """A key cannot be deleted at once."""
    known = [Known("aws:kms/key:Key", "k", "us-east-1"), Known(BUCKET, "b", "us-east-1")]
    target = Target({"k": Presence.GONE, "b": Presence.GONE}, said="KMS key k is in the state `pendingdeletion`")
    seen = survey(target, known, 1)
    assert (seen.existing, seen.unverified) == ((), ())
    assert [one.id for one, _ in seen.lasting] == ["k"]


def test_what_is_left_outside_any_state_is_asked_of_ours_alone() -> None:
    """Of what may be somebody else's nothing is sought, and so nothing removed."""
    function = "aws:lambda/function:Function"
    known = [Known(function, "ours", "us-east-1"), Known(function, "lost", "us-east-1", ours=False)]
    target = Target({}, remnants=[Remnant("aws:cloudwatch/logGroup:LogGroup", "/aws/lambda/ours", "its log")])
    seen = remains_of(target, [*known, Known(BUCKET, "b", "us-east-1")], 0, 1, blocking=False, remove=True)
    assert target.asked == [("us-east-1", "ours")]
    assert [(parent.id, one.id) for parent, one in seen.found] == [("ours", "/aws/lambda/ours")]


def test_a_damaged_source_widens_the_search_to_every_type() -> None:
    """What it would have told is not known."""
    ledger = Ledger("us-east-1")
    ledger.add_state(Checkpoint(damaged=True))
    assert ledger.incomplete
    assert {"aws:ec2/vpc:Vpc", BUCKET} <= ledger.all_types


def test_what_was_imported_is_not_ours() -> None:
    """It was there before the program took it over."""
    ledger = Ledger("us-east-1")
    resource = StateResource(urn="u", type=BUCKET, id="old", region=None, outputs={}, imported=True)
    ledger.add_state(Checkpoint(resources=(resource,)))
    assert ledger.known == ()


def test_an_import_that_was_cut_off_hides_no_lost_create() -> None:
    """It has no id yet, as a create that was cut off: the one makes nothing, the other may have."""
    ledger = Ledger("us-east-1")
    cut_off = (
        StateResource("i", BUCKET, "", None, {}, pending="importing", imported=True),
        StateResource("c", BUCKET, "", None, {}, pending="creating"),
    )
    ledger.add_state(Checkpoint(pending=cut_off))
    assert [one.urn for one in ledger.in_doubt] == ["c"]


def test_an_import_is_known_by_what_it_was_to_take_over(tmp_path: Path) -> None:
    """Also before the engine had its id."""
    entry = {"urn": "u", "type": BUCKET, "custom": True, "importID": "old"}
    empty_stack(tmp_path, "shop", "s")
    latest = {"resources": [], "pending_operations": [{"resource": entry, "type": "importing"}]}
    state_file(tmp_path, "shop", "s").write_text(json.dumps({"checkpoint": {"latest": latest}}))
    ledger = Ledger("us-east-1")
    ledger.add_state(read_checkpoint(tmp_path, "shop", "s"))
    ledger.add_found([Known(BUCKET, "old", "us-east-1")], searched=())
    assert (ledger.known, ledger.in_doubt) == ((), ())


def test_what_was_imported_in_one_region_is_not_its_namesake_in_another(tmp_path: Path) -> None:
    """Except where a name stands for one thing everywhere, or nobody knows; earlier versions wrote no region."""
    files = CellFiles(tmp_path)
    group, role, other = (
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:iam/role:Role",
        "aws:cloudfront/distribution:Distribution",
    )
    first = Ledger("us-east-1")
    imported = [StateResource("u", type_, "x", None, {}, imported=True) for type_ in (group, role, BUCKET, other)]
    first.add_state(Checkpoint(resources=tuple(imported)))
    files.write_foreign(first.foreign)
    later = Ledger("us-east-1")
    later.foreign |= files.read_foreign()
    for ledger in (first, later):
        found = [Known(type_, "x", where) for type_ in (group, role, BUCKET, other) for where in ("us-east-1", "r-2")]
        ledger.add_found(found, searched=())
        assert [(one.type, one.region) for one in ledger.known] == [(group, "r-2")]
    files.foreign.write_text(json.dumps([[group, "x"]]))
    assert files.read_foreign() == {(group, "x", "")}
    old = Ledger("us-east-1")
    old.foreign |= files.read_foreign()
    old.add_found([Known(group, "x", "r-2")], searched=())
    assert old.known == ()


def test_without_the_record_of_imports_nothing_is_destroyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was there before could be taken for ours. It is written whole or not at all; a full disk costs nothing."""
    files = CellFiles(tmp_path)
    assert files.read_foreign() == set()
    files.write_foreign({(BUCKET, "theirs", "us-east-1")})
    files.foreign.with_suffix(".partial").mkdir()
    files.write_foreign({(BUCKET, "other", "us-east-1")})
    assert "warning: " in capsys.readouterr().err
    assert files.read_foreign() == {(BUCKET, "theirs", "us-east-1")}
    for damaged in ('[["aws', "7", '{"a": 1}', "[[1]]"):
        files.foreign.write_text(damaged)
        with pytest.raises(HomeError, match=r"what the program imported, cannot be read") as refused:
            files.read_foreign()
        assert refused.value.hint


def test_when_the_youngest_create_without_an_answer_began() -> None:
    """What AWS shows only a while after it was made is not gone before that; a state's time is when it was written."""
    ledger = Ledger("us-east-1")
    assert ledger.youngest_open() is None
    begun = [replace(intent(number, None), time=float(number)) for number in (1, 2, 3)]
    ledger.add_journal(Journal(tuple(begun), made=(Made(begun[2], "a"),), refused=frozenset()))
    assert ledger.youngest_open() == 2.0
    pending = [
        StateResource(f"urn:{name}", BUCKET, "", None, {}, pending=kind)
        for name, kind in ((3, "creating"), ("x", "creating"), ("y", "deleting"))
    ]
    ledger.add_state(Checkpoint(pending=(pending[0], pending[2]), time=8.0))
    assert ledger.youngest_open() == 2.0
    ledger.add_state(Checkpoint(pending=tuple(pending), time=9.0))
    ledger.add_state(Checkpoint(pending=tuple(pending), time=20.0))
    assert ledger.youngest_open() == 9.0


def test_tags_are_searched_in_every_region_that_was_touched() -> None:
    """A program may have providers for several."""
    ledger = Ledger("a")
    ledger.add_journal(Journal(intents=(intent(1, "x"),), made=(), refused=frozenset()))
    search_into(ledger, Target({}, tagged=True), {"harness:run": "r-1"}, {BUCKET}, 1)
    assert [one.id for one in ledger.known if one.source == "tag"] == ["tagged-a", "tagged-eu-west-1"]
    search_into(ledger, Target({}, tagged=True), {"harness:run": "r-1"}, set(), 1)
