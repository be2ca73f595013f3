"""State files, journals and tag hits in; everything that a cell may have made out. Nothing is ever forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.providers.journal import Journal, Made
from harness.world.checkpoint import Checkpoint, StateResource
from harness.world.deletable import ADOPTED

if TYPE_CHECKING:
    from harness.providers.aws.declare import Resource

_Key = tuple[str, str, str, bool]  # type, id, region, and whether it was made elsewhere
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
    elsewhere: bool = False  # made with credentials of the program's own, with which we cannot ask

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
        self._known: dict[_Key, Known] = {}
        # Type, id and region (an empty one is any) of what was there before us.
        self.foreign: set[tuple[str, str, str]] = set()
        self._nameless: dict[tuple[str, str, str], Known] = {}  # by type, region and URN
        self._searched: set[tuple[str, str]] = set()  # type and region
        self._unsearched: dict[tuple[str, str], str] = {}  # and why
        self._unseen: dict[tuple[str, str], str] = {}  # listed, but for what refused to be looked at
        self._standing: set[tuple[str, str]] = set()
        self._open: set[str] = set()
        self._ended: set[_Key] = set()  # made elsewhere, and deleted by the instance that made it
        self._unanswered: dict[str, float] = {}  # creates by URN, as the journal has them, and when they began
        self._pending: dict[str, float] = {}  # the same as the state has them
        self._journaled: set[str] = set()

    def add_state(self, checkpoint: Checkpoint) -> None:
        """Resources of the state and its pending operations. What was imported was there before, and is not ours."""
        self.incomplete |= checkpoint.damaged
        for resource in (*checkpoint.resources, *checkpoint.pending):
            if resource.imported and resource.id:
                self.foreign.add((resource.type, resource.id, resource.region or self._region))
        for resource in (*checkpoint.resources, *checkpoint.pending):
            self._add_state_resource(resource)
        self._open |= {pending.type for pending in checkpoint.pending}
        if checkpoint.time is not None:  # what is pending had begun by then; what writes the state later says no more
            for pending in checkpoint.pending:
                if pending.pending == "creating":
                    self._pending.setdefault(pending.urn, checkpoint.time)

    def _add_state_resource(self, resource: StateResource) -> None:
        if resource.imported and not resource.id:
            return  # it was to be taken over, and makes nothing
        region = resource.region or self._region
        source = f"pending {resource.pending}" if resource.pending else "state"
        known = Known(resource.type, resource.id, region, resource.urn, source, dict(resource.outputs))
        self._add(replace(known, elsewhere=resource.elsewhere))

    def add_journal(self, journal: Journal) -> None:
        """Creates that were answered, and those whose answer never came."""
        self.incomplete |= bool(journal.damaged)
        for made in journal.created():
            intent = made.intent
            region = intent.region or self._region
            self._add(Known(intent.type, made.id, region, intent.urn, "journal", elsewhere=intent.elsewhere))
        elsewhere = [made for made in journal.created() if made.intent.elsewhere]
        self._ended = {self._key(made) for made in elsewhere if made.deleted}
        self._ended -= {self._key(made) for made in elsewhere if not made.deleted}
        self._standing |= {(made.intent.type, made.id) for made in journal.standing()}
        for intent in journal.open_intents():
            region = intent.region or self._region
            source = "journal, no answer"
            known = Known(intent.type, intent.id or "", region, intent.urn, source, ours=False)
            self._add(replace(known, elsewhere=intent.elsewhere))
            self._open.add(intent.type)
            self._ended.discard((known.type, known.id, region, intent.elsewhere))
        self._unanswered = {intent.urn: intent.time for intent in journal.open_intents()}
        self._journaled = {intent.urn for intent in journal.intents}

    def _key(self, made: Made) -> _Key:
        return (made.intent.type, made.id, made.intent.region or self._region, made.intent.elsewhere)

    def youngest_open(self) -> float | None:
        """When the youngest create without an answer began, in seconds since the epoch; None without one.

        Where no journal has it, the time of the first state read that has it pending counts: by then it had begun.
        """
        pending = [begun for urn, begun in self._pending.items() if urn not in self._journaled]
        return max([*self._unanswered.values(), *pending], default=None)

    def add_found(
        self,
        found: Iterable[Known],
        *,
        searched: Iterable[str],
        region: str | None = None,
        failed: Mapping[str, str] | None = None,
        unseen: Mapping[str, str] | None = None,
    ) -> None:
        """Hits of the run's tag in a region (by default all), and the types that were searched for it.

        `failed` are those whose listing failed, `unseen` those of which some things refused to be looked at, and why.
        A type that carries no tags cannot have been searched.
        """
        for one in found:
            self._add(one)
        regions = self.regions if region is None else {region}
        done = {(type_, where) for type_ in searched for where in regions}
        partly = {(type_, where): why for type_, why in (unseen or {}).items() for where in regions}
        self._searched = (self._searched | done) - set(partly)
        self._unsearched = {key: why for key, why in self._unsearched.items() if key not in {*done, *partly}}
        self._unseen = {key: why for key, why in self._unseen.items() if key not in done} | partly
        self._unsearched |= {(type_, where): why for type_, why in (failed or {}).items() for where in regions}

    def _add(self, known: Known) -> None:
        if known.type.startswith((*NOT_AT_THE_TARGET, *ADOPTED)) or self._is_foreign(known):
            return
        if not known.id:
            declared = _declared().get(known.type)
            if declared is not None and not declared.destructive:
                return  # it belongs to AWS, or goes with its parent: there is nothing to be in doubt about
            place = (known.type, known.region, known.urn)
            elsewhere = known.elsewhere or (place in self._nameless and self._nameless[place].elsewhere)
            self._nameless[place] = replace(known, elsewhere=elsewhere)
            return
        key = (*known.key, known.elsewhere)
        before = self._known.get(key, known)
        fuller = known if known.outputs else before  # of two states the later one knows more
        self._known[key] = replace(fuller, source=before.source, ours=before.ours or known.ours)

    def _is_foreign(self, known: Known) -> bool:
        regions = {where for type_, id_, where in self.foreign if (type_, id_) == (known.type, known.id)}
        return bool(regions) and (not regions.isdisjoint({"", known.region}) or not _is_regional(known.type))

    def is_settled(self, in_state: set[tuple[str, str]]) -> bool:
        """Whether the state holds all that was made, with nothing cut off."""
        return not self.incomplete and not self._open and self._standing <= in_state

    @property
    def known(self) -> tuple[Known, ...]:
        """What can be asked about by name, in the order in which it was learnt.

        Without what was made elsewhere and deleted there, by the only instance that could ask: nobody else can.
        """
        there = {key: one for key, one in self._known.items() if key not in self._ended}
        ours = {one.id for one in there.values() if one.ours and not one.elsewhere}
        return tuple(replace(one, ours=one.ours or _is_part(one, ours)) for one in there.values())

    @property
    def in_doubt(self) -> tuple[Known, ...]:
        """Unanswered creates of an unknown name, as long as their type was not searched for the run's tag.

        Made elsewhere, they stay in doubt: the search was made in another account.
        """
        lost = self._nameless.values()
        return tuple(one for one in lost if one.elsewhere or (one.type, one.region) not in self._searched)

    @property
    def unsearched(self) -> Mapping[tuple[str, str], str]:
        """Types and regions whose search for the run's tag failed, and why."""
        return dict(self._unsearched)

    @property
    def unseen(self) -> Mapping[tuple[str, str], str]:
        """Types and regions of which some things refused to be looked at, and why."""
        return dict(self._unseen)

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


def _is_regional(type_: str) -> bool:
    """Whether the same id in another region is another thing. What is not known counts as one, to be on the safe side.

    Buckets have regions and a name for all of them, by which they are listed everywhere.
    """
    declared = _declared().get(type_)
    return declared is not None and declared.regional and not type_.startswith("aws:s3/")


_PARTS = re.compile(r"[_:|/+]")


def _declared() -> Mapping[str, Resource]:
    from harness.providers.aws.registry import resources  # every service's file: only for what was lost

    return resources()
