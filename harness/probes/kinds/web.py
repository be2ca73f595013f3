"""`http`: a URL in; that it answers as it must out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from harness.probes.comparing import Wanted, differences
from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, Numbers, Texts, kind
from harness.probes.model import ProbeFailure
from harness.probes.reach import check_reach

if TYPE_CHECKING:
    import httpx

LONGEST: Final = 30.0  # seconds for one attempt; API Gateway answers or gives up after 29
MOST_BYTES: Final = 1 << 20  # of a body; what comes after them is not read
_PORTS: Final = {"http": 80, "https": 443}


class HttpKeys(Keys):
    """`http`."""

    url: str = Field(description="http://… or https://…")
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = Field(
        default="GET", description="GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
    )
    headers: dict[str, str] = Field(default_factory=dict, description="headers to send, a table of texts")
    body: str = Field(default="", description="text to send")
    status: Numbers = Field(default=[200], description="a status code or a list of them")
    contains: Texts = Field(default=[], description="a text, or a list of them, that the body holds")
    json_equals: Wanted = Field(
        default={}, alias="json", description='a table of JMESPath = value that the JSON body must have; "*": any value'
    )
    answer_headers: dict[str, str] = Field(
        default_factory=dict, description='headers of the answer, each with a text that it holds; "*": any'
    )
    redirects: bool = Field(default=False, description="true follows them, false (default) takes them for the answer")
    verify: bool = Field(default=True, description="false accepts any TLS certificate")


@kind("http", "url")
def http(context: ProbeContext, keys: HttpKeys) -> Mapping[str, Any]:
    """The URL answers with the status, body and headers that it must; on an emulator only this machine is asked."""
    import httpx  # 0.1 s, which reading harness.toml must not cost

    began = time.monotonic()
    try:
        with (
            httpx.Client(
                verify=keys.verify,
                follow_redirects=keys.redirects,
                timeout=min(LONGEST, keys.timeout),
                trust_env=context.endpoint is None,  # a proxy of the user's must not answer for loopback
                event_hooks={"request": [lambda request: _guard(context, request)]},  # each redirect, too
            ) as client,
            client.stream(keys.method, keys.url, headers=keys.headers, content=keys.body or None) as answer,
        ):
            body = _body(answer, began + min(LONGEST, keys.timeout))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise ValueError(f"{_told(keys.url)} is not a URL that can be asked: {error}") from error
    except httpx.HTTPError as error:
        raise ProbeFailure(f"no answer from {_told(keys.url)}: {type(error).__name__}: {error}") from error
    _judge(keys, answer, body)
    return {"url": _told(str(answer.url)), "status": answer.status_code, "bytes": len(body)}


def _guard(context: ProbeContext, request: httpx.Request) -> None:
    url = request.url
    check_reach(context, url.host, url.port or _PORTS.get(url.scheme, 0))


def _body(answer: httpx.Response, until: float) -> bytes:
    """The body as far as it matters. An answer that drips is cut off: each byte would start the time-out anew."""
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            break
        if time.monotonic() > until:
            raise ProbeFailure(f"the answer did not end in time: {len(body)} bytes so far")
    return body[:MOST_BYTES]


def _judge(keys: HttpKeys, answer: httpx.Response, body: bytes) -> None:
    seen = {"url": _told(str(answer.url)), "status": answer.status_code, "bytes": len(body)}
    if answer.status_code not in keys.status:
        raise ProbeFailure(f"status {answer.status_code}, wanted {' or '.join(map(str, keys.status))}", seen)
    text = body.decode(answer.encoding or "utf-8", errors="replace")
    missing = [wanted for wanted in keys.contains if wanted not in text]
    if missing:
        raise ProbeFailure(f"the body does not hold {', '.join(map(repr, missing))}", seen)
    for name, wanted in keys.answer_headers.items():
        value = answer.headers.get(name)
        if value is None or (wanted != "*" and wanted not in value):
            raise ProbeFailure(f"header {name}: {value!r}, wanted {wanted!r}", seen)
    if keys.json_equals:
        _judge_json(keys, text, seen)


def _judge_json(keys: HttpKeys, text: str, seen: Mapping[str, Any]) -> None:
    import json

    try:
        document = json.loads(text)
    except ValueError as error:
        raise ProbeFailure(f"the body is not JSON: {error}", seen) from error
    wrong = differences(document, keys.json_equals)
    if wrong:
        raise ProbeFailure("the JSON body is not as it must be", wrong)


def _told(url: str) -> str:
    """The URL without user, password and query, where secrets stand."""
    import httpx

    try:
        parts = httpx.URL(url)
        return str(parts.copy_with(userinfo=b"", query=None, fragment=None))
    except httpx.InvalidURL:
        return "what the key `url` holds"
