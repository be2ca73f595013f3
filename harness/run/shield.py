"""Signals and deadlines in, one stop reason out; and none of them once the destroy has begun."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from harness.model import PhaseName

Clock = Callable[[], float]

_LIMIT = re.compile(r"\((--[a-z-]+|credentials|disk)[^()]*\)$")


class Shield:
    """Whether the work of this cell must stop now, and why.

    Signals, the limits of the run and of a phase, credentials that are about to expire and a full disk stop the work.
    Inside `destroying` they do not: only the destroy's own time limit, which begins with the destroy, can end it.
    """

    def __init__(
        self,
        clock: Clock,
        limit: float,
        tell: Callable[[str], None],
        *,
        phases: Mapping[PhaseName, float] | None = None,
        outside: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`limit` and those of `phases` in seconds. `outside` is a reason to stop that lies outside, or None."""
        self._clock = clock
        self._tell = tell
        self._until = clock() + limit
        self._limit = limit
        self._phases = dict(phases or {})
        self._phase_until: dict[PhaseName, float] = {}
        self._outside = outside
        self._interrupt: str | None = None
        self._destroy_until: float | None = None
        self._destroy_limit = 0.0

    @property
    def interrupted(self) -> str | None:
        """The signal that asked for an end, if one did."""
        return self._interrupt

    def interrupt(self, reason: str, standing: str = "") -> None:
        """A signal came, or the CLI is gone. Safe in a signal handler, as far as `tell` is.

        With `standing` a person is told where the cell stands; empty where somebody else tells them.
        """
        first = self._interrupt is None
        if first:
            self._interrupt = reason
        if not standing:
            return
        if self._destroy_until is not None:
            self._tell(f"{reason}: {standing}; already destroying, this goes on until nothing is left")
        elif first:
            self._tell(f"{reason}: stopping {standing}, then destroying")
        else:
            self._tell(f"{reason}: still stopping {standing}, then destroying")

    @contextmanager
    def phase(self, name: PhaseName) -> Iterator[None]:
        """The time of a phase begins. Phases may run side by side."""
        if name in self._phases:
            self._phase_until[name] = self._clock() + self._phases[name]
        try:
            yield
        finally:
            self._phase_until.pop(name, None)

    def stop(self, phase: PhaseName | None = None) -> str | None:
        """The reason to stop now, or None; `phase` is the one whose limit counts beside the run's.

        A limit's reason ends with the flag that sets it.
        """
        now = self._clock()
        if self._destroy_until is not None:
            if now <= self._destroy_until:
                return None
            return f"the destroy's time limit of {self._destroy_limit:.0f} s is over (--destroy-timeout)"
        if self._interrupt is not None:
            return self._interrupt
        if now > self._until:
            return f"the run's time limit of {self._limit:.0f} s is over (--timeout)"
        until = self._phase_until.get(phase) if phase is not None else None
        if phase is not None and until is not None and now > until:
            return f"the time limit of {self._phases[phase]:.0f} s for {phase} is over (--phase-timeout {phase}=…)"
        return self._outside()

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
        self._destroy_limit = limit
        self._destroy_until = self._clock() + limit
        try:
            yield
        finally:
            self._destroy_until = None


def limit_of(reason: str) -> str:
    """The limit that a reason to stop names: a flag, `credentials` or `disk`; empty for signals."""
    found = _LIMIT.search(reason)
    return found[1] if found else ""


def hint_of(reason: str) -> str:
    """What helps when work was stopped for this reason; empty for signals."""
    limit = limit_of(reason)
    if limit == "credentials":
        return (
            "renew them before the run, or take them from a source that renews them (a role, SSO, credential_process)"
        )
    if limit == "disk":
        return "free some space there and let it be written to, or set HARNESS_HOME to a folder on another disk"
    return f"if it only needed longer, raise {limit}" if limit else ""
