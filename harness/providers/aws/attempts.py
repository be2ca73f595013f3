"""Every attempt at a call in; whether one may have worked unheard, and whether another may follow, out.

botocore tries again by itself. A create whose first answer was lost and whose second try is refused (`exists already`)
has made something all the same: only who sees each attempt can tell that refusal from an honest one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.failures import is_lost, loses

if TYPE_CHECKING:
    from harness.providers.aws.work import Work

_READING: Final = re.compile(r"(Describe|Get|List|Head|BatchGet|Lookup|Search)[A-Z]")
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


def _received(parsed_response: Any = None, exception: BaseException | None = None, **_more: Any) -> None:
    current = _CURRENT.get()
    if current is None or not current[1]:
        return
    if exception is not None:
        lost = is_lost(exception)
    else:
        answer = parsed_response or {}
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        lost = loses(status, str(answer.get("Error", {}).get("Code", "")))
    if lost:
        current[0].doubt = True


def _no_more(**_more: Any) -> bool | None:
    """No further attempt after the operation's deadline or the engine's cancel; otherwise botocore decides."""
    current = _CURRENT.get()
    if current is None:
        return None
    work = current[0]
    return False if work.cancelled.is_set() or time.monotonic() > work.deadline else None
