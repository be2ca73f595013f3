"""What a survey found in; each due item closed, destroyed or deleted, and what became of it, out.

Everything is done by the same process, ladder and leak check as a run's own destroy. Each item is claimed in the
database first, so that of two sweeps one does it; whoever dies over it leaves a lease that the next sweep finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

from harness.errors import ExitCode, HarnessError
from harness.model import (
    Cell,
    CellResult,
    Lease,
    LeaseState,
    Limits,
    PhaseName,
    PhaseStatus,
    Program,
    ProviderName,
    RunResult,
)
from harness.plan.limits import DEFAULT_DESTROY
from harness.run.crew import Audience, lease_state
from harness.run.interrupts import INTERRUPTS
from harness.run.leasing import new_lease
from harness.run.messages import CellSpec
from harness.run.release import close_gone, finished_result, load_spec, release_specs, settle_finished, target_of
from harness.sweep.judge import ORPHANS, is_claim
from harness.sweep.model import Action, Item, Outcome
from harness.sweep.survey import Surveyed
from harness.world.files import CellFiles
from harness.world.hosts import hosted_executable
from harness.world.leases import Leases
from harness.world.open import World, open_world
from harness.world.target import Target

_STACK: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{,99}")  # a name that Pulumi allows, and no path
PARALLEL: Final = 2  # cells of one run at a time; the next run waits


class Apply:
    """Acts on what is due."""

    def __init__(
        self,
        surveyed: Surveyed,
        leases: Leases,
        environ: Mapping[str, str],
        audience: Audience,
        tell: Callable[[str], None],
    ) -> None:
        self._leases_seen = surveyed.leases
        self._leases = leases
        self._environ = environ
        self._audience = audience
        self._tell = tell

    def run(self, items: Sequence[Item]) -> Iterator[Item]:
        """Each item with its outcome, one run after the other. Raises nothing that a target or a disk can cause."""
        for item in items:
            if not item.due:
                yield item
            elif item.action is Action.CLOSE:
                yield self._close(item)
        due = [item for item in items if item.due and item.action is not Action.CLOSE]
        by_world = lambda item: (item.run, item.target)  # noqa: E731 - the key, twice
        for _, group in groupby(sorted(due, key=by_world), key=by_world):
            if told := INTERRUPTS.names:  # what was begun came to its end; the next sweep does the rest
                yield from (_left(item, f"not begun: {told[0]}") for item in group)
            else:
                yield from self._together(list(group))
                INTERRUPTS.leave_with(ExitCode.LEAKED)  # until the last is done, whatever this one came to

    def _lease(self, item: Item) -> Lease:
        return self._leases_seen[item.run, item.cell]

    def _close(self, item: Item) -> Item:
        """Settle what its cell said at its end; or that nothing can be there, because its emulator is gone."""
        lease = self._lease(item)
        result = _last_word(lease)
        try:
            if result is None:
                ours = close_gone(lease, self._leases, item.reason)
            else:
                ours = settle_finished(lease, result, self._leases)
        except HarnessError as error:
            return _left(item, error.message)
        if not ours:
            return _left(item, "somebody else has begun to close it")
        return item.model_copy(update={"outcome": Outcome.DONE, "status": result.status.value if result else ""})

    def _together(self, items: list[Item]) -> Iterator[Item]:
        """Items of one run at one target: one world for all."""
        try:
            specs = {item.cell: self._spec(item) for item in items}
            target = next((target_of(spec) for spec in specs.values() if spec is not None), None)
            target = target or _target(items[0])
            provider: ProviderName = next((spec.provider for spec in specs.values() if spec is not None), "bundled")
            regions = {item.region for item in items}
            with open_world(
                target, provider, items[0].run, self._environ, self._tell, free_at_least=0, regions=regions
            ) as world:
                yield from self._release(items, specs, world)
        except HarnessError as error:
            refused = isinstance(error.__cause__, ConnectionRefusedError)
            more = f"; has it ended for good: --run {items[0].run} --emulator-gone" if refused else ""
            yield from (_left(item, f"{error.message} ({error.hint}{more})") for item in items)

    def _spec(self, item: Item) -> CellSpec | None:
        """What the cell was told; None where it is to be done by the run's tag."""
        return None if item.action is Action.DELETE else load_spec(self._lease(item))

    def _release(self, items: list[Item], specs: Mapping[str, CellSpec | None], world: World) -> list[Item]:
        wanted, others = [], []
        for item in items:
            seen = self._leases_seen.get((item.run, item.cell))
            claims = seen is None or is_claim(seen)
            # At an emulator the account is the cell's alone, and not all in it has the stack's tag: prerequisites.
            alone = item.target != "aws"
            spec = specs[item.cell] or tag_spec(item, world, datetime.now(UTC), whole_run=claims or alone)
            lease = self._claimed(item, spec, world) if seen is None or claims else seen
            if isinstance(lease, str):
                others.append(_left(item, lease))
            else:
                wanted.append((item, lease, spec))
        result = release_specs([(lease, spec) for _, lease, spec in wanted], world, self._audience, parallel=PARALLEL)
        return others + [_outcome(item, result) for item, _, _ in wanted]

    def _claimed(self, item: Item, spec: CellSpec, world: World) -> Lease | str:
        """A lease of ours for what has none: whoever writes it first, or takes it over, does it. Or why it is left."""
        leases, seen = world.leases, self._leases_seen.get((item.run, item.cell))
        ours = leases.take_over(seen) if seen else leases.begin(new_lease(spec, world.account, datetime.now(UTC)))
        if not ours:
            return "somebody else has begun to delete it"
        # The survey is some seconds old: a cell of that run may have begun since, and all that it makes has the tag.
        listed = leases.listed()
        if standing := next((one for one in listed if _stands_for(one, item)), None):
            leases.settle(item.run, item.cell, LeaseState.CLOSED, "a lease stands for it")
            return f"a lease stands for it: {standing.cell} of run {standing.run}"
        return next(one for one in listed if (one.run, one.cell) == (item.run, item.cell))


def _last_word(lease: Lease) -> CellResult | None:
    """What a cell said that came to a good end, when nobody has written it down."""
    result = finished_result(lease) if lease.state is LeaseState.OPEN else None
    return None if result is None or lease_state(result)[0] is LeaseState.LEAKED else result


def _stands_for(lease: Lease, item: Item) -> bool:
    if lease.state is LeaseState.CLOSED or lease.target != item.target or is_claim(lease):
        return False
    return lease.run == item.run or lease.stack in item.stack.split(", ")


def tag_spec(item: Item, world: World, now: datetime, *, whole_run: bool) -> CellSpec:
    """A cell without state: its destroy searches the target for its tags, over all types that can be searched.

    `whole_run` when its stack is not known, or nothing of another can be there: by the run's tag alone.
    """
    directory = world.home.run(item.run) / item.cell
    CellFiles(directory).make()
    program = Program(name=ORPHANS, directory=directory, main=directory)
    cell = Cell(
        name=item.cell,
        program=program,
        # Without a lease it is what somebody's tag says.
        stack=item.stack if not whole_run or _STACK.fullmatch(item.stack) else ORPHANS,
        suffix="",
        region=item.region,
        config={},
        stack_config=None,
        tags={},
    )
    target = _target(item)
    return CellSpec(
        run=item.run,
        cell=cell,
        account=None if target.kind == "aws" else item.account,
        directory=directory,
        engine=hosted_executable(world.engine, world.hosts),
        engine_version=world.engine.version,
        hosts=world.hosts,
        provider="bundled",
        target=target.kind,
        url=target.url,
        limits=Limits(run=DEFAULT_DESTROY, destroy=DEFAULT_DESTROY),
        expires=(now + timedelta(seconds=DEFAULT_DESTROY)).isoformat(timespec="seconds"),
        recover=True,
        since=item.began.timestamp() if item.began else None,
        whole_run=whole_run,
    )


def _target(item: Item) -> Target:
    return Target("aws") if item.target == "aws" else Target("url", item.target)


def _outcome(item: Item, result: RunResult | None) -> Item:
    cell = next((cell for cell in result.cells if cell.cell == item.cell), None) if result else None
    if cell is None:
        return _left(item, "somebody else has begun to destroy it")
    left = (*cell.resources.leaked, *cell.resources.unverified)
    proved = any(phase.phase is PhaseName.LEAK_CHECK and phase.status is PhaseStatus.PASSED for phase in cell.phases)
    if proved and not left:  # however the destroy went
        return item.model_copy(update={"outcome": Outcome.DONE, "status": cell.status.value, "resources": ()})
    detail = cell.error.message if cell.error else f"{len(left)} still there or not asked about"
    return _left(item, detail).model_copy(update={"status": cell.status.value, "resources": left or item.resources})


def _left(item: Item, detail: str) -> Item:
    return item.model_copy(update={"outcome": Outcome.LEFT, "detail": detail})
