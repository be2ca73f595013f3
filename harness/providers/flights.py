"""Calls that may hang in; their answers, or the news that nobody waits any longer, out: whoever asks can give up.

Python cannot end a thread that waits on the wire, so a call runs in a thread of its own and the asker waits for that,
for the cancel or for the end of its time, whichever is first.
"""

from __future__ import annotations

import contextvars
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

from harness.providers.contract import ProviderError

T = TypeVar("T")

_GRACE: Final = 0.3  # seconds for a last look once the time is over: what exists is handed over with its outputs
_FLIGHT: Final[contextvars.ContextVar[Flight | None]] = contextvars.ContextVar("flight", default=None)
_CALL: Final[contextvars.ContextVar[Future[Any] | None]] = contextvars.ContextVar("call", default=None)


class AbandonedError(ProviderError):
    """Nobody waits for the answer any longer."""


class _UnansweredError(AbandonedError):
    """One question was not answered in its own time; the flight goes on."""


class Flight:
    """One request: what is asked on its behalf ends with it. Safe from many threads.

    `deadline` is on the monotonic clock, in seconds. `each` is how many seconds one question may take, before it is
    asked once more: an answer that was lost costs that time, and not all of it.
    """

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.deadline = math.inf
        self.each = math.inf
        self._lock = threading.Lock()
        self._waiting: set[Future[Any]] = set()
        self._within: set[Flight] = set()

    @contextmanager
    def aboard(self) -> Iterator[Flight]:
        """Make it the flight of this thread; it ends with the one that it is begun within."""
        outer = _FLIGHT.get()
        if outer is not None:
            outer.adopt(self)
        mark = _FLIGHT.set(self)
        try:
            yield self
        finally:
            _FLIGHT.reset(mark)
            if outer is not None:
                outer.part_from(self)

    def cancel(self) -> None:
        """Give up: everything that waits on its behalf is told at once."""
        with self._lock:
            self.cancelled.set()
            calls, flights = list(self._waiting), list(self._within)
        for call in calls:
            with suppress(InvalidStateError):  # it was answered in this very moment
                call.set_exception(AbandonedError("cancelled before the target answered"))
        for flight in flights:
            flight.cancel()

    def call(self, function: Callable[[], T], *, writes: bool) -> T:
        """Run a function that may hang, until it returns or the flight is over.

        After a cancel nothing more is written, and what is read gets a moment only. Raises what the function raises,
        and AbandonedError, which is not definite when `writes`.
        """
        if not writes and not math.isinf(self.each):
            with suppress(_UnansweredError):
                return self._call(function, self.each, writes=False)
            try:
                return self._call(function, self.each, writes=False)
            except _UnansweredError as error:
                raise AbandonedError(f"no answer, twice, within {self.each:g} s") from error
        return self._call(function, math.inf, writes=writes)

    def _call(self, function: Callable[[], T], patience: float, *, writes: bool) -> T:
        call: Future[T] = Future()
        with self._lock:
            cancelled = self.cancelled.is_set()
            if cancelled and writes:
                raise AbandonedError("cancelled before the target was asked")
            if not cancelled:
                self._waiting.add(call)
        left = _GRACE if cancelled else max(self.deadline - time.monotonic(), _GRACE)
        short = patience < left
        left = min(left, patience)
        context = contextvars.copy_context()
        context.run(_CALL.set, call)
        threading.Thread(target=context.run, args=(_answer, call, function), name="call", daemon=True).start()
        try:
            return call.result(None if math.isinf(left) else min(left, threading.TIMEOUT_MAX))
        except TimeoutError as error:
            with suppress(InvalidStateError):
                over = "the time was over before the target answered"
                call.set_exception(_UnansweredError(over) if short else AbandonedError(over, definite=not writes))
                return call.result()
            if call.exception() is error:  # the function's own
                raise
            return call.result()  # it was answered in this very moment
        except AbandonedError as error:
            raise AbandonedError(str(error), definite=error.definite and not writes) from None
        finally:
            with self._lock:
                self._waiting.discard(call)

    def adopt(self, flight: Flight) -> None:
        """Take another along: it is cancelled with this one."""
        with self._lock:
            self._within.add(flight)
            over = self.cancelled.is_set()
        if over:
            flight.cancel()

    def part_from(self, flight: Flight) -> None:
        """It has ended by itself."""
        with self._lock:
            self._within.discard(flight)


def current() -> Flight | None:
    """The flight of this thread."""
    return _FLIGHT.get()


def abandoned() -> bool:
    """Whether nobody waits any longer for the call that this thread makes: it must not begin anything."""
    call = _CALL.get()
    return call is not None and call.done()


def carried(function: Callable[..., T]) -> Callable[..., T]:
    """The function, to be run in other threads as part of this thread's flight."""
    flight = _FLIGHT.get()

    def run(*args: Any) -> T:
        mark = _FLIGHT.set(flight)
        try:
            return function(*args)
        finally:
            _FLIGHT.reset(mark)

    return run


def _answer(call: Future[T], function: Callable[[], T]) -> None:
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is waited for
        with suppress(InvalidStateError):  # nobody waits any longer
            call.set_exception(error)
    else:
        with suppress(InvalidStateError):
            call.set_result(result)
