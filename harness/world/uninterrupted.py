"""Nothing in; a stretch of code that no signal cuts in two, out: what comes meanwhile comes right after it.

A process that is started, and not yet known to whoever is to end it, is lost when a handler raises in between.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Each is a way to be told to stop."""


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Signals for which there is a handler wait until the end of the block, which is to take milliseconds.

    Not a mask: the kernel would give the signal to another thread, and what is started inside would inherit it. Only
    the main thread runs handlers; in others nothing need be done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {number: handler for number in SIGNALS if callable(handler := signal.getsignal(number))}
    try:
        for number in before:
            signal.signal(number, note)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for one in came:
            signal.raise_signal(one)
