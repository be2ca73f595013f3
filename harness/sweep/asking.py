"""Questions and a deadline in; the answers that came by then out. No question is waited for beyond it, or a signal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from harness.run.interrupts import INTERRUPTS

_LOOK = 0.1  # seconds between two looks at whether we were told to stop
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Answers(Generic[K, V]):
    """What came: `given`, and for each question that was not answered why, in `missing`."""

    def __init__(self) -> None:
        self.given: dict[K, V] = {}
        self.missing: dict[K, Exception] = {}


def ask_all(questions: Mapping[K, Callable[[], V]], seconds: float, at_once: int = 8) -> Answers[K, V]:
    """Ask all, `at_once` at a time, within `seconds`. What has not come by then counts as a TimeoutError.

    The threads hold nobody: they are daemons, and whoever is asked has deadlines of his own.
    """
    answers: Answers[K, V] = Answers()
    if not questions:
        return answers
    until = time.monotonic() + seconds
    lock, waiting = threading.Lock(), list(questions.items())[::-1]
    came: dict[K, V | Exception] = {}

    def work() -> None:
        while time.monotonic() < until:
            with lock:
                if not waiting:
                    return
                key, question = waiting.pop()
            try:
                answer: V | Exception = question()
            except Exception as error:  # noqa: BLE001 - it is handed over to whoever asked
                answer = error
            with lock:
                came[key] = answer

    threads = [threading.Thread(target=work, name="asking", daemon=True) for _ in range(min(at_once, len(questions)))]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and time.monotonic() < until and not INTERRUPTS.names:
        _wait(threads, min(_LOOK, until - time.monotonic()))
    with lock:
        for key in questions:
            answer = came.get(key, TimeoutError("no answer in time"))
            if isinstance(answer, Exception):
                answers.missing[key] = answer
            else:
                answers.given[key] = answer
    return answers


def _wait(threads: Sequence[threading.Thread], seconds: float) -> None:
    """For the first of them that still runs."""
    running = next((thread for thread in threads if thread.is_alive()), None)
    if running is not None:
        running.join(max(0.0, seconds))
