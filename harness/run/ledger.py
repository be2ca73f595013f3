"""State files, journals and tag hits in; everything that a cell may have made out. Nothing is ever forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.providers.journal import Journal
from harness.world.checkpoint import Checkpoint, StateResource
from harness.world.deletable import ADOPTED

if TYPE_CHECKING:
    from harness.providers.aws.declare import Resource

NOT_AT_THE_TARGET = ("random:", "pulumi:", "pulumi-python:", "command:", "time:", "tls:", "null:")


@dataclass(frozen=True, slots=True)
class Known:
    """One thing that may exist at the target, and where we know it from."""

    type: str
    id: str  # empty: a create was begun, and what it would have been called nobody learnt
    region: str
    urn: str = ""
    source: str = ""
    outputs: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)
    ours: bool = True  # False: a create whose answer was lost; something of that name may be somebody else's

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two of them the same."""
        return (self.type, self.id, self.region)


class Ledger:
    """Collects what a cell may have made, from every source.

    `incomplete` says that a source was damaged: then every declared type is searched for the run's tag.
    """

    def __init__(self, default_region: str) -> None:
        self.incomplete = False
        self._region = default_region
        self._known: dict[tuple[str, str, str], Known] = {}
        self.foreign: set[tuple[str, str]] = set()  # type and id of what was there before us
        self._nameless: dict[tuple[str, str, str], Known] = {}  # by type, region and URN
        self._searched: set[tuple[str, str]] = set()  # type and region
        self._unsearched: dict[tuple[str, str], str] = {}  # and why
        self._standing: set[tuple[str, str]] = set()
        self._open: set[str] = set()

    def add_state(self, checkpoint: Checkpoint) -> None:
        """Resources of the state and its pending operations. What was imported was there before, and is not ours."""
        self.incomplete |= checkpoint.damaged
        for resource in (*checkpoint.resources, *checkpoint.pending):
            if resource.imported:
                self.foreign.add((resource.type, resource.id))
        for resource in (*checkpoint.resources, *checkpoint.pending):
            self._add_state_resource(resource)
        self._open |= {pending.type for pending in checkpoint.pending}

    def _add_state_resource(self, resource: StateResource) -> None:
        region = resource.region or self._region
        source = f"pending {resource.pending}" if resource.pending else "state"
        self._add(Known(resource.type, resource.id, region, resource.urn, source, dict(resource.outputs)))

    def add_journal(self, journal: Journal) -> None:
        """Creates that were answered, and those whose answer never came."""
        self.incomplete |= bool(journal.damaged)
        for made in journal.created():
            intent = made.intent
            self._add(Known(intent.type, made.id, intent.region or self._region, intent.urn, "journal"))
        self._standing |= {(made.intent.type, made.id) for made in journal.standing()}
        for intent in journal.open_intents():
            region = intent.region or self._region
            source = "journal, no answer"
            self._add(Known(intent.type, intent.id or "", region, intent.urn, source, ours=False))
            self._open.add(intent.type)

    def add_found(
        self,
        found: Iterable[Known],
        *,
        searched: Iterable[str],
        region: str | None = None,
        failed: Mapping[str, str] | None = None,
    ) -> None:
        """Hits of the run's tag in a region (by default all), and the types that were searched for it.

        `failed` are those whose listing failed, and why. A type that carries no tags cannot have been searched.
        """
        for one in found:
            self._add(one)
        regions = self.regions if region is None else {region}
        done = {(type_, where) for type_ in searched for where in regions}
        self._searched |= done
        self._unsearched = {key: why for key, why in self._unsearched.items() if key not in done}
        self._unsearched |= {(type_, where): why for type_, why in (failed or {}).items() for where in regions}

    def _add(self, known: Known) -> None:
        if known.type.startswith((*NOT_AT_THE_TARGET, *ADOPTED)) or (known.type, known.id) in self.foreign:
            return
        if not known.id:
            declared = _declared().get(known.type)
            if declared is not None and not declared.destructive:
                return  # it belongs to AWS, or goes with its parent: there is nothing to be in doubt about
            self._nameless[known.type, known.region, known.urn] = known
            return
        before = self._known.get(known.key, known)
        fuller = known if known.outputs else before  # of two states the later one knows more
        self._known[known.key] = replace(fuller, source=before.source, ours=before.ours or known.ours)

    def is_settled(self, in_state: set[tuple[str, str]]) -> bool:
        """Whether the state holds all that was made, with nothing cut off."""
        return not self.incomplete and not self._open and self._standing <= in_state

    @property
    def known(self) -> tuple[Known, ...]:
        """What can be asked about by name, in the order in which it was learnt."""
        ours = {one.id for one in self._known.values() if one.ours}
        return tuple(replace(one, ours=one.ours or _is_part(one, ours)) for one in self._known.values())

    @property
    def in_doubt(self) -> tuple[Known, ...]:
        """Unanswered creates of an unknown name, as long as their type was not searched for the run's tag."""
        return tuple(one for one in self._nameless.values() if (one.type, one.region) not in self._searched)

    @property
    def unsearched(self) -> Mapping[tuple[str, str], str]:
        """Types and regions whose search for the run's tag failed, and why."""
        return dict(self._unsearched)

    @property
    def open_types(self) -> set[str]:
        """Types of creates that were cut off."""
        return set(self._open)

    @property
    def types(self) -> set[str]:
        """Types that this cell touched."""
        return {known.type for known in (*self._known.values(), *self._nameless.values())} | self._open

    @property
    def all_types(self) -> set[str]:
        """Types that any cell can touch, for when the sources do not tell."""
        return self.types | set(_declared())

    @property
    def regions(self) -> set[str]:
        """Regions that this cell touched."""
        return {known.region for known in (*self._known.values(), *self._nameless.values())} | {self._region}


def _is_part(known: Known, ours: set[str]) -> bool:
    """Whether it is only a part of something of ours: a route of our table, a policy of our bucket.

    Such a thing carries no tag; its id names what it belongs to, and in that nobody else makes anything.
    """
    declared = _declared().get(known.type)
    if declared is None or declared.tagging is not None:
        return False
    return known.id in ours or not ours.isdisjoint(_PARTS.split(known.id))


_PARTS = re.compile(r"[_:|/+]")


def _declared() -> Mapping[str, Resource]:
    from harness.providers.aws.registry import resources  # every service's file: only for what was lost

    return resources()
