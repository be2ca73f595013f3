"""Things at the target in; what of them cannot be removed without an engine, out: in turns, side by side, in rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Protocol

from harness.errors import WorldError
from harness.run.leaks import survey
from harness.run.ledger import Known
from harness.run.order import turn
from harness.world.provider import Asked, ProviderProcess

ROUNDS = 4  # each frees what the next one can take
AT_ONCE = 8  # of one turn: a database takes minutes, and does not wait for another


class Listener(Protocol):
    """Who hears what became of each."""

    def removed(self, known: Known, lifted: tuple[str, ...]) -> None:
        """It is gone; `lifted` is what had stood in its way."""

    def refused(self, known: Known, reason: str) -> None:
        """It is not gone yet, and why."""


def remove(
    provider: Callable[[], ProviderProcess],
    targets: Iterable[Known],
    listener: Listener,
    *,
    stop: Callable[[], str | None],
    remaining: Callable[[], float],
    patience: Callable[[], float],
) -> tuple[Known, ...]:
    """Remove what exists of these, and lift what stands in the way of it. Returns what is left.

    Whoever calls answers for it that all of it is ours. Of things that are equally far from the network and the keys
    that they stand on, those learnt last go first. `remaining` are the seconds that deletes may take altogether,
    `patience` those for one question. Raises WorldError when the target cannot be asked.
    """
    left = survey(provider(), targets, patience()).existing
    for _ in range(ROUNDS):
        if not left or stop():
            break
        newest_first = left[::-1]
        for _, same_turn in groupby(sorted(newest_first, key=_turn), _turn):
            process = provider()  # started again if it died
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="removal") as pool:
                tries = [(known, pool.submit(_remove_one, process, known, remaining())) for known in same_turn]
            for known, tried in tries:  # told by one thread: whoever listens counts
                try:
                    listener.removed(known, tried.result())
                except WorldError as error:  # not lost: what is left is asked about again, and named when it stays
                    listener.refused(known, error.message)
        left = survey(provider(), left, patience()).existing
    return left


def _turn(known: Known) -> int:
    return turn(known.type)


def _remove_one(provider: ProviderProcess, known: Known, seconds: float) -> tuple[str, ...]:
    return provider.delete(known.region, Asked(known.type, known.id, known.outputs), timeout=seconds)
