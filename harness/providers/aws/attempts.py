"""Every attempt at a call in; whether one may have worked unheard, and whether another may follow, out.

Calls run on behalf of the thread's flight: when that ends, nobody waits for them, and none is sent any more.

botocore tries again by itself. A create whose first answer was lost and whose second try is refused (`exists already`)
has made something all the same: only who sees each attempt can tell that refusal from an honest one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from harness.providers import flights
from harness.providers.aws.failures import is_lost, is_refused, loses

if TYPE_CHECKING:
    from harness.providers.aws.work import Work

_READING: Final = re.compile(r"(Describe|Get|List|Head|BatchGet|Lookup|Search)[A-Z]")
# A target that is not there yet comes within seconds or not at all; botocore's pauses up to this attempt are 1.6 s.
_REFUSED_TRIES: Final = 6
_REFUSED_TIME: Final = 5.0  # seconds
_BEGUN: Final[ContextVar[float]] = ContextVar("begun", default=0.0)
_CURRENT: Final[ContextVar[tuple[Work, bool] | None]] = ContextVar("current", default=None)


@contextmanager
def watched(work: Work, operation: str) -> Iterator[None]:
    """While a call of this thread runs for `work`: note on it what was sent, and what may have worked unheard."""
    writes = not _READING.match(operation)
    work.sent = work.sent or writes
    mark = _CURRENT.set((work, writes))
    try:
        yield
    finally:
        _CURRENT.reset(mark)


def heed(client: Any) -> None:
    """Make a client report its attempts. To be called once, before it is used."""
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"response-received.{service}", _received)
    client.meta.events.register_first(f"needs-retry.{service}", _no_more)
    client.meta.events.register_first(f"before-send.{service}", _unless_abandoned)
    whole = client._make_api_call  # noqa: SLF001 - every call goes through it, paginators' too; events cannot wait

    def bounded(operation: str, params: Any) -> Any:
        mark = _BEGUN.set(time.monotonic())
        try:
            flight = flights.current()
            if flight is None:
                return whole(operation, params)
            return flight.call(partial(whole, operation, params), writes=not _READING.match(operation))
        finally:
            _BEGUN.reset(mark)

    client._make_api_call = bounded  # noqa: SLF001 - the same


def _unless_abandoned(**_more: Any) -> None:
    """Keep an attempt back that was to follow a pause, when the asker has given up meanwhile."""
    if flights.abandoned():
        raise flights.AbandonedError("given up before it was sent")


def _lost(answer: Any, exception: BaseException | None) -> bool:
    """Whether an attempt may have worked unheard, by the parsed answer or by what was raised instead of one."""
    if exception is not None:
        return is_lost(exception)
    said = answer or {}
    status = int(said.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return loses(status, str(said.get("Error", {}).get("Code", "")))


def _received(parsed_response: Any = None, exception: BaseException | None = None, **_more: Any) -> None:
    current = _CURRENT.get()
    if current is not None and current[1] and _lost(parsed_response, exception):
        current[0].doubt = True


def _no_more(
    operation: Any = None,
    response: Any = None,
    caught_exception: BaseException | None = None,
    attempts: int = 1,
    **_more: Any,
) -> bool | None:
    """False when no further attempt may follow, by what the last one met and who still waits; else botocore decides."""
    if flights.abandoned():
        return False
    if caught_exception is not None and is_refused(caught_exception):
        late = time.monotonic() - _BEGUN.get() > _REFUSED_TIME
        if late or attempts >= _REFUSED_TRIES:
            return False
    current = _CURRENT.get()
    if current is None:
        return None
    work, writes = current
    if work.cancelled.is_set() or time.monotonic() > work.deadline:
        return False
    making = writes and not work.id and not work.repeatable and not operation.idempotent_members
    if making and _lost(response[1] if response else None, caught_exception):
        return False  # a second one would be made, that nobody knows of
    return None
