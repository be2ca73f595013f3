"""A cell's sources of evidence in; all that it may have made at the target, asked about, freed and removed, out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from harness.model import RUN_TAG, STACK_TAG, PhaseName, PhaseStatus, ResourceRef
from harness.providers.aws.unblocking import LIFTS
from harness.providers.journal import read_journal
from harness.run.cell_world import CellWorld
from harness.run.leaks import Remains, Survey, remains_of, remnant_ref, search_into, survey
from harness.run.ledger import Known, Ledger
from harness.run.record import Record
from harness.run.removal import remove
from harness.run.shield import Shield
from harness.world.checkpoint import StateResource
from harness.world.deletable import ADOPTED
from harness.world.provider import Asked

ASKING = 120.0  # seconds for one question to the target about all that is known
ASKING_LATE = 20.0  # the same once the destroy's own time is over: the leak check still gets its answer
SEEN_AFTER = (
    120.0  # seconds until AWS shows everywhere what it has made; the bundled provider waits as long for its own
)
SEARCH_AGAIN = 10.0  # seconds between two looks meanwhile
_TELL = 5  # things that one note names
OTHERS = ("pulumi-python:", "command:")  # dynamic resources and commands: they may have made anything, anywhere
_FORCED = ("forceDestroy", "forceDelete")  # the program says so itself: the provider empties it when it must


class Estate:
    """What one cell may have made. Whatever is found is never forgotten."""

    def __init__(self, world: CellWorld, record: Record, shield: Shield, now: Callable[[], float] = time.time) -> None:
        """`now` is in seconds since the epoch, as the journal's times are."""
        self._now = now
        self._world = world
        self._stack = world.stack
        self._record = record
        self._shield = shield
        self.ledger = Ledger(record.spec.cell.region)
        self.ledger.foreign |= world.files.read_foreign()
        # On an emulator the account is the cell's alone; elsewhere a name is no proof that a thing is ours.
        self._alone = record.spec.url is not None
        self._stages_learnt = False
        self.hands_off = False  # somebody else may work on the stack: it is asked about, and nothing is touched

    @property
    def endpoint(self) -> str | None:
        """Where an emulator answers."""
        return self._record.spec.url

    def learn(self) -> None:
        """Read state and journal as they are now, and the state as each stage had left it.

        Those once, and first: what is told later counts for the outputs, and the last state of all may be empty soon.
        """
        if not self._stages_learnt:
            self._stages_learnt = True
            for checkpoint in self._stack.kept_checkpoints():
                self.ledger.add_state(checkpoint)
        self.ledger.add_state(self._stack.checkpoint())
        self._world.files.write_foreign(self.ledger.foreign)  # a destroy that comes later has no state to tell it
        self.ledger.add_journal(read_journal(self._stack.files.journal))

    def search(self, types: Iterable[str]) -> None:
        """Look for our tags. An unanswered create of a type that was searched is no longer in doubt.

        On AWS the run's other cells are in the same account, so that its tag alone is no proof that a thing is ours.
        """
        spec = self._record.spec
        wanted = set(types) if not self.ledger.incomplete else self.ledger.all_types
        tags = {RUN_TAG: spec.run} if spec.whole_run else {RUN_TAG: spec.run, STACK_TAG: spec.cell.stack}
        # An index of tags may not know yet what a create without an answer has made; all else is known by name.
        heard = spec.provider == "bundled" or self.all_answered
        thorough = self.ledger.open_types & wanted if heard and not self.ledger.incomplete else wanted
        search_into(self.ledger, self._world.provider(), tags, wanted, self.patience(), thorough=thorough)

    def await_lost(self) -> None:
        """Search until a create without an answer would be seen: AWS may list and describe a thing only after a while.

        An emulator tells at once. It ends when the time for the destroy does; what was not seen then stays in doubt.
        """
        while self._record.spec.target == "aws" and not self._shield.stop():
            begun = self.ledger.youngest_open()
            left = 0.0 if begun is None else begun + SEEN_AFTER - self._now()
            if left <= 0:
                return
            self.pause(min(SEARCH_AGAIN, left))
            self.search(self.ledger.open_types)

    @property
    def engine_proved(self) -> bool:
        """Whether the engine said of each delete that it worked: all that speaks for what we cannot ask about."""
        destroyed = any(
            one.phase is PhaseName.DESTROY and one.status is PhaseStatus.PASSED for one in self._record.phases
        )
        state = self._stack.checkpoint()
        emptied = state.exists and not (state.damaged or state.resources or state.pending)
        return destroyed and emptied and not self.ledger.incomplete

    @property
    def all_answered(self) -> bool:
        """Whether every create was answered, so that the state had all of it by name. A recovery cannot say."""
        ups = [one.status for one in self._record.phases if one.phase is PhaseName.UP]
        return bool(ups) and all(status is PhaseStatus.PASSED for status in ups)

    @property
    def left_to_others(self) -> tuple[ResourceRef, ...]:
        """What the state still holds of providers of the program's own: only they can say whether it is gone."""
        state = self._stack.checkpoint()
        why = "its own provider did not delete it, and only that can tell"
        return tuple(
            ResourceRef(type=one.type, id=one.id or "?", urn=one.urn, reason=why)
            for one in (*state.resources, *state.pending)
            if one.type.startswith(OTHERS)
        )

    def survey(self, known: Iterable[Known]) -> Survey:
        """Ask for each by describe."""
        return survey(self._world.provider(), known, self.patience())

    def ours(self, known: Iterable[Known]) -> list[Known]:
        """Those that may be touched."""
        return [replace(one, ours=True) for one in known if one.ours or self._alone]

    def patience(self) -> float:
        """Seconds for one question."""
        return min(ASKING, max(ASKING_LATE, self._shield.remaining))

    def unblock(self) -> None:
        """Lift what would keep resources of the state from being deleted, in the state and at the target."""
        held = self._stack.checkpoint().resources
        standing = [one for one in held if not (one.imported or one.elsewhere or one.type.startswith(ADOPTED))]
        lifted_now = [
            (Known(type_, id_, self._region_of(standing, type_, id_)), word)
            for type_, id_, word in self._stack.make_deletable()
        ]
        by_region: dict[str, list[StateResource]] = {}
        for one in standing:
            if one.id and one.type in LIFTS and not any(one.inputs.get(name) is True for name in _FORCED):
                by_region.setdefault(one.region or self._record.spec.cell.region, []).append(one)
        for region, members in by_region.items():
            asked = [Asked(one.type, one.id, dict(one.outputs)) for one in members]
            answers = self._world.provider().unblock(region, asked, timeout=max(1.0, self._shield.remaining))
            for one, (lifted, error) in zip(members, answers, strict=True):
                lifted_now += [(Known(one.type, one.id, region, one.urn), word) for word in lifted]
                if error:  # the delete itself will be refused then, and tells the same
                    self._record.note(f"could not unblock {one.type} {one.id}: {error}")
        self._note_unblocked(lifted_now)

    def _region_of(self, standing: list[StateResource], type_: str, id_: str) -> str:
        found = next((one.region for one in standing if (one.type, one.id) == (type_, id_)), None)
        return found or self._record.spec.cell.region

    def _note_unblocked(self, lifted: Iterable[tuple[Known, str]]) -> None:
        """Each into the result; a note for all to which the same was done."""
        names: dict[str, list[str]] = {}
        for known, word in lifted:
            told = ResourceRef(type=known.type, id=known.id, urn=known.urn, region=known.region, reason=word)
            if told not in self._record.unblocked:
                self._record.unblocked.append(told)
                names.setdefault(word, []).append(f"{known.type} {known.id}")
        for word, things in names.items():
            more = f" and {len(things) - _TELL} more" if len(things) > _TELL else ""
            self._record.note(f"unblocked {', '.join(things[:_TELL])}{more}: {word}")

    def free(self, known: Iterable[Known]) -> None:
        """Remove what AWS put into things that are there and that keeps them from being deleted."""
        self.keep_remnants(self.remains(known, blocking=True, remove=True))

    def remains(self, known: Iterable[Known], *, blocking: bool, remove: bool) -> Remains:
        """What AWS keeps of these outside any state, or what holds them; without what is known by itself.

        It is removed when `remove` is said and nobody else may work on the stack.
        """
        keys = {one.key for one in self.ledger.known}
        seen = remains_of(
            self._world.provider(),
            self.ours(known),
            self._record.spec.since or self._world.files.began,
            self.patience(),
            blocking=blocking,
            remove=remove and not self.hands_off,
        )
        found = tuple(
            (parent, one)
            for parent, one in seen.found
            if one.lasting
            or (one.type, one.id) == (parent.type, parent.id)
            or (one.type, one.id, parent.region) not in keys
        )
        return replace(seen, found=found)

    def keep_remnants(self, remains: Remains) -> None:
        """Tell what of these was removed."""
        for parent, one in remains.found:
            if one.gone:
                told = remnant_ref(parent, one, self.endpoint).model_copy(update={"command": ""})
                self._record.remnants.append(told)
                self._record.note(f"removed {one.type} {one.id}, {one.why}")

    def remove(self, targets: Iterable[Known]) -> tuple[Known, ...]:
        """Delete what exists of these without the engine. Returns what is left."""
        if self.hands_off:
            return self.survey(targets).existing
        return remove(
            self._world.provider,
            self.ours(targets),
            self,
            stop=self._shield.stop,
            remaining=lambda: max(1.0, self._shield.remaining),
            patience=self.patience,
        )

    def removed(self, known: Known, lifted: tuple[str, ...]) -> None:
        """It is gone."""
        self._record.deleted += 1
        self._record.note(f"deleted {known.type} {known.id}, which no state held")
        self._note_unblocked((known, word) for word in lifted)

    def refused(self, known: Known, reason: str) -> None:
        """It is there still: it is asked about again, and named when it stays."""
        self._record.note(f"could not delete {known.type} {known.id} yet: {reason}")

    def pause(self, seconds: float) -> None:
        """Wait, unless we must stop."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._shield.stop():
            time.sleep(min(0.05, max(0.0, end - time.monotonic())))


def named(refs: Iterable[ResourceRef]) -> str:
    """The first of them by name."""
    return ", ".join(f"{one.type} {one.id}" for one in list(refs)[:_TELL])
