"""Leases, a scope and a deadline in; everything that a sweep could act on, judged, out. Nothing is changed.

Every question has its bound, and all together a deadline: what was not answered by then is told, and the next sweep
asks again.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from harness.errors import HarnessError
from harness.model import RUN_TAG, Lease, LeaseState
from harness.plan.naming import is_run_id
from harness.providers.ambient import Ambient
from harness.providers.contract import Found, Search
from harness.run.leasing import worked_on
from harness.run.marks import EMULATOR_SECRET
from harness.run.release import finished_result, load_spec
from harness.sweep.asking import ask_all
from harness.sweep.judge import Protects, Seen, judge_lease, judge_orphans
from harness.sweep.model import Item, Place, Scope, Unasked
from harness.sweep.places import places
from harness.world.cell_lock import is_stopped
from harness.world.files import CellFiles
from harness.world.guards import check_aws
from harness.world.identity import Alive, alive, elsewhere
from harness.world.provider import ProviderProcess
from harness.world.target import Target, check_target

SAY_SECONDS: Final = 7.0
"""For all questions together: with the start of the process and of the provider that is within ten seconds."""
_REACH: Final = 2.0  # seconds that an emulator has to answer for itself
_ACCOUNT: Final = 4.0  # seconds for AWS to say whose the credentials are


@dataclass
class Surveyed:
    """What was found. `leases` are those that items are about, by run and cell."""

    items: list[Item] = field(default_factory=list)
    unasked: list[Unasked] = field(default_factory=list)
    leases: dict[tuple[str, str], Lease] = field(default_factory=dict)


class Survey:
    """One look at everything, for so many seconds."""

    def __init__(
        self,
        scope: Scope,
        environ: Mapping[str, str],
        protects: Protects,
        now: datetime,
        seconds: float = SAY_SECONDS,
    ) -> None:
        self._scope = scope
        self._environ = environ
        self._protects = protects
        self._now = now
        self._patience = seconds / SAY_SECONDS
        self._until = time.monotonic() + seconds
        self._found = Surveyed()
        self._reach: Mapping[str, Exception | None] = {}

    @property
    def _left(self) -> float:
        return max(0.1, self._until - time.monotonic())

    def run(self, leases: Sequence[Lease]) -> Surveyed:
        """Judge the open ones of these, and look for what none of them stands for."""
        here = [lease for lease in leases if lease.target == "aws" or not elsewhere(lease)]
        where, left_out = places(here, self._scope, self._now)
        self._found.unasked += left_out
        self._reach = self._ask_targets({place.target for place in where})
        for lease in leases:
            if lease.state is not LeaseState.CLOSED and self._scope.run in {None, lease.run}:
                self._found.leases[lease.run, lease.cell] = lease
                self._found.items.append(judge_lease(lease, self._see(lease), self._now, self._scope, self._protects))
        self._look_for_orphans([place for place in where if self._reachable(place)], leases)
        return self._found

    def _ask_targets(self, targets: Iterable[str]) -> Mapping[str, Exception | None]:
        """For each emulator why it does not answer, or nothing."""
        urls = sorted(target for target in targets if target != "aws")
        reach = _REACH * self._patience

        def question(url: str) -> Callable[[], None]:
            return lambda: check_target(Target("url", url), seconds=reach)

        answers = ask_all({url: question(url) for url in urls}, min(self._left, 2 * reach))
        return {url: answers.missing.get(url) for url in urls}

    def _see(self, lease: Lease) -> Seen:
        files = CellFiles(Path(lease.directory))
        try:
            embedded, has_state = load_spec(lease).target == "emulator", True
        except HarnessError:
            embedded, has_state = False, False
        held = files.is_held()
        return Seen(
            owner=Alive.NO if _is_ours(lease) else alive(lease),
            held=held,
            stopped=held and is_stopped(files.lock),
            result=finished_result(lease),
            emulator_gone=self._gone(lease, embedded=embedded),
            has_state=has_state,
            out_of_reach=lease.target != "aws" and elsewhere(lease),
        )

    def _gone(self, lease: Lease, *, embedded: bool) -> bool:
        """Whether its emulator has ended for good, with everything in it.

        Of one that is not ours, or on another host, only a person can know that; one that answers has not ended.
        """
        if lease.target == "aws":
            return False
        said = self._scope.emulator_gone and self._scope.run == lease.run
        if elsewhere(lease):
            return said
        trouble = self._reach.get(lease.target)
        refused = trouble is not None and isinstance(trouble.__cause__, ConnectionRefusedError)
        return refused and (embedded or said)

    def _reachable(self, place: Place) -> bool:
        trouble = self._reach.get(place.target)
        if trouble is None:
            return True
        refused = isinstance(trouble.__cause__, ConnectionRefusedError)
        if not refused or (self._scope.target == place.target):
            self._not_asked(place, str(trouble))
        return False

    def _not_asked(self, place: Place, reason: str) -> None:
        told = Unasked(
            target=place.target, account=place.account, region=place.region, reason=reason, matters=place.named
        )
        self._found.unasked.append(told)

    def _look_for_orphans(self, where: list[Place], leases: Sequence[Lease]) -> None:
        where = self._allowed(where)
        if not where:
            return
        with ExitStack() as resources:
            providers = {place.target: place for place in where}
            started = {target: self._provider(place, resources) for target, place in providers.items()}
            questions = {place.key: self._question(started[place.target], place) for place in where}
            answers = ask_all(questions, self._left)
            by_key = {place.key: place for place in where}
            for key, why in answers.missing.items():
                self._not_asked(by_key[key], getattr(why, "message", None) or str(why))
            for key, seen in answers.given.items():
                for said in sorted({*seen.failed.values(), *seen.unseen.values()}):
                    self._not_asked(by_key[key], said)
                self._judge(by_key[key], seen.found, leases)

    def _allowed(self, where: list[Place]) -> list[Place]:
        """AWS only where the allow-list has the account of the credentials, and nowhere else."""
        aws = [place for place in where if place.target == "aws"]
        others = [place for place in where if place.target != "aws"]
        if not aws:
            return others
        regions = {place.region for place in aws}
        told: list[str] = []
        answers = ask_all(
            {"account": lambda: check_aws(self._environ, "bundled", told.append, regions)},
            min(_ACCOUNT * self._patience, self._left),
        )
        for why in answers.missing.values():
            for place in aws:
                self._not_asked(place, getattr(why, "message", None) or str(why))
            return others
        account = answers.given["account"]
        mine: dict[tuple[str, str | None, str], Place] = {}
        for place in aws:
            if place.account in {None, account}:
                own = place.model_copy(update={"account": account})
                mine.setdefault(own.key, own)
            else:
                self._not_asked(place, f"the credentials belong to account {account}")
        return [*others, *mine.values()]

    def _provider(self, place: Place, resources: ExitStack) -> ProviderProcess:
        url = None if place.target == "aws" else place.target
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="harness-sweep-")))
        ambient = Ambient(
            endpoint=url,
            region=place.region,
            access_key=place.account if url else None,
            secret_key=EMULATOR_SECRET if url else None,
        )
        return resources.enter_context(ProviderProcess.start(ambient, folder))

    def _question(self, provider: ProviderProcess, place: Place) -> Callable[[], Search]:
        from harness.providers.aws.registry import resources as declared

        wanted = {RUN_TAG: self._scope.run}
        account = None if place.target == "aws" else place.account
        return lambda: provider.search(place.region, declared(), wanted, account=account, timeout=self._left)

    def _judge(self, place: Place, found: Sequence[Found], leases: Sequence[Lease]) -> None:
        by_run: dict[str, list[Found]] = {}
        for one in found:
            by_run.setdefault(one.tags[RUN_TAG], []).append(one)
        for run in sorted(by_run):
            if not is_run_id(run):  # it would name folders of ours
                del by_run[run]
                reason = f"something carries {RUN_TAG}={run!r}, which no run of ours is called: ignored"
                self._not_asked(place.model_copy(update={"named": False}), reason)
        at_place = [lease for lease in leases if lease.target == place.target]
        leased = {lease.stack for lease in at_place if lease.state is not LeaseState.CLOSED}
        for run, members in sorted(by_run.items()):
            known = [lease for lease in at_place if lease.run == run]
            if any(lease.state is not LeaseState.CLOSED for lease in known):
                continue  # a lease stands for it
            item = judge_orphans(
                place,
                run,
                members,
                self._now,
                scope=self._scope,
                finished=bool(known),
                protects=self._protects,
                at_work=next((told for lease in known if (told := self._at_work(lease))), ""),
                leased=leased,
            )
            self._found.items.append(item)
            for lease in known:
                if lease.cell == item.cell:
                    self._found.leases[run, lease.cell] = lease

    def _at_work(self, lease: Lease) -> str:
        """What shows that the process of a closed lease lives: its run may be about to begin the next cell."""
        if _is_ours(lease):
            return ""
        at_work, evidence = worked_on(lease, self._now)
        return evidence if at_work else ""


def _is_ours(lease: Lease) -> bool:
    """Whether this sweep took it over, or closed it: nobody works on it while we look."""
    return lease.process == os.getpid() and not elsewhere(lease)
