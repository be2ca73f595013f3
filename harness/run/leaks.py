"""What a cell may have made in; what the target still has of it out.

Asked about is the union of the state before and after the destroy, its pending operations, the journal written before
each create, and what carries the run's tag. Each is confirmed by describe: an empty state file proves nothing, and the
tag search alone both misses and invents.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model import RUN_TAG, ResourceRef
from harness.providers.contract import Presence
from harness.run.ledger import Known, Ledger
from harness.world.provider import Asked, ProviderProcess


@dataclass(frozen=True, slots=True)
class Survey:
    """What the target said about everything that was asked."""

    existing: tuple[Known, ...]
    unverified: tuple[tuple[Known, str], ...]


def find_tagged(
    provider: ProviderProcess, run: str, types: Iterable[str], regions: Iterable[str], timeout: float
) -> list[Known]:
    """Everything of these types at the target that carries the run's tag. Raises WorldError when it cannot be asked."""
    wanted = sorted(types)
    return [
        Known(found.type, found.id, found.region, source="tag")
        for region in sorted(regions)
        for found in (provider.find(region, wanted, {RUN_TAG: run}, timeout=timeout) if wanted else [])
    ]


def survey(provider: ProviderProcess, known: Iterable[Known], timeout: float) -> Survey:
    """Ask the target for each by describe, within `timeout` seconds a region. Raises WorldError without an answer."""
    by_region: dict[str, list[Known]] = {}
    for one in known:
        by_region.setdefault(one.region, []).append(one)
    existing: list[Known] = []
    unverified: list[tuple[Known, str]] = []
    for region, members in by_region.items():
        answers = provider.presence(region, [Asked(m.type, m.id, m.outputs) for m in members], timeout=timeout)
        for member, (presence, detail) in zip(members, answers, strict=True):
            if presence is Presence.EXISTS:
                existing.append(member)
            elif presence is Presence.UNVERIFIED:
                unverified.append((member, detail))
    return Survey(tuple(existing), tuple(unverified))


def as_refs(survey_: Survey) -> tuple[tuple[ResourceRef, ...], tuple[ResourceRef, ...]]:
    """Leaked and unverified resources for the result."""
    leaked = tuple(ResourceRef(type=k.type, id=k.id, urn=k.urn, reason=_reason(k)) for k in survey_.existing)
    unverified = tuple(ResourceRef(type=k.type, id=k.id, urn=k.urn, reason=why) for k, why in survey_.unverified)
    return leaked, unverified


def unasked(ledger: Ledger) -> tuple[ResourceRef, ...]:
    """All of it as unverified, for as long as the target has not answered."""
    why = "the target did not answer"
    named = tuple(ResourceRef(type=k.type, id=k.id, urn=k.urn, reason=why) for k in ledger.known)
    why = "its create got no answer, and the target cannot be searched for it"
    return named + tuple(ResourceRef(type=k.type, id="?", urn=k.urn, reason=why) for k in ledger.in_doubt)


def _reason(known: Known) -> str:
    if known.ours:
        return f"still exists in {known.region} (known from {known.source})"
    return f"exists in {known.region}; a create of that name got no answer, so it may be somebody else's: not deleted"
