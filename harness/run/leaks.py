"""What a cell ever knew of in; what the target still has of it out.

Asked about is the union of the state before and after the destroy, its pending operations, the journal written before
each create, and what carries the run's tag. Each is confirmed by describe: an empty state file proves nothing, and the
tag search alone both misses and invents.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from harness.model import RUN_TAG, ResourceRef
from harness.providers.contract import Presence
from harness.providers.journal import Journal
from harness.world.checkpoint import Checkpoint, StateResource
from harness.world.provider import Asked, ProviderProcess

NOT_AT_THE_TARGET = ("random:", "pulumi:", "pulumi-python:", "command:", "time:", "tls:", "null:")


@dataclass(frozen=True, slots=True)
class Known:
    """One thing that may exist at the target, and where we know it from."""

    type: str
    id: str
    region: str
    urn: str = ""
    source: str = ""
    outputs: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)
    ours: bool = True  # False: a create whose answer was lost; something of that name may be somebody else's

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two of them the same."""
        return (self.type, self.id, self.region)


@dataclass(frozen=True, slots=True)
class Survey:
    """What the target said about everything that was asked."""

    existing: tuple[Known, ...]
    unverified: tuple[tuple[Known, str], ...]
    asked: int


class Ledger:
    """Collects everything that a cell may have made, from every source, and never forgets."""

    def __init__(self, default_region: str) -> None:
        self._region = default_region
        self._known: dict[tuple[str, str, str], Known] = {}

    def add_state(self, checkpoint: Checkpoint) -> None:
        """Resources of the state, and pending operations that carry an id."""
        for resource in (*checkpoint.resources, *checkpoint.pending):
            self._add_state_resource(resource)

    def _add_state_resource(self, resource: StateResource) -> None:
        if resource.id:
            region = resource.region or self._region
            source = f"pending {resource.pending}" if resource.pending else "state"
            self._add(Known(resource.type, resource.id, region, resource.urn, source, dict(resource.outputs)))

    def add_journal(self, journal: Journal) -> None:
        """Creates that were answered, and those whose answer never came but whose id was known beforehand."""
        for made in journal.created():
            intent = made.intent
            self._add(Known(intent.type, made.id, intent.region or self._region, intent.urn, "journal"))
        for intent in journal.open_intents():
            if intent.id:
                region = intent.region or self._region
                self._add(Known(intent.type, intent.id, region, intent.urn, "journal, no answer", ours=False))

    def add_found(self, found: Iterable[Known]) -> None:
        """Hits of the run's tag."""
        for one in found:
            self._add(one)

    def _add(self, known: Known) -> None:
        if known.type.startswith(NOT_AT_THE_TARGET):
            return
        before = self._known.get(known.key, known)
        fuller = before if before.outputs else known
        self._known[known.key] = replace(fuller, ours=before.ours or known.ours)

    @property
    def known(self) -> tuple[Known, ...]:
        """All of it, in the order in which it was learnt."""
        return tuple(self._known.values())

    @property
    def types(self) -> set[str]:
        """Types that this cell touched."""
        return {known.type for known in self._known.values()}

    @property
    def regions(self) -> set[str]:
        """Regions that this cell touched."""
        return {known.region for known in self._known.values()} | {self._region}


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
    return Survey(tuple(existing), tuple(unverified), sum(map(len, by_region.values())))


def as_refs(survey_: Survey) -> tuple[tuple[ResourceRef, ...], tuple[ResourceRef, ...]]:
    """Leaked and unverified resources for the result."""
    leaked = tuple(ResourceRef(type=k.type, id=k.id, urn=k.urn, reason=_reason(k)) for k in survey_.existing)
    unverified = tuple(ResourceRef(type=k.type, id=k.id, urn=k.urn, reason=why) for k, why in survey_.unverified)
    return leaked, unverified


def _reason(known: Known) -> str:
    if known.ours:
        return f"still exists in {known.region} (known from {known.source})"
    return f"exists in {known.region}; a create of that name got no answer, so it may be somebody else's: not deleted"


def unasked(known: Iterable[Known]) -> tuple[ResourceRef, ...]:
    """All of it as unverified, for as long as the target has not answered."""
    return tuple(ResourceRef(type=k.type, id=k.id, urn=k.urn, reason="the target did not answer") for k in known)
