"""When credentials end, in; a warning in time, and a reason to stop `up` while a destroy still has valid ones, out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from harness.errors import HarnessError, TargetError
from harness.model import Limits
from harness.world.credentials import Expiry

AHEAD: Final = timedelta(minutes=10)  # before work must stop, a person is told
# What renews itself does so late: an instance's role five minutes before the end, botocore's other sources fifteen.
# Still the old ones after that means that their source fails; the destroy has the rest of their time.
RENEWED_BY: Final = timedelta(minutes=4)
ASK_AGAIN: Final = timedelta(seconds=30)  # between two looks at whether they were renewed


def foretell(expiry: Expiry | None, now: datetime, limits: Limits) -> str | None:
    """What a person should know before a run begins; None: nothing.

    Raises:
        TargetError: they end before a destroy would have had its time.
    """
    if expiry is None or (expiry.renewable and expiry.at > now):
        return None
    left = (expiry.at - now).total_seconds()
    if left <= limits.destroy:
        raise TargetError(
            f"the AWS credentials ({expiry.source}) end at {_clock(expiry.at)}, in {max(left, 0):.0f} s, "
            f"and a destroy may need {limits.destroy:.0f} s",
            hint="renew them, use a source that renews them (a role, SSO, credential_process), or a shorter "
            "--destroy-timeout",
        )
    if left >= limits.run + limits.destroy:
        return None
    until = expiry.at - timedelta(seconds=limits.destroy)
    return (
        f"the AWS credentials ({expiry.source}) end at {_clock(expiry.at)} and cannot renew themselves: what is not "
        f"done by {_clock(until)} is stopped, so that the destroy still has {limits.destroy:.0f} s of them"
    )


class CredentialWatch:
    """Asked all the time whether work must stop. Looks the credentials up in a thread, when their end comes near."""

    def __init__(
        self,
        read: Callable[[], Expiry | None],
        now: Callable[[], datetime],
        reserve: float,
        tell: Callable[[str], None],
        start: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        """`reserve` are the seconds that a destroy may need; `start` runs something beside (default: in a thread)."""
        self._read = read
        self._now = now
        self._reserve = timedelta(seconds=reserve)
        self._tell = tell
        self._start = start or (lambda work: threading.Thread(target=work, name="credentials", daemon=True).start())
        self._expiry: Expiry | None = None
        self._asked: datetime | None = None
        self._told: datetime | None = None

    def expiring(self) -> str | None:
        """The reason to stop, or None."""
        now = self._now()
        expiry = self._expiry
        last = self._last(expiry)
        near = last is not None and now >= last - AHEAD
        if self._asked is None or (near and now - self._asked >= ASK_AGAIN):
            self._asked = now
            self._start(self._look)
        if expiry is None or last is None or not near:
            return None
        if now >= last and self._asked > last - ASK_AGAIN:
            return f"the AWS credentials end at {_clock(expiry.at)}, and the destroy needs valid ones (credentials)"
        if self._told != expiry.at and not expiry.renewable:
            self._told = expiry.at
            self._tell(
                f"the AWS credentials end at {_clock(expiry.at)}: unless they are renewed, work stops at {_clock(last)}"
            )
        return None

    def _last(self, expiry: Expiry | None) -> datetime | None:
        """When work must stop at the latest."""
        if expiry is None:
            return None
        return expiry.at - (min(self._reserve, RENEWED_BY) if expiry.renewable else self._reserve)

    def _look(self) -> None:
        try:
            self._expiry = self._read()
        except HarnessError as error:  # what we know of the last ones still counts
            self._tell(f"{error.message}; {error.hint}")


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M:%S} UTC"
