"""What a sweep found and did in; lines for people out."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from harness.report.plain import printable
from harness.sweep.model import Action, Item, Outcome, Sweep, Unasked

SHOWN = 5  # resources of one item
_WORDS = {
    Action.CLOSE: "close",
    Action.DESTROY: "destroy",
    Action.DELETE: "delete",
}


def show_sweep(items: Sequence[Item], unasked: Sequence[Unasked], screen: Console, *, apply: bool) -> None:
    """What will be done and why, what is left alone and why, and what could not be asked. Never longer than needed."""
    for item in items:
        verb = _WORDS.get(item.action, "must stay" if item.blocked else "leave")
        would = f"would {verb}" if item.due and not apply else verb
        _line(screen, f"{would}: {_named(item)}: {item.reason}")
        for one in item.resources[:SHOWN]:
            _line(screen, f"    {one.type} {one.id}")
        if len(item.resources) > SHOWN:
            _line(screen, f"    and {len(item.resources) - SHOWN} more")
    for place in unasked:
        _line(screen, f"not asked: {_place(place.target, place.account, place.region)}: {place.reason}")


def conclude_sweep(done: Sweep, screen: Console) -> None:
    """What became of it, in one line; before that a line for each that is left."""
    due = [item for item in done.items if item.due]
    left = [item for item in due if item.outcome is Outcome.LEFT]
    for item in left:
        _line(screen, f"left: {_named(item)}: {item.detail}")
    blocked = sum(item.blocked for item in done.items)
    alone = len(done.items) - len(due) - blocked
    parts = []
    if done.apply and due:
        parts += [f"{len(due) - len(left)} done", *([f"{len(left)} left"] if left else [])]
    elif due:
        parts.append(f"{len(due)} to do: harness sweep --apply")
    parts += [f"{blocked} must be looked at"] if blocked else []
    parts += [f"{alone} left alone"] if alone else []
    missing = sum(one.matters for one in done.unasked)
    parts += [f"{missing} places not asked"] if missing else []
    _line(screen, f"{', '.join(parts) or 'nothing to sweep'} ({done.seconds:.1f} s)")


def _named(item: Item) -> str:
    what = f"run {item.run}" if item.kind == "orphans" else f"{item.cell} (run {item.run})"
    return f"{what} at {_place(item.target, item.account, item.region)}"


def _place(target: str, account: str | None, region: str) -> str:
    return f"{target}, {f'account {account}, ' if account else ''}{region}"


def _line(screen: Console, text: str) -> None:
    screen.print(Text(printable(text)), highlight=False, soft_wrap=True)
