"""Signals to this process in; which came, and whether they mean that nobody wants to wait any longer, out.

Until a run has begun, a signal raises; nothing was made then, and further ones do not cut short what is cleared up for
it. From `hold` on it is only noted, for the cells destroy what they made. Three within two seconds give up; what that
means is up to whoever asks `gives_up`; where nobody asks any more (`leave_with`), or nobody has begun to, the process
ends: at once, or where it is clearing up when that is done, and twelve seconds later at the latest.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from harness.world.uninterrupted import SIGNALS

GIVE_UP_SIGNALS: Final = 3
GIVE_UP_SECONDS: Final = (
    2.0  # GitHub Actions sends SIGINT, SIGTERM 7.5 s later, and kills 2.5 s after that: never three
)
# Seconds. One Ctrl-C in a terminal reaches the whole group, and a wrapper (uv, npm, a shell) passes its own on to us:
# that is one wish. A person's fingers are not that fast.
ECHO: Final = 0.05
CLEARING_SECONDS: Final = 12.0
"""What is being cleared up gets no more when nobody wants to wait: a cell's goodbye and a language host's end, which
have five seconds each, and the folders. Two were too few for what a busy machine takes when nothing hangs."""
_INTERRUPTED: Final = 130  # ExitCode.INTERRUPTED


class ToldToStopError(BaseException):
    """A signal before anything was begun; not a KeyboardInterrupt, which Typer turns into a silent exit."""


class Interrupts:
    """The signals of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, leave: Callable[[int], object] = os._exit) -> None:
        self._clock = clock
        self._leave = leave
        self._names: list[str] = []
        self._times: list[float] = []
        self._raises = self._heeded = False
        self._leaving = False
        self._seen = 0
        self._code: int | None = _INTERRUPTED
        self.hear: Callable[[str], None] = lambda _name: None  # each one, in the handler

    def heed(self) -> None:
        """Every way to be told to stop raises ToldToStopError. `nohup` is honoured."""
        self._raises = self._heeded = True
        self._install()

    def hold(self) -> None:
        """From here on signals are noted only. In a process that heeds them one is for all runs that are to come.

        Raises:
            ToldToStopError: one came before that nobody noticed: Python drops what is raised while it clears up.
        """
        raised, self._raises, self._code = self._raises, False, None
        if not self._heeded:
            self._seen = len(self._names)  # those before were another run's, in somebody else's process
            self._install()
        elif raised and self._names:
            raise ToldToStopError

    def caught(self) -> None:
        """What was raised has arrived: the next ones cut nothing short that tells of it."""
        self._raises = False

    def leave_with(self, code: int) -> None:
        """All is done but for the telling: whoever gives up now ends the process with `code`."""
        self._code = code

    @property
    def names(self) -> list[str]:
        """What came since `hold`, in its order."""
        return self._names[self._seen :]

    @property
    def gives_up(self) -> bool:
        """Whether three came within two seconds."""
        times = self._times[self._seen :]
        ends = times[GIVE_UP_SIGNALS - 1 :]
        return any(last - first <= GIVE_UP_SECONDS for first, last in zip(times, ends, strict=False))

    def receive(self, name: str) -> None:
        """A signal has come; called by the handler."""
        now = self._clock()
        if self._times and now - self._times[-1] < ECHO:
            return
        self._names.append(name)
        self._times.append(now)
        self.hear(name)
        clearing = _clearing_up()
        if self._code is not None and self.gives_up:
            if clearing:
                self._give_up_soon(self._code)
            else:
                self._give_up(self._code)
        if self._raises and not clearing:
            raise ToldToStopError

    def _give_up(self, code: int) -> None:
        os.write(2, b"error: given up after three signals within two seconds\n")
        self._leave(code)

    def _give_up_soon(self, code: int) -> None:
        """What a run that never began had started is gone in a tenth of a second, or in a few on a busy machine."""
        if not self._leaving:
            self._leaving = True
            timer = threading.Timer(CLEARING_SECONDS, self._give_up, (code,))
            timer.daemon = True
            timer.start()

    def _install(self) -> None:
        def handle(number: int, _frame: FrameType | None) -> None:
            self.receive(signal.Signals(number).name)

        for number in SIGNALS:
            if number is signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, handle)


def _clearing_up() -> bool:
    """Whether what was raised is on its way up: some `finally` or `with` on the way is at work.

    Asked of Python, and not noted when it is raised: Python drops what is raised in a finalizer or a callback.
    """
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, ToldToStopError):
        error = error.__context__
    return error is not None


INTERRUPTS: Final = Interrupts()  # a process has one set of handlers


@contextmanager
def held_back() -> Iterator[None]:
    """A process that is started inside gets no signal before it calls `let_in`: its handlers are not there yet."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hold_off() -> None:
    """For the rest of this process's life: Python's own end takes handlers away, and a signal would then kill.

    Ignored, not only blocked: a mask is of this thread, and the kernel gives a signal to any that does not block it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def let_in() -> None:
    """The handlers are there: what came while signals were held back comes now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
