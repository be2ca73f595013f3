"""In: a listening socket, and rules and phases on standard input. Out: a proxy to the target that makes calls fail.

Run as `python -m harness.world.fault_server LISTEN_FD LOG`. The first line of input is a JSON object with `upstream`,
`seed`, `rules` and `phases`; each line that follows is one with the phases that run now, and is answered by `ok`. The
end of the input is the owner's end, SIGKILL included, and so the proxy's. What fired is a JSON line each in the log.

microburst does the work. It is served from here and not by its own command because that has no ephemeral port, no
lifeline and no seed, and its control API, which would forget how often a rule has fired whenever a phase ends, is open
to the program under test.
"""

# microburst has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import sys
import threading
import time
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web
from microburst.core.context import RequestContext
from microburst.core.pipeline import Microburst
from microburst.rules import FiredEvent, Rule, from_dict

_LARGEST = 64 * 1024 * 1024  # bytes of a body that is read to see what it asks for; above 4 MiB microburst streams
_KEEP_ALIVE = 3600.0  # seconds: a connection that we close first fails a call that no rule asked to fail
_ACTIVE: set[str] = set()  # the phases that run now
_CODE: ContextVar[str] = ContextVar("code", default="")  # of the error that the call of this task meets
_QUERY_ERROR = "x-amzn-query-error"


@dataclass
class PhasedRule(Rule):  # type: ignore[misc]  # as above
    """A rule of microburst's, with a number, a glob for operations, phases, and calls that pass first."""

    number: int = 0
    glob: str = "*"
    phases: frozenset[str] = field(default_factory=frozenset)
    after: int = 0

    def matches(self, info: RequestContext) -> bool:
        """Whether the call is one that the rule is for, now."""
        if self.phases and not self.phases & _ACTIVE:
            return False
        if not fnmatchcase(info.operation or "", self.glob) or not super().matches(info):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        return True


class FiredLog(deque[FiredEvent]):
    """Where microburst puts what fired: each goes to the log at once, so that it outlives every process of ours."""

    def __init__(self, path: Path, rules: list[PhasedRule]) -> None:
        super().__init__(maxlen=1)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._stream = os.fdopen(descriptor, "a", encoding="utf-8")
        self._rules = {rule.id: rule for rule in rules}
        self._write({"began": time.time()})

    def append(self, event: FiredEvent) -> None:
        """One more call has met a rule."""
        rule = self._rules[event.rule_id]
        _CODE.set((rule.error and rule.error.code) or "")
        call = f"{event.service or '?'}:{event.operation or '?'}"
        self._write({"ts": event.ts, "rule": rule.number, "call": call, "resource": event.resource or ""})

    def _write(self, entry: dict[str, Any]) -> None:
        self._stream.write(json.dumps(entry) + "\n")
        self._stream.flush()


def _phased(told: dict[str, Any]) -> PhasedRule:
    plain = from_dict(told["rule"])
    own = {one.name: getattr(plain, one.name) for one in fields(plain)}
    phases = frozenset(told["phases"])
    return PhasedRule(**own, number=told["number"], glob=told["operation"], phases=phases, after=told["after"])


@web.middleware
async def _corrected(request: web.Request, handler: Any) -> web.StreamResponse:
    """Two corrections of microburst. The host is called by a name without dots, and codes are what the file says.

    For a numeric one microburst reads every service model there is, to see whether it names a service: 7.7 s and
    450 MB, measured, before the first call is answered. The upstream gets its own name from it in any case.
    """
    answer: web.StreamResponse = await handler(request.clone(headers={**request.headers, "Host": "localhost"}))
    if _QUERY_ERROR in answer.headers and (code := _CODE.get()):
        # microburst puts a namespace before every code of SQS. AWS does so for some only, none of those that an SDK
        # tries again after: a throttle would not be seen as one. The fault file says what the code is.
        side = "Receiver" if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Sender"
        answer.headers[_QUERY_ERROR] = f"{code};{side}"
    return answer


def _heed_owner() -> None:
    """Take the phases from standard input; end with it. Nothing here needs tidying up."""
    for line in sys.stdin:
        _ACTIVE.clear()
        _ACTIVE.update(json.loads(line)["phases"])
        print("ok", flush=True)
    os._exit(0)


async def _serve(listening: socket.socket, proxy: Microburst) -> None:
    app = web.Application(client_max_size=_LARGEST, middlewares=[_corrected])
    app.on_startup.append(proxy.start)
    app.on_cleanup.append(proxy.stop)
    app.router.add_route("*", "/{tail:.*}", proxy.handle_proxy)
    runner = web.AppRunner(app, handle_signals=False, access_log=None, keepalive_timeout=_KEEP_ALIVE)
    await runner.setup()
    await web.SockSite(runner, listening, backlog=socket.SOMAXCONN).start()
    await asyncio.Event().wait()


def main() -> None:
    """Serve until the owner's end."""
    listening = socket.socket(fileno=int(sys.argv[1]))
    line = sys.stdin.readline()
    if not line:
        return
    told = json.loads(line)
    random.seed(told["seed"])
    _ACTIVE.update(told["phases"])
    proxy = Microburst(told["upstream"], resign=False)
    rules = [_phased(rule) for rule in told["rules"]]
    proxy.engine.rules.extend(rules)
    proxy.fired = FiredLog(Path(sys.argv[2]), rules)
    threading.Thread(target=_heed_owner, name="owner", daemon=True).start()
    asyncio.run(_serve(listening, proxy))


if __name__ == "__main__":
    main()
