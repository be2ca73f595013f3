"""A lease, or what carries a run's tag, and the time in; what is to be done about it and why out. Asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from harness.model import EXPIRES_TAG, STACK_TAG, CellResult, Lease, LeaseState, ResourceRef
from harness.providers.contract import Found
from harness.run.crew import lease_state
from harness.run.leasing import spoken, worked_on
from harness.sweep.model import Action, Item, Place, Scope
from harness.world.identity import Alive

LONGEST: Final = timedelta(days=1)
"""How long a cell may have lived before it expired: run, destroy and a kept environment take 9.5 hours by default."""
ORPHANS: Final = "orphans"  # the project of a lease that claims what has none
Protects = Callable[[str], str | None]  # a stack's name in, the pattern that protects it out


@dataclass(frozen=True, slots=True)
class Seen:
    """What this machine sees of a lease: its owner, whether a cell process works on it, and what the cell said last."""

    owner: Alive
    held: bool
    result: CellResult | None
    emulator_gone: bool
    has_state: bool
    out_of_reach: bool = False  # at the loopback interface of another host
    stopped: bool = False  # the cell process that works on it is stopped (SIGSTOP)


def judge_lease(lease: Lease, seen: Seen, now: datetime, scope: Scope, protects: Protects) -> Item:
    """An open lease. What is not due says until when, or by what it is held."""
    action, reason, blocked = _judge_lease(lease, seen, now, protects)
    age = (now - lease.created).total_seconds()
    if (action is not Action.NONE or blocked) and age < scope.older_than:
        action, reason, blocked = Action.NONE, f"opened {spoken(age)} ago: not as old as asked; {reason}", False
    return Item(
        kind="lease",
        run=lease.run,
        cell=lease.cell,
        stack=lease.stack,
        target=lease.target,
        region=lease.region,
        account=lease.account,
        expires=lease.expires,
        began=lease.created,
        action=action,
        reason=reason,
        blocked=blocked,
    )


def _judge_lease(lease: Lease, seen: Seen, now: datetime, protects: Protects) -> tuple[Action, str, bool]:
    expired = now >= lease.expires
    overdue = f"expired {spoken((now - lease.expires).total_seconds())} ago" if expired else ""
    at_work, evidence = worked_on(lease, now, lambda _: seen.owner)
    if lease.state is LeaseState.OPEN and at_work:
        return Action.NONE, f"{overdue}, but {evidence}" if expired else evidence, False
    if seen.held and not seen.stopped:
        # Once it has expired, its limits for run and destroy are behind it, and nobody watches over it.
        told = (
            "its cell process still runs; when it has ended, a sweep destroys"
            if expired
            else "its cell destroys by itself"
        )
        return Action.NONE, f"{evidence}; {told}", expired
    if lease.state is LeaseState.KEPT and not expired and not seen.emulator_gone:
        return Action.NONE, f"kept on request until {lease.expires:%Y-%m-%d %H:%M} UTC", False
    why = _why(lease, evidence, overdue) + ("; its cell process is stopped" if seen.stopped else "")
    if seen.out_of_reach and not seen.emulator_gone:
        said = f"at an emulator of {lease.host}, which only a sweep there can ask (or --emulator-gone, when it ended)"
        return Action.NONE, f"{said}; {why}", False
    if proof := _proof(lease, seen, expired=expired):
        return Action.CLOSE, f"{proof}; {why}", False
    return _destroy(lease, seen, why, protects)


def _proof(lease: Lease, seen: Seen, *, expired: bool) -> str:
    """What shows that only the lease is left to be written, or nothing."""
    if seen.emulator_gone:
        return "its emulator has ended, and everything in it"
    if lease.state is LeaseState.OPEN and seen.result is not None:
        state, said = lease_state(seen.result)
        if state is LeaseState.CLOSED:
            return f"its cell finished by itself ({said})"
        if state is LeaseState.KEPT and not expired:
            return "its cell kept the environment on request"
    return ""


def _destroy(lease: Lease, seen: Seen, why: str, protects: Protects) -> tuple[Action, str, bool]:
    if pattern := protects(lease.stack):
        return Action.NONE, f"protected by the pattern {pattern!r}; {why}", True
    if not seen.has_state:
        return Action.DELETE, f"{why}; its state is not on this machine: by the run's tag", False
    return Action.DESTROY, why, False


def _why(lease: Lease, evidence: str, overdue: str) -> str:
    if lease.state is LeaseState.LEAKED:
        return f"it was left: {lease.reason}"
    if lease.state is LeaseState.KEPT:
        return overdue or "kept on request"
    return f"{overdue}; {evidence}" if overdue else evidence


def judge_orphans(
    place: Place,
    run: str,
    found: Sequence[Found],
    now: datetime,
    *,
    scope: Scope,
    finished: bool,
    protects: Protects,
    at_work: str = "",
    leased: Collection[str] = (),
) -> Item:
    """What carries one run's tag at one place, and has no open lease here. `finished`: we know the run, it is closed.

    `at_work` is what shows that its process goes on: it may be between two cells. `leased` are the stacks there that
    open leases stand for. Somebody else's lease may stand for it in another database: before its own `harness:expires`
    it is left alone.
    """
    expiries = [_moment(one.tags.get(EXPIRES_TAG)) for one in found]
    known = [moment for moment in expiries if moment is not None]
    until = max(known, default=None)
    stacks = sorted({one.tags[STACK_TAG] for one in found if one.tags.get(STACK_TAG)})
    if len(known) < len(found):
        until = None
    action, reason, blocked = _judge_orphans(run, until, now, scope, finished=finished)
    if at_work:
        action, reason, blocked = Action.NONE, f"its run is not over: {at_work}", False
    elif held := next((stack for stack in stacks if stack in leased), None):
        action, reason, blocked = Action.NONE, f"a lease of its stack {held} is open", False
    pattern = next((pattern for stack in stacks if (pattern := protects(stack))), None)
    if pattern:
        action, reason, blocked = (
            Action.NONE,
            f"protected by the pattern {pattern!r}; {reason}",
            action is Action.DELETE,
        )
    return Item(
        kind="orphans",
        run=run,
        cell=_claim(place.account, place.region),
        stack=", ".join(stacks),
        target=place.target,
        region=place.region,
        account=place.account,
        expires=until,
        began=min(known) - LONGEST if known else None,
        action=action,
        reason=reason,
        blocked=blocked,
        resources=tuple(ResourceRef(type=one.type, id=one.id) for one in found),
    )


def _judge_orphans(
    run: str, until: datetime | None, now: datetime, scope: Scope, *, finished: bool
) -> tuple[Action, str, bool]:
    if scope.run == run:
        return Action.DELETE, "no lease; it was asked for by --run", False
    if finished and not scope.older_than:
        return Action.DELETE, "the run's leases are closed, and it is still there", False
    if until is None:
        return Action.NONE, f"no lease, and no harness:expires tag: --run {run} deletes it", True
    if now < until:
        return Action.NONE, f"no lease here; somebody else's until {until:%Y-%m-%d %H:%M} UTC", False
    age = (now - until).total_seconds()
    if age < scope.older_than:
        return Action.NONE, f"no lease, expired {spoken(age)} ago: not as old as --older-than says", False
    return Action.DELETE, f"no lease, expired {spoken(age)} ago", False


def _claim(account: str | None, region: str) -> str:
    return f"{ORPHANS}-{account or 'own'}-{region}"


def is_claim(lease: Lease) -> bool:
    """Whether a sweep opened the lease, for what had none; a program may well have that name."""
    return lease.project == ORPHANS and lease.cell in {_claim(who, lease.region) for who in (lease.account, None)}


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
