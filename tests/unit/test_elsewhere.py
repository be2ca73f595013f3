"""What a provider makes with credentials of the program's own is never asked about, or touched, in our account."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.plan.own_credentials import OWN_CREDENTIALS
from harness.providers.ambient import Ambient
from harness.providers.aws.package import AwsPackage
from harness.providers.contract import Presence, Search
from harness.providers.journal import JournalWriter, read_journal
from harness.run.leaks import ELSEWHERE, as_refs, doubts, remains_of, search_into, survey
from harness.run.ledger import Known, Ledger
from harness.world.checkpoint import Checkpoint, StateResource, empty_stack, read_checkpoint, state_file

BUCKET = "aws:s3/bucket:Bucket"
FUNCTION = "aws:lambda/function:Function"
HIDDEN = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}


class Target:
    """Stands in for the provider process: finds nothing, and remembers what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def search(self, _region: str, types: list[str], _tags: dict[str, str], **_limits: Any) -> Search:
        return Search([], list(types), {})

    def presence(self, _region: str, items: list[Any], *, timeout: float) -> list[tuple[Presence, str]]:
        self.asked += [item.id for item in items]
        return [(Presence.GONE, "") for _ in items]

    def remains(self, _region: str, items: list[Any], **_: Any) -> list[tuple[list[Any], str]]:
        self.asked += [item.id for item in items]
        return [([], "") for _ in items]


def own(name: str) -> Any:
    """A value for a setting."""
    return [{"roleArn": "arn:aws:iam::1:role/x"}] if name.startswith("assume") else "mine"


def states(tmp_path: Path, provider: dict[str, Any], granted: Any, *, name: str = "dr") -> tuple[StateResource, ...]:
    """A resource and a pending one of a provider instance that was told this."""
    reference = f"urn:pulumi:s::shop::pulumi:providers:aws::{name}"
    instance = {"urn": reference, "type": "pulumi:providers:aws", "id": "p-1", "custom": True, "inputs": provider}
    entry = {"urn": "u", "type": BUCKET, "id": "b", "custom": True, "provider": f"{reference}::p-1"}
    empty_stack(tmp_path, "shop", "s")
    pending = {"resource": {**entry, "id": ""}, "type": "creating"}
    latest = {
        "manifest": {"time": "2026-11-25T19:49:00.910419746Z"},
        "resources": [instance, entry],
        "pending_operations": [pending],
    }
    path = state_file(tmp_path, "shop", "s")
    path.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    checkpoint = read_checkpoint(tmp_path, "shop", "s", granted)
    assert checkpoint.time == pytest.approx(1795636140.910419)
    return (*checkpoint.resources, *checkpoint.pending)


@pytest.mark.parametrize("name", OWN_CREDENTIALS)
def test_the_state_tells_by_its_provider(tmp_path: Path, name: str) -> None:
    """Keys, also encrypted ones, profiles, roles and files of them; what is cut off as well as what is done."""
    for value in (own(name), json.dumps(own(name)), HIDDEN):
        assert all(one.elsewhere for one in states(tmp_path, {name: value, "region": "eu-west-1"}, {}))


@pytest.mark.parametrize(
    ("provider", "granted", "name"),
    [
        ({"region": "eu-west-1", "version": "7"}, {}, "dr"),
        ({"profile": "", "assumeRoles": "[]"}, {}, "dr"),
        ({"accessKey": "1", "secretKey": "emulator"}, {"accessKey": "1", "secretKey": "emulator"}, "default_7_51_1"),
        ({"accessKey": HIDDEN}, {"accessKey": "1"}, "default_7_51_1"),
        ({"accessKey": "test", "profile": "x"}, None, "dr"),
    ],
    ids=["no credentials", "empty ones", "ours", "ours, encrypted", "a provider that heeds none"],
)
def test_the_cells_own_credentials_are_nobody_elses(tmp_path: Path, provider: Any, granted: Any, name: str) -> None:
    """What the harness itself tells the official provider on an emulator, and what the bundled one ignores there."""
    assert not any(one.elsewhere for one in states(tmp_path, provider, granted, name=name))


@pytest.mark.parametrize("name", ["profile", "accessKey", "token", "assumeRoles"])
def test_the_bundled_provider_knows_it_of_itself(name: str) -> None:
    """On AWS; on an emulator the program's credentials never count."""
    settings = {"region": "eu-west-1", name: json.dumps(own(name)) if name.startswith("assume") else own(name)}
    assert AwsPackage(Ambient()).configure(settings).elsewhere
    assert not AwsPackage(Ambient()).configure({"region": "eu-west-1", name: ""}).elsewhere
    assert not AwsPackage(Ambient(endpoint="http://127.0.0.1:1", access_key="1")).configure(settings).elsewhere


def ledger_of(path: Path, *outcomes: str, elsewhere: bool = True) -> Ledger:
    """What a ledger knows of a journal with one create of each outcome, whose name is the outcome."""
    writer = JournalWriter(path / "journal.jsonl")
    for one in outcomes:
        known = None if one == "nameless" else one
        seq = writer.intent(urn=f"urn:{one}", type=BUCKET, name=one, region="r", id=known, elsewhere=elsewhere)
        if one in {"made", "deleted"}:
            writer.created(seq, one)
        if one == "deleted":
            writer.deleted(BUCKET, one, "r", f"urn:{one}" if elsewhere else "")
    writer.close()
    ledger = Ledger("r")
    ledger.add_journal(read_journal(path / "journal.jsonl"))
    return ledger


def test_nobody_says_of_it_that_it_is_gone(tmp_path: Path) -> None:
    """It is not asked about, and unverified; a search in our account does not end the doubt either."""
    ledger = ledger_of(tmp_path, "made", "lost", "nameless")
    ledger.add_state(Checkpoint(resources=(StateResource("u", BUCKET, "state", "r", {}, elsewhere=True),)))
    target = Target()
    search_into(ledger, target, {"harness:run": "r-1"}, {BUCKET}, 1)
    leaked, unverified = as_refs(survey(target, ledger.known, 1))
    assert (target.asked, leaked) == ([], ())
    assert [(one.id, one.reason) for one in unverified] == [(name, ELSEWHERE) for name in ("made", "lost", "state")]
    assert len(doubts(ledger)) == 1


def test_what_its_own_provider_has_deleted_is_not_in_doubt(tmp_path: Path) -> None:
    """Else no program with a second account would ever pass."""
    ledger = ledger_of(tmp_path, "deleted")
    ledger.add_state(Checkpoint(resources=(StateResource("u", BUCKET, "deleted", "r", {}, elsewhere=True),)))
    assert ledger.known == ()


def test_a_deletion_counts_in_its_own_account_only(tmp_path: Path) -> None:
    """One of that name may be in each: ours, and those of two providers."""
    writer = JournalWriter(tmp_path / "journal.jsonl")
    for urn, elsewhere in (("ours", False), ("dr", True), ("audit", True)):
        seq = writer.intent(urn=urn, type=BUCKET, name="n", region="r", id="b", elsewhere=elsewhere)
        writer.created(seq, "b")
    writer.deleted(BUCKET, "b", "r", "dr")
    journal = read_journal(tmp_path / "journal.jsonl")
    assert [made.intent.urn for made in journal.standing()] == ["ours", "audit"]
    writer.deleted(BUCKET, "b", "r")
    journal = read_journal(tmp_path / "journal.jsonl")
    assert [made.intent.urn for made in journal.standing()] == ["audit"]
    ledger = Ledger("r")
    ledger.add_journal(journal)
    assert [one.elsewhere for one in ledger.known] == [False, True]  # both may be there, each in its account
    writer.close()


def test_journals_say_it_only_where_it_is_so(tmp_path: Path) -> None:
    """What earlier versions wrote, and what they can read, is as ever."""
    ledger = ledger_of(tmp_path, "lost", "deleted", elsewhere=False)
    assert "elsewhere" not in (tmp_path / "journal.jsonl").read_text()
    assert not any(one.elsewhere for one in ledger.known)


def test_what_is_left_of_it_is_not_sought_in_our_account() -> None:
    """A log group of that name there is another function's."""
    target = Target()
    remains_of(target, [Known(FUNCTION, "f", "r", elsewhere=True)], 0, 1, blocking=False, remove=True)
    assert target.asked == []
