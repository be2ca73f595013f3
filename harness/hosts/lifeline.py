"""The engine's end in, ours out: calls back once when the process that started us is gone or tells us to stop."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Callable

_LOOK = 1.0  # seconds between two looks at the parent, for hosts whose stdin is not the engine's pipe


def on_end(act: Callable[[], None]) -> None:
    """Call `act` in a thread of its own when stdin's pipe closes, the parent changes, or a signal says so.

    The engine holds the other end of our stdin and writes nothing to it, so its end of file is the engine's death,
    even by SIGKILL. SIGINT is the engine's polite request to a plugin that it closes: a terminal's Ctrl-C does not
    reach us, because the engine gives each plugin a process group of its own.
    """
    wake = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: wake.set())
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=_watch_stdin, args=(wake,), daemon=True).start()
    threading.Thread(target=_watch_parent, args=(wake, act), daemon=True).start()


def _watch_stdin(wake: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    wake.set()


def _watch_parent(wake: threading.Event, act: Callable[[], None]) -> None:
    parent = os.getppid()
    while not wake.wait(_LOOK) and os.getppid() == parent:
        pass
    act()
