"""Requests and answers over a unix socket, one JSON object per line: how the cell and the launchers reach the process.

request                                                 answer
======================================================  ==========================================================
``{"open": "aws"}``                                     ``{"port": 41234}``; closed again with the connection
``{"presence": {region, items: [{type, id, outputs}]}}``  ``{"answers": [{presence, detail}]}``, in the same order
``{"find": {region, types, tags, account}}``            ``{"found": [{type, id, region, tags}]}``
``{"delete": {region, type, id, outputs, timeout}}``    ``{"deleted": true}``
``{"secrets": {hidden: {urn: [path]}}}``                ``{"secrets": [text]}``
``{"ping": {}}``                                        ``{"pong": true}``
``{"stop": {}}``                                        ``{"stopping": true}``
======================================================  ==========================================================
=======
=========================================================  ==========================================================
request                                                    answer
=========================================================  ==========================================================
``{"open": "aws"}``                                        ``{"port": 41234}``; closed again with the connection
``{"presence": {region, items: [{type, id, outputs}]}}``   ``{"answers": [{presence, detail}]}``, in the same order
``{"find": {region, types, tags, account}}``               ``{"found": [{type, id, region, tags}], searched, failed}``
``{"unblock": {region, items: [{type, id, outputs}]}}``    ``{"answers": [{lifted: [text], error}]}``
``{"remains": {region, items, since, blocking, remove}}``  ``{"answers": [{found: [{type, id, …}], error}]}``
``{"delete": {region, type, id, outputs, timeout}}``       ``{"lifted": [text]}``
``{"secrets": {hidden: {urn: [path]}}}``                   ``{"secrets": [text]}``
``{"ping": {}}``                                           ``{"pong": true}``
``{"stop": {}}``                                           ``{"stopping": true}``
=========================================================  ==========================================================

A request that cannot be served is answered with ``{"error": text}``. An asker that hangs up gives its request up.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any, Protocol

from harness.providers.contract import ProviderError
from harness.providers.flights import Flight

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BACKLOG = 128
_LOOK = 0.1  # seconds between two looks at whether the asker still waits


class RefusedError(Exception):
    """The process answered that it could not; the text says why."""


class Session(Protocol):
    """What serves one connection."""

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Serve one request."""
        ...

    def close(self) -> None:
        """Give up what the connection held."""
        ...


def listen(path: Path) -> socket.socket:
    """Open the listening end. Whoever connects before anybody serves it waits, and is not refused."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(_BACKLOG)
    return listener


def serve(listener: socket.socket, session: type[Session] | Any) -> None:
    """Accept for ever, one thread and one `session()` per connection. Returns when the listener is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_talk, args=(connection, session()), name="control", daemon=True).start()


def _talk(connection: socket.socket, session: Session) -> None:
    try:
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                connection.sendall(json.dumps(_attended(connection, session, line)).encode() + b"\n")
    except OSError as error:
        print(f"control: a connection broke: {error}", file=sys.stderr, flush=True)
    finally:
        session.close()


def _attended(connection: socket.socket, session: Session, line: bytes) -> Mapping[str, Any]:
    """Serve a request while the asker is there: its calls are given up when it is gone."""
    answered = threading.Event()
    with Flight().aboard() as flight:
        watch = threading.Thread(target=_watch, args=(connection, answered, flight), name="asker", daemon=True)
        watch.start()
        try:
            return _answer(session, line)
        finally:
            answered.set()


def _watch(connection: socket.socket, answered: threading.Event, flight: Flight) -> None:
    while not answered.wait(_LOOK):
        try:
            gone = not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:  # nothing to read: they wait
            gone = False
        except OSError:
            gone = True
        if gone:
            flight.cancel()
            return


def _answer(session: Session, line: bytes) -> Mapping[str, Any]:
    try:
        request = json.loads(line)
        if not isinstance(request, dict) or len(request) != 1:
            return {"error": "a request is a JSON object with one name"}
        return session.answer(request)
    except ProviderError as error:
        return {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - one bad request must not end the process that serves the others
        print(f"control: unexpected error\n{traceback.format_exc()}", file=sys.stderr, flush=True)
        return {"error": f"{type(error).__name__}: {error}"}


def ask(path: Path, request: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """Ask once, over a connection of its own, and wait at most `timeout` seconds for each step.

    Raises:
        TimeoutError: no answer in time.
        OSError: nobody listens, or the connection broke.
        RefusedError: the process answered that it could not.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(str(path))
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile("rb") as lines:
            line = lines.readline()
    if not line.endswith(b"\n"):
        raise ConnectionResetError("the provider process ended before it answered")
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise RefusedError(str(answer["error"]))
    return answer
