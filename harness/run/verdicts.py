"""What the engine or the target said of a failed delete in; whether another attempt can help, and how soon, out.

A table of AWS's error codes and messages, in the words that either provider hands on.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

T = TypeVar("T")


class Verdict(enum.Enum):
    """What an error means for another attempt. In the order in which one decides when several are there."""

    CREDENTIALS = "credentials"  # no attempt can work until somebody renews them
    PASSING = "passing"  # it passes by itself: as long as there is time
    UNKNOWN = "unknown"  # nobody knows this one: a few times
    PERMANENT = "permanent"  # it will be refused again: once more, for permissions spread slowly


_TABLE: Final = (
    (
        Verdict.CREDENTIALS,
        "ExpiredToken|TokenExpired|RequestExpired|InvalidClientTokenId|UnrecognizedClient|InvalidAccessKeyId",
        "SignatureDoesNotMatch|InvalidSignature|MissingAuthenticationToken|NoCredentialProviders",
        "AuthFailure: AWS was not able|security token .{0,40}(?:expired|invalid)|no usable AWS credentials",
        "no valid credential|failed to refresh cached credentials|Token has expired|SSO session .{0,40}expired",
    ),
    (
        Verdict.PASSING,
        # Something else has to go, or to settle, first.
        r"DependencyViolation|ResourceInUse|InUseException|\bInUse\b|DeleteConflict|BucketNotEmpty|RepositoryNotEmpty",
        "OperationAborted|ConcurrentModification|ConcurrentUpdate|ResourceConflict|ConflictException|OptimisticLock",
        "PriorRequestNotComplete|OperationInProgress|UpdateInProgress|PendingVerification|PendingMaintenance",
        r"EntityTemporarilyUnmodifiable|IncorrectState|IncorrectInstanceState|Invalid\w{0,40}State(?:Fault|Exception)?\b",
        "InvalidParameterValue: .{0,80}(?:in use|currently)|has a dependent object|has dependencies|currently in use",
        "is in use|still contains|must be empty|is not empty|Cannot delete .{0,80}while|scheduled for deletion",
        # The target is busy.
        "Throttl|RequestLimitExceeded|TooManyRequests|SlowDown|LimitExceededException|BandwidthLimit|Rate exceeded",
        "ProvisionedThroughputExceeded|InsufficientCapacity",
        # The target, or the way to it, is ill.
        "InternalError|InternalFailure|InternalServer|InternalService|ServiceUnavailable|ServiceFailure|ServerError",
        "ServerException|Service Unavailable|Bad Gateway|Gateway Time-?out|RequestTimeout|StatusCode: 5[0-9][0-9]",
        r"status code:? 5[0-9][0-9]|\b50[0234]\b|does not answer|connection broke|connection ?reset|ConnectionClosed",
        "ConnectionError|connection refused|broken pipe|unexpected EOF|i/o timeout|TLS handshake timeout|no such host",
        "timed out|time-?out|context deadline exceeded|not gone|Could not connect",
        # The provider process, which is started again.
        "transport is closing|code = Unavailable|error reading from server",
    ),
    (
        Verdict.PERMANENT,
        "AccessDenied|UnauthorizedOperation|UnauthorizedAccess|NotAuthorized|AuthorizationError|AuthFailure|Forbidden",
        "OptInRequired|ExplicitDeny|not authorized to perform|InvalidParameter|ValidationError|ValidationException",
        "MalformedPolicy|NotImplemented|UnsupportedOperation|InvalidAction|UnknownOperation|InvalidRequest",
        "ObjectLocked|protected from deletion|deletion ?protection",
    ),
)
_WORDS: Final = tuple((verdict, re.compile("|".join(words), re.IGNORECASE)) for verdict, *words in _TABLE)
_MOST: Final = {Verdict.CREDENTIALS: 1, Verdict.PERMANENT: 2, Verdict.UNKNOWN: 3}  # attempts with the same verdict

FIRST: Final = 1.0  # seconds before the second attempt; each next pause is twice as long
LONGEST: Final = 30.0  # seconds between two attempts, in the end: what AWS lets go of in minutes is seen soon after

HINTS: Final = {
    Verdict.CREDENTIALS: "renew the AWS credentials (aws sso login, or new keys), then",
    Verdict.PERMANENT: "allow the refused action to these credentials, then",
}


def judge(text: str) -> Verdict:
    """What one error means."""
    return next((verdict for verdict, words in _WORDS if words.search(text)), Verdict.UNKNOWN)


def judge_all(texts: Iterable[str]) -> Verdict:
    """What several mean together: expired credentials spoil every attempt; else one error that passes is worth it."""
    found = {judge(text) for text in texts} or {Verdict.UNKNOWN}
    return next(verdict for verdict in Verdict if verdict in found)


@dataclass
class Patience:
    """How often and how long something is tried. `remaining` are the seconds that are left for it.

    `sleep` waits so many seconds, or less when it must stop.
    """

    remaining: Callable[[], float]
    sleep: Callable[[float], None]
    tell: Callable[[str], None] = lambda _text: None

    def persist(self, act: Callable[[], T], verdict: Callable[[BaseException], Verdict | None]) -> T:
        """Do it until it succeeds, or another attempt makes no sense. Raises what the last attempt raised.

        `verdict` judges what was raised; None says that nothing may follow.
        """
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - it is judged below, and raised there
            first = [error]
        import tenacity  # seldom needed

        def again_and_again() -> T:
            if first:
                raise first.pop()
            return act()

        met: list[Verdict | None] = []

        def over(_state: tenacity.RetryCallState) -> bool:
            return self._spent(met) or self.remaining() <= 0

        def again(error: BaseException) -> bool:
            met.append(verdict(error))
            return met[-1] is not None

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(again),
            wait=tenacity.wait_exponential(multiplier=FIRST, max=LONGEST),
            stop=over,
            sleep=lambda pause: self.sleep(min(float(pause), self.remaining())),
            before_sleep=lambda state: self.tell(_said(state)),
            reraise=True,
        )
        return retrying(again_and_again)

    def _spent(self, met: list[Verdict | None]) -> bool:
        """Whether the last verdict came as often, one after the other, as it may."""
        last = met[-1]
        if last is None:
            return True
        row = 0
        for one in reversed(met):
            if one is not last:
                break
            row += 1
        return row >= _MOST.get(last, row + 1)


def _said(state: object) -> str:
    import tenacity

    if not isinstance(state, tenacity.RetryCallState) or state.outcome is None:
        return ""
    pause = state.next_action.sleep if state.next_action else 0.0
    return f"{state.outcome.exception()}; again in {pause:.0f} s"
