"""Probes and a context in, results out: several at once, each tried until it passes, breaks, or its time is over.

What may be only a matter of time (a failed assertion, a refusal by AWS, a broken connection) is tried again until the
probe's deadline; a mistake in the probe itself ends it at once.
"""

from __future__ import annotations

import http.client
import sys
import threading
import time
import traceback
import urllib.error
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import tenacity

from harness.probes.context import ProbeContext
from harness.probes.evidence import at, explained, hidden, told
from harness.probes.model import Probe, ProbeFailure, ProbeResult, ProbeStatus

GRACE_SECONDS: Final = 5.0
"""How long after its deadline a probe that does not come back is waited for."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0
PARALLEL: Final = 8


def _passing() -> tuple[type[BaseException], ...]:
    """What time may mend. Of httpx's errors only when somebody imported it: nobody else can raise one."""
    from botocore.exceptions import ClientError, HTTPClientError, WaiterError
    from botocore.exceptions import ConnectionError as AwsConnectionError

    web = sys.modules.get("httpx")
    return (
        *(AssertionError, ProbeFailure, ConnectionError, TimeoutError),
        *(ClientError, WaiterError, AwsConnectionError, HTTPClientError),
        *(urllib.error.URLError, http.client.HTTPException),
        *((web.HTTPError,) if web is not None else ()),
    )


def run_probe(
    which: Probe,
    context: ProbeContext,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    grace: float = GRACE_SECONDS,
    stop: threading.Event | None = None,
) -> ProbeResult:
    """Run it until it passes, breaks, or its time is over; never raises for what the probe does.

    An attempt that does not come back is left behind in its daemon thread `grace` real seconds after the deadline.
    `clock` and `sleep` are in seconds; once `stop` is set no further attempt is made.
    """
    began = clock()
    deadline = began + which.timeout
    tried: list[str] = []  # an entry per attempt: what it said, or nothing yet
    ended: list[tuple[ProbeStatus, str]] = []
    growing = tenacity.wait_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE)
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, _passing())),
        stop=lambda _: clock() >= deadline or (stop is not None and stop.is_set()),
        wait=lambda state: max(0.0, min(growing(state), deadline - clock())),
        sleep=sleep,
        reraise=True,
    )

    def attempt() -> str:
        tried.append("")
        try:
            return told(which(context))
        except BaseException as error:
            tried[-1] = explained(error, which)
            raise

    def work() -> None:
        try:
            ended.append((ProbeStatus.PASSED, retrying(attempt)))
        except BaseException as error:  # noqa: BLE001 - whatever a probe throws, even SystemExit, is its result
            status = ProbeStatus.FAILED if isinstance(error, _passing()) else ProbeStatus.ERRORED
            ended.append((status, (tried and tried[-1]) or explained(error, which)))

    worker = threading.Thread(target=work, name=f"probe {which.name}", daemon=True)
    worker.start()
    worker.join(which.timeout + grace)
    status, detail = ended[0] if ended else (ProbeStatus.FAILED, _abandoned(which, worker, tried, grace))
    return ProbeResult(which.name, status, len(tried), clock() - began, hidden(detail, context.hidden), kind=which.kind)


def run_probes(
    probes: Sequence[Probe],
    context: ProbeContext,
    parallel: int = PARALLEL,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[ProbeResult]:
    """Run all, at most `parallel` at once; results in the order of `probes`. An exception here (a signal) ends them."""
    stop = threading.Event()
    pool = ThreadPoolExecutor(parallel, thread_name_prefix="probes")
    try:
        return list(pool.map(lambda each: run_probe(each, context, clock=clock, sleep=sleep, stop=stop), probes))
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _abandoned(which: Probe, worker: threading.Thread, tried: list[str], grace: float) -> str:
    stack = sys._current_frames().get(worker.ident or 0)  # noqa: SLF001 - the documented way to ask where a thread is
    where = "nowhere" if stack is None else at(traceback.extract_stack(stack), which)
    text = f"gave up {which.timeout:g} + {grace:g} s after the start: attempt {len(tried)} has not come back"
    before = f"; the one before said: {tried[-2]}" if len(tried) > 1 else ""
    return f"{text}, it is at {where}{before}"
