"""In: the emulator's ASGI application. Out: one that also serves what ministack lacks, on the same port and account.

- CodePipeline, CodeDeploy and Application Auto Scaling are moto's, in this process. It is imported when one of them is
  first asked for (a second, 190 MB), and asked from one thread, for it is not made for several.
- What neither has is answered by `emulator_gaps.py`.

Everything else goes to ministack unread. Which service is meant stands in the signature of a request, where botocore
writes it; the account is ministack's: the access key, if it has 12 digits. Where moto wants to see a thing of a service
that ministack serves (a pipeline's role, the service that is to scale), it is shown ministack's.

Run by the emulator's own interpreter: it imports nothing of the harness.
"""

# What it imports is not installed where it is type-checked.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import asyncio
import io
import json
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

Message: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

MOTO = frozenset({"application-autoscaling", "codedeploy", "codepipeline"})
RESET = "/_ministack/reset"
_CREDENTIAL = re.compile(rb"Credential=([^/]*)/\d{8}/([^/]*)/([^/]*)/aws4_request")
_REFUSED = 400


class Place(NamedTuple):
    """Whose request it is, and where it is made."""

    account: str
    region: str


class Answer(NamedTuple):
    """A whole response."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Beside:
    """The ASGI application. `gaps` is the module `emulator_gaps`."""

    def __init__(self, inner: App, gaps: ModuleType) -> None:
        self._inner = inner
        self._gaps = gaps
        self._state: dict[Place, Any] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="moto")
        self._moto: Any = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = dict(scope.get("headers") or ())
        signed = _CREDENTIAL.search(headers.get(b"authorization", b"")) if scope["type"] == "http" else None
        if signed is None:
            if scope.get("path") == RESET:
                await self._reset()
            await self._inner(scope, receive, send)
            return
        key, region, service = (part.decode("latin-1") for part in signed.groups())
        operation = headers.get(b"x-amz-target", b"").decode("latin-1").rpartition(".")[2]
        answers, listens = self._gaps.ANSWERS.get((service, operation)), self._gaps.LISTENS.get((service, operation))
        if service not in MOTO and not answers and not listens:
            await self._inner(scope, receive, send)
            return
        body = await _whole(receive)
        place = Place(_account(key, region), region)
        if answers:
            answer = self._own(answers, place, body)
        elif service in MOTO:
            running = asyncio.get_running_loop()
            answer = await running.run_in_executor(self._thread, self._by_moto, scope, body, key, place)
        else:
            answer = await _captured(self._inner, scope, body)
        if listens and answer.status < _REFUSED:
            listens(self._of(place), json.loads(body), json.loads(answer.body or b"{}"))
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    def _of(self, place: Place) -> Any:
        """What the gaps keep for this account and region."""
        return self._state.setdefault(place, self._gaps.Kept(*place))

    def _own(self, answers: Callable[[Any, Any], Any], place: Place, body: bytes) -> Answer:
        kind = [(b"content-type", b"application/x-amz-json-1.1")]
        try:
            return Answer(200, kind, json.dumps(answers(self._of(place), json.loads(body))).encode())
        except self._gaps.RefusedError as error:
            return Answer(_REFUSED, kind, json.dumps({"__type": error.code, "message": str(error)}).encode())

    def _by_moto(self, scope: Mapping[str, Any], body: bytes, key: str, place: Place) -> Answer:
        """Called on moto's own thread, which has ministack's account and region for what moto asks of it."""
        _account(key, place.region)
        if self._moto is None:
            self._moto = _moto()
        started: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], *_more: Any) -> None:
            started[:] = [
                int(status.split(maxsplit=1)[0]),
                [(k.lower().encode(), v.encode("latin-1")) for k, v in headers],
            ]

        chunks = self._moto(_environ(scope, body, place), start)
        try:
            said = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close:
                close()
        return Answer(started[0], started[1], said)

    async def _reset(self) -> None:
        self._state.clear()
        if self._moto is not None:
            from moto.moto_api._internal import moto_api_backend

            await asyncio.get_running_loop().run_in_executor(self._thread, moto_api_backend.reset)


def _account(key: str, region: str) -> str:
    """Tell ministack, for this thread or task, whose request it is; it says which account that is."""
    from ministack.core import responses

    responses.set_request_account_id(key)
    responses.set_request_region(region)
    return str(responses.get_account_id())


async def _whole(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _captured(inner: App, scope: dict[str, Any], body: bytes) -> Answer:
    """What the inner application answers to a request whose body was read already."""
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        told.append(message)

    await inner(scope, receive, send)
    start = next(one for one in told if one["type"] == "http.response.start")
    return Answer(start["status"], start.get("headers", []), b"".join(one.get("body", b"") for one in told))


def _environ(scope: Mapping[str, Any], body: bytes, place: Place) -> dict[str, Any]:
    host, port = scope.get("server") or ("127.0.0.1", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"],
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        text = name.decode("latin-1").upper().replace("-", "_")
        environ.setdefault("CONTENT_TYPE" if text == "CONTENT_TYPE" else f"HTTP_{text}", value.decode("latin-1"))
    environ["HTTP_X_MOTO_ACCOUNT_ID"] = place.account
    return environ


def _moto() -> Any:
    """The server of moto as a WSGI application, that sees ministack's roles and services."""
    from moto.applicationautoscaling import exceptions
    from moto.applicationautoscaling import models as scaling
    from moto.codepipeline import models as pipelines
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    def service_exists(_backend: Any, target: str) -> bool:
        from ministack.services import ecs

        _, cluster, service = target.split("/")
        found = ecs._services.get(f"{cluster}/{service}")  # noqa: SLF001 - its state has no other door in this process
        if not found or found.get("status") != "ACTIVE":
            raise exceptions.AWSValidationException(f"ECS service doesn't exist: {target}")
        return True

    def role(arn: str) -> SimpleNamespace:
        from ministack.services import iam

        found = iam._roles.get(arn.rpartition("/")[2])  # noqa: SLF001 - the same
        if not found:
            raise pipelines.IAMNotFoundException(f"Role {arn} not found")
        trust = found["AssumeRolePolicyDocument"]
        return SimpleNamespace(assume_role_policy_document=trust if isinstance(trust, str) else json.dumps(trust))

    scaling.ApplicationAutoscalingBackend._ecs_service_exists_for_target = service_exists  # noqa: SLF001 - of the lock's moto
    pipelines.CodePipelineBackend.iam_backend = property(lambda _backend: SimpleNamespace(get_role_by_arn=role))
    return DomainDispatcherApplication(create_backend_app)
