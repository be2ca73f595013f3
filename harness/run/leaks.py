"""What a cell may have made in; what the target still has of it out.

Asked about is the union of the state before and after the destroy, its pending operations, the journal written before
each create, and what carries the run's tag. Each is confirmed by describe: an empty state file proves nothing, and the
tag search alone both misses and invents. Beside that, what AWS leaves of it outside any state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.model import ResourceRef
from harness.providers.aws.leftovers import parents
from harness.providers.contract import Presence
from harness.run.ledger import Known, Ledger
from harness.world.provider import Asked, ProviderProcess, Remnant

LASTING = frozenset({"aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey"})
"""Types that AWS does not delete at once: what is scheduled for it is no leak, and is told."""
ELSEWHERE = "made with credentials of its own (of its provider), with which nobody can ask"


@dataclass(frozen=True, slots=True)
class Survey:
    """What the target said about everything that was asked."""

    existing: tuple[Known, ...]
    unverified: tuple[tuple[Known, str], ...]
    lasting: tuple[tuple[Known, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Remains:
    """What AWS keeps outside any state, and what it is left of. `unverified` are parents that could not be asked."""

    found: tuple[tuple[Known, Remnant], ...]
    unverified: tuple[tuple[Known, str], ...]


def search_into(
    ledger: Ledger,
    provider: ProviderProcess,
    tags: Mapping[str, str],
    types: Iterable[str],
    timeout: float,
    *,
    thorough: Iterable[str] = (),
) -> None:
    """Add to the ledger what carries all these tags, and of which types that cannot be told.

    Of the `thorough` types all things at the target are asked, whatever an index of tags says.

    Raises WorldError when the provider process does not answer.
    """
    wanted = sorted(types)
    for region in sorted(ledger.regions) if wanted else ():
        seen = provider.search(region, wanted, tags, thorough=sorted(thorough), timeout=timeout)
        found = [Known(one.type, one.id, one.region, source="tag") for one in seen.found]
        ledger.add_found(found, searched=seen.searched, region=region, failed=seen.failed, unseen=seen.unseen)


def survey(provider: ProviderProcess, known: Iterable[Known], timeout: float) -> Survey:
    """Ask the target for each by describe, within `timeout` seconds a region. Raises WorldError without an answer."""
    existing: list[Known] = []
    unverified: list[tuple[Known, str]] = []
    lasting: list[tuple[Known, str]] = []
    wanted = list(known)
    unverified += [(one, ELSEWHERE) for one in wanted if one.elsewhere]
    for region, members in _by_region(one for one in wanted if not one.elsewhere).items():
        answers = provider.presence(region, [_asked(member) for member in members], timeout=timeout)
        for member, (presence, detail) in zip(members, answers, strict=True):
            if presence is Presence.EXISTS:
                existing.append(member)
            elif presence is Presence.UNVERIFIED:
                unverified.append((member, detail))
            elif member.type in LASTING and "in the state" in detail:
                lasting.append((member, detail))
    return Survey(tuple(existing), tuple(unverified), tuple(lasting))


def remains_of(
    provider: ProviderProcess, known: Iterable[Known], since: float, timeout: float, *, blocking: bool, remove: bool
) -> Remains:
    """What AWS keeps of these outside any state, or, `blocking`, what holds those of them that are there.

    Only of what is ours. Raises WorldError when the provider process does not answer.
    """
    asked = [one for one in known if one.ours and not one.elsewhere and one.type in parents(blocking=blocking)]
    found: list[tuple[Known, Remnant]] = []
    unverified: list[tuple[Known, str]] = []
    for region, members in _by_region(asked).items():
        answers = provider.remains(
            region, [_asked(one) for one in members], since=since, blocking=blocking, remove=remove, timeout=timeout
        )
        for member, (remnants, error) in zip(members, answers, strict=True):
            found += [(member, remnant) for remnant in remnants]
            if error:
                unverified.append((member, error))
    return Remains(tuple(found), tuple(unverified))


def ref(known: Known, reason: str, endpoint: str | None = None) -> ResourceRef:
    """One thing for the result, with the command that removes it. `endpoint` is where an emulator answers."""
    from harness.providers.aws.commands import command  # with every declaration, which a run that leaks nothing spares

    return ResourceRef(
        type=known.type,
        id=known.id or "?",
        urn=known.urn,
        region=known.region,
        reason=reason,
        command=command(known.type, known.id, known.region, known.outputs, endpoint) if known.id else "",
    )


def as_refs(survey_: Survey, endpoint: str | None = None) -> tuple[tuple[ResourceRef, ...], tuple[ResourceRef, ...]]:
    """Leaked and unverified resources for the result."""
    leaked = tuple(ref(known, _reason(known), endpoint) for known in survey_.existing)
    return leaked, tuple(ref(known, why, endpoint) for known, why in survey_.unverified)


def remnant_ref(parent: Known, remnant: Remnant, endpoint: str | None = None) -> ResourceRef:
    """Something that AWS keeps of `parent`, for the result."""
    known = Known(remnant.type, remnant.id, parent.region)
    reason = f"left of {parent.type} {parent.id}: {remnant.why}" + (f"; {remnant.error}" if remnant.error else "")
    return ref(known, reason, endpoint)


def unasked(ledger: Ledger) -> tuple[ResourceRef, ...]:
    """All of it as unverified, for as long as the target has not answered."""
    return tuple(ref(known, "the target did not answer") for known in ledger.known) + doubts(ledger)


def doubts(ledger: Ledger, *, journaled: bool = True, answered: bool = False) -> tuple[ResourceRef, ...]:
    """What may exist and cannot be asked about by name: unanswered creates, and types that could not be searched.

    A search that failed leaves no doubt about a type of which a journal has every create, with its answer. Somebody's
    thing that refused to be looked at leaves none either when all creates were `answered`: ours is known by its name.
    """
    why = "its create got no answer, and the target cannot be searched for it"
    lost = tuple(ref(known, why) for known in ledger.in_doubt)
    lost_types = {known.type for known in ledger.in_doubt}
    unsearched = [
        (type_, region, f"could not be searched for the run's tag: {reason}")
        for (type_, region), reason in ledger.unsearched.items()
        if not journaled or ledger.incomplete or type_ in ledger.open_types
    ]
    unseen = [
        (type_, region, f"not all of them could be looked at for the run's tag: {reason}")
        for (type_, region), reason in ledger.unseen.items()
        if not (journaled or answered) or ledger.incomplete or type_ in lost_types
    ]
    return lost + tuple(
        ResourceRef(type=type_, id="?", region=region, reason=reason)
        for type_, region, reason in (*unsearched, *unseen)
    )


def _asked(known: Known) -> Asked:
    return Asked(known.type, known.id, known.outputs)


def _by_region(known: Iterable[Known]) -> dict[str, list[Known]]:
    by_region: dict[str, list[Known]] = {}
    for one in known:
        by_region.setdefault(one.region, []).append(one)
    return by_region


def _reason(known: Known) -> str:
    if known.ours:
        return f"still exists in {known.region} (known from {known.source})"
    return f"exists in {known.region}; a create of that name got no answer, so it may be somebody else's: not deleted"
