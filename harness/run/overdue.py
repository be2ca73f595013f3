"""Signs of life of a cell process in; whether it must be ended, because it is stopped, stuck or late, out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harness.model import Limits
from harness.run.messages import Message
from harness.run.standing import Standing
from harness.world.command import FIRST_GRACE, SECOND_GRACE

# Seconds beyond its own limits that a cell gets before it counts as stuck. To begin its destroy it may wait for the
# engine, twice, and for what that leaves; after the destroy's limit the leak check still asks, each time with a limit.
TO_DESTROY: Final = FIRST_GRACE + SECOND_GRACE + 60.0
AFTER_DESTROY: Final = 180.0
PAUSED: Final = 5.0  # seconds between two looks: longer, and we were stopped ourselves, so silence proves nothing


class Overdue:
    """Watches one cell process. All of it is asked and told by threads of the CLI."""

    def __init__(self, clock: Callable[[], float], limits: Limits, *, recovers: bool) -> None:
        """`recovers`: its first phase is the destroy, but it may have to wait for an earlier process before it."""
        self._clock = clock
        self._limits = limits
        self._recovers = recovers
        self._began = self._heard = self._looked = clock()
        self._asked: float | None = None
        self._destroying: float | None = None
        self.standing = Standing()
        self.hearing = False  # whether what it said is being told right now: a terminal may hold that up

    def hear(self, message: Message) -> None:
        """A message came."""
        self._heard = self._clock()
        self.standing.hear(message)
        if self.standing.destroying and self._destroying is None:
            self._destroying = self._heard

    def asked_to_stop(self) -> None:
        """From now on its destroy must begin soon."""
        if self._asked is None:
            self._asked = self._clock()

    def why(self) -> str | None:
        """What it did not keep, with what was expected; or None. To be asked often."""
        now, before = self._clock(), self._looked
        self._looked = now
        if now - before > PAUSED:
            self._forgive(now - before)
        if self.hearing:
            self._heard = now
            return None
        limits = self._limits
        if now - self._heard > limits.silence:
            return f"gave no sign of life for {limits.silence:.0f} s (--silence-timeout)"
        if self._destroying is not None:
            return _late("destroys", now - self._destroying, limits.destroy + AFTER_DESTROY)
        if self._recovers:
            return _late("waits to destroy", now - self._began, limits.destroy + TO_DESTROY)
        if self._asked is not None:
            return _late("does not begin its destroy", now - self._asked, TO_DESTROY)
        return _late("does not begin its destroy", now - self._began, limits.run + TO_DESTROY)

    def _forgive(self, seconds: float) -> None:
        """Time in which we could not listen counts for nothing."""
        self._heard += seconds
        self._began += seconds
        if self._asked is not None:
            self._asked += seconds
        if self._destroying is not None:
            self._destroying += seconds


def _late(what: str, seconds: float, limit: float) -> str | None:
    return f"{what} for {seconds:.0f} s, and had {limit:.0f} s" if seconds > limit else None
