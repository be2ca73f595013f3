"""A scope in; what is left of earlier runs found, shown to whoever listens and, when asked for, ended, out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from harness.plan.settings_file import read_settings
from harness.run.crew import Audience
from harness.sweep.apply import Apply
from harness.sweep.model import Item, Scope, Sweep, Unasked, in_order
from harness.sweep.places import check_scope
from harness.sweep.survey import Survey
from harness.sweep.unbegun import remove_unbegun
from harness.world.home import database_place, open_home
from harness.world.leases import open_leases

DATABASE_SECONDS: Final = 2.0
"""To wait for somebody who writes: an answer within ten seconds is worth more here than one that is complete."""


def sweep(
    scope: Scope,
    environ: Mapping[str, str],
    audience: Audience,
    tell: Callable[[str], None],
    show: Callable[[Sequence[Item], Sequence[Unasked]], None],
    *,
    apply: bool,
) -> Sweep:
    """Find, show, and with `apply` act. `show` is called once, before anything is done, within ten seconds.

    Raises HarnessError: no home, no database, or malformed settings or scope.
    """
    check_scope(scope)
    began, started = datetime.now(UTC), time.monotonic()
    protects = read_settings(environ).protects
    home = open_home(environ, free_at_least=0)
    leases = open_leases(database_place(home, environ), busy=DATABASE_SECONDS)
    try:
        surveyed = Survey(scope, environ, protects, began).run(leases.listed())
        items = in_order(surveyed.items)
        show(items, surveyed.unasked)
        if apply:
            items = tuple(Apply(surveyed, leases, environ, audience, tell).run(items))
            remove_unbegun(home.runs, began.timestamp())
    finally:
        leases.close()
    return Sweep(
        began=began,
        seconds=round(time.monotonic() - started, 3),
        apply=apply,
        items=in_order(items),
        unasked=tuple(surveyed.unasked),
    )
