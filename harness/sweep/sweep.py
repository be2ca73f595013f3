"""A scope in; what is left of earlier runs found, shown to whoever listens and, when asked for, ended, out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from harness.plan.settings_file import read_settings
from harness.run.crew import Audience
from harness.run.interrupts import INTERRUPTS
from harness.sweep.apply import Apply
from harness.sweep.model import Item, Outcome, Scope, Sweep, Unasked, in_order
from harness.sweep.places import check_scope
from harness.sweep.survey import SAY_SECONDS, Survey, Surveyed
from harness.sweep.unbegun import remove_unbegun
from harness.world.home import database_place, open_home
from harness.world.leases import open_leases

DATABASE_SECONDS: Final = 2.0
"""To wait for somebody who writes: an answer within ten seconds is worth more here than one that is complete."""

PATIENCE_SECONDS: Final = 30.0
"""For places that did not answer before something was shown; who acts has the time to ask them once more."""


def sweep(
    scope: Scope,
    environ: Mapping[str, str],
    audience: Audience,
    tell: Callable[[str], None],
    show: Callable[[Sequence[Item], Sequence[Unasked]], None],
    *,
    apply: bool,
) -> Sweep:
    """Find, show, and with `apply` act. `show` is called before anything is done, within ten seconds.

    With `apply` it is called again when places answer late that did not answer by then.

    Raises HarnessError: no home, no database, or malformed settings or scope.
    """
    check_scope(scope)
    began, started = datetime.now(UTC), time.monotonic()
    protects = read_settings(environ).protects
    home = open_home(environ, free_at_least=0)
    leases = open_leases(database_place(home, environ), busy=DATABASE_SECONDS)
    try:

        def look(seconds: float) -> Surveyed:
            return Survey(scope, environ, protects, datetime.now(UTC), seconds).run(leases.listed())

        def act(surveyed: Surveyed, items: Sequence[Item]) -> list[Item]:
            show(items, surveyed.unasked)
            return list(Apply(surveyed, leases, environ, audience, tell).run(items)) if apply else list(items)

        surveyed = look(SAY_SECONDS)
        items = act(surveyed, in_order(surveyed.items))
        if apply and any(one.matters for one in surveyed.unasked) and not INTERRUPTS.names:
            tell(f"what was not asked is asked once more, for up to {PATIENCE_SECONDS:.0f} s")
            again = look(PATIENCE_SECONDS)
            if told := INTERRUPTS.names:  # the second look was cut short: the first one is what is known
                tell(f"{told[0]}: nothing more is asked")
            else:
                settled, late = _sorted_out(items, surveyed.unasked, again.items)
                items, surveyed = [*settled, *act(again, late)], again
        if apply:
            remove_unbegun(home.runs, began.timestamp())
    finally:
        leases.close()
    done = Sweep(
        began=began,
        seconds=round(time.monotonic() - started, 3),
        apply=apply,
        items=in_order(items),
        unasked=tuple(surveyed.unasked),
    )
    INTERRUPTS.leave_with(done.exit_code)
    return done


def _sorted_out(
    first: Sequence[Item], silent: Sequence[Unasked], second: Sequence[Item]
) -> tuple[list[Item], Sequence[Item]]:
    """What is settled after the first look, and what the second adds: what was left because a place was silent, too.

    What was left stays left, unless the second look finds it due: it may not even have been seen there.
    """
    places = {(place.target, place.region) for place in silent if place.matters}
    due = {_key(item) for item in second if item.due and (item.target, item.region) in places}
    settled = [item for item in first if item.outcome is not Outcome.LEFT or _key(item) not in due]
    known = {_key(item) for item in settled}
    return settled, in_order([item for item in second if _key(item) not in known])


def _key(item: Item) -> tuple[str, str, str, str]:
    return item.run, item.cell, item.target, item.region
