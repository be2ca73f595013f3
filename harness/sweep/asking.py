"""Questions and a deadline in; the answers that came by then out. No question is waited for beyond it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

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
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    with lock:
        for key in questions:
            answer = came.get(key, TimeoutError("no answer in time"))
            if isinstance(answer, Exception):
                answers.missing[key] = answer
            else:
                answers.given[key] = answer
    return answers
