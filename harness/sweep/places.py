"""Leases and what the person named in; the places to look at out, and those that nobody can look at now, with why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from harness.errors import ConfigError
from harness.model import Lease, LeaseState
from harness.sweep.model import Place, Scope, Unasked

RECENT: Final = timedelta(days=7)
"""How long the places of closed leases are looked at: what was proved gone and comes back does so within hours."""
MOST: Final = 40
"""Accounts of closed leases at emulators, newest first: each cell had its own, and each costs a tenth of a second."""


def check_scope(scope: Scope) -> None:
    """Raises ConfigError for a combination that names no place."""
    if scope.emulator_gone and scope.run is None:
        raise ConfigError(
            "--emulator-gone says nothing without --run",
            hint="add --run ID: it closes leases that nothing was proved of",
        )
    if scope.account is not None and not (scope.account.isascii() and scope.account.isdigit()):
        raise ConfigError(f"--account {scope.account!r} is not an account", hint="give its 12 digits")
    if scope.account is not None and scope.target is None:
        raise ConfigError("--account says nothing without --target", hint="add --target aws, or --target URL")
    if scope.target not in {None, "aws"} and scope.account is None:
        raise ConfigError(
            f"--target {scope.target} does not say which account",
            hint="add --account: on an emulator each cell has its own (harness leases --all shows them)",
        )


def places(leases: Sequence[Lease], scope: Scope, now: datetime) -> tuple[list[Place], list[Unasked]]:
    """Where resources of ours can be, each once; and what was left out."""
    ours = [lease for lease in leases if scope.run in {None, lease.run}]
    open_ones = [lease for lease in ours if lease.state is not LeaseState.CLOSED]
    recent = [lease for lease in ours if lease.state is LeaseState.CLOSED and now - lease.created < RECENT]
    recent.reverse()
    found = [*_named(scope), *(_place(lease, named=True) for lease in open_ones)]
    closed = [_place(lease, named=False) for lease in recent]
    aws = [place for place in closed if place.target == "aws"]
    emulated = _distinct(place for place in closed if place.target != "aws")
    distinct = _distinct([*found, *aws, *emulated[:MOST]])
    wider = [
        place.model_copy(update={"region": region, "named": True}) for place in distinct for region in scope.regions
    ]
    left_out = [
        Unasked(
            target=place.target,
            account=place.account,
            region=place.region,
            reason=f"its lease is closed, and {MOST} newer ones come first",
            matters=False,
        )
        for place in emulated[MOST:]
    ]
    return _distinct([*distinct, *wider]), left_out


def _named(scope: Scope) -> list[Place]:
    if scope.target is None:
        return []
    regions = scope.regions or ("us-east-1",)
    return [Place(target=scope.target, account=scope.account, region=region, named=True) for region in regions]


def _place(lease: Lease, *, named: bool) -> Place:
    return Place(target=lease.target, account=lease.account, region=lease.region, named=named)


def _distinct(found: Iterable[Place]) -> list[Place]:
    """Each once; the first decides whether it was named."""
    return list({place.key: place for place in reversed(list(found))}.values())[::-1]
