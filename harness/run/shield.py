"""Signals and deadlines in, one stop reason out; and none of them once the destroy has begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Clock = Callable[[], float]


class Shield:
    """Whether the work of this cell must stop now, and why.

    Signals and the run's time limit stop `up`. Inside `destroying` they do not: only the destroy's own time limit,
    which begins when the destroy begins, can end it.
    """

    def __init__(self, clock: Clock, limit: float, tell: Callable[[str], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._until = clock() + limit
        self._limit = limit
        self._interrupt: str | None = None
        self._destroy_until: float | None = None

    @property
    def interrupted(self) -> str | None:
        """The signal that asked for an end, if one did."""
        return self._interrupt

    def interrupt(self, reason: str) -> None:
        """A signal came, or the CLI is gone. Only sets a flag: safe in a signal handler."""
        if self._interrupt is None:
            self._interrupt = reason
        if self._destroy_until is not None:
            self._tell(f"{reason}: already destroying, this goes on until nothing is left")

    def stop(self) -> str | None:
        """The reason to stop now, or None."""
        if self._destroy_until is not None:
            return "the destroy's time limit is over" if self._clock() > self._destroy_until else None
        if self._interrupt is not None:
            return self._interrupt
        return f"the run's time limit of {self._limit:.0f} s is over" if self._clock() > self._until else None

    @property
    def remaining(self) -> float:
        """Seconds until the limit that counts now; never negative."""
        until = self._until if self._destroy_until is None else self._destroy_until
        return max(0.0, until - self._clock())

    @contextmanager
    def sparing(self, seconds: float) -> Iterator[None]:
        """Inside, the destroy's time is over so much sooner: what comes after it needs some of it."""
        until = self._destroy_until
        self._destroy_until = until - seconds if until is not None else None
        try:
            yield
        finally:
            self._destroy_until = until

    @contextmanager
    def destroying(self, limit: float) -> Iterator[None]:
        """From here on nothing but `limit` seconds can stop the work."""
        self._destroy_until = self._clock() + limit
        try:
            yield
        finally:
            self._destroy_until = None
