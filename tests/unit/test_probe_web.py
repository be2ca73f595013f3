"""`http` and `tcp` against real servers on this machine: good ones pass, a broken one is caught by what it breaks."""

from __future__ import annotations

import http.server
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from probe_tables import once

from harness.probes.registry import ProbeContext, ProbeResult

BODY = b'{"status": "ok", "checks": [{"name": "db", "up": true}]}'
RELEASED = threading.Event()  # the end of an answer that takes long


class Site(http.server.BaseHTTPRequestHandler):
    """A small service with a few faults."""

    def log_message(self, *_args: object) -> None:
        """Tests are quiet."""

    def do_GET(self) -> None:
        """Answer by path."""
        place = self.path.partition("?")[0]
        if place == "/slow":
            RELEASED.wait(5)
        if place in {"/away", "/outside"}:
            self.send_response(302)
            self.send_header("Location", "/health" if place == "/away" else "http://192.0.2.1/health")
            self.end_headers()
            return
        status = {"/broken": 503, "/missing": 404}.get(place, 200)
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("X-Seen", self.headers.get("X-Token", "nothing"))
        self.end_headers()
        self.wfile.write(b"plain words" if place == "/words" else BODY)

    def do_POST(self) -> None:
        """Say back what came."""
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(b"got " + text)


def serving(server: socketserver.BaseServer) -> Iterator[int]:
    """Its port while it serves."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]  # type: ignore[misc]  # an address of the Internet
    RELEASED.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The service's port."""
    RELEASED.clear()
    yield from serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site))


@pytest.fixture(scope="module")
def secure_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The same service behind a certificate that nobody vouches for."""
    folder: Path = tmp_path_factory.mktemp("tls")
    made = ["-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "1", "-subj", "/CN=x"]
    subprocess.run(
        [shutil.which("openssl") or "openssl", "req", "-x509", *made], cwd=folder, check=True, capture_output=True
    )
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    yield from serving(server)


@pytest.fixture
def ask(port: int) -> Callable[..., ProbeResult]:
    """One attempt with this table on an emulator; `BASE` in it is the service."""

    def one(table: str, *, endpoint: str | None = "http://127.0.0.1:1", **outputs: object) -> ProbeResult:
        context = ProbeContext(
            outputs={"base": f"http://127.0.0.1:{port}", "port": port, **outputs},
            region="r",
            suffix="s",
            endpoint=endpoint,
            access_key="1",
            secret_key="2",
            hidden=frozenset({"hunter2"}),
        )
        return once(table, context)

    return one


@pytest.mark.parametrize(
    "more",
    [
        "url = '${base}/health'",
        "url = '${base}/health'\nmethod = 'HEAD'\nstatus = 501",
        "url = '${base}/broken'\nstatus = [500, 503]",
        "url = '${base}/health'\ncontains = 'ok'\njson = { status = 'ok', 'checks[0].up' = true }",
        "url = '${base}/health'\njson = { 'checks[].name' = ['db'] }",
        "url = '${base}/health'\njson = { status = '*' }",
        "url = '${base}/health'\nheaders = { X-Token = 't1' }\nanswer-headers = { x-seen = 't1' }",
        "url = '${base}/health'\nanswer-headers = { content-type = 'json' }",
        "url = '${base}/away'\nstatus = 302\nanswer-headers = { location = '*' }",
        "url = '${base}/away'\nredirects = true\ncontains = ['status', 'ok']",
        "url = '${base}/echo'\nmethod = 'POST'\nbody = 'hello ${port}'\nstatus = 201\ncontains = 'got hello'",
    ],
)
def test_a_service_that_is_as_it_must_be_passes(ask: Callable[..., ProbeResult], more: str) -> None:
    """Status, body, JSON, headers both ways, redirects, methods."""
    result = ask(f"kind = 'http'\n{more}\n")
    assert result.status == "passed", result.detail
    assert "status: " in result.detail


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("url = '${base}/broken'", "status 503, wanted 200"),
        ("url = '${base}/missing'\nstatus = [200, 204]", "status 404, wanted 200 or 204"),
        ("url = '${base}/health'\ncontains = ['ok', 'ready']", "does not hold 'ready'"),
        ("url = '${base}/words'\njson = { status = 'ok' }", "not JSON"),
        ("url = '${base}/health'\njson = { status = 'up' }", "wanted"),
        ("url = '${base}/health'\njson = { 'checks[0].up' = 1 }", "checks[0].up"),
        ("url = '${base}/health'\njson = { version = '*' }", "version"),
        ("url = '${base}/health'\nanswer-headers = { x-seen = 't1' }", "header x-seen: 'nothing'"),
        ("url = '${base}/health'\nanswer-headers = { x-none = '*' }", "header x-none: None"),
        ("url = '${base}/away'", "status 302"),
        ("url = '${base}/slow'\ntimeout = 0.1", "ReadTimeout"),
        ("url = 'http://127.0.0.1:1/'", "no answer from http://127.0.0.1:1/: ConnectError"),
    ],
)
def test_a_service_that_is_not_fails_by_that(ask: Callable[..., ProbeResult], more: str, said: str) -> None:
    """It could be only a matter of time, so it is a failure and not a mistake."""
    result = ask(f"kind = 'http'\n{more}\n")
    assert result.status == "failed", result.detail
    assert said in result.detail


def test_a_certificate_is_looked_at_unless_told_otherwise(ask: Callable[..., ProbeResult], secure_port: int) -> None:
    """`verify = false` accepts any."""
    table = f"kind = 'http'\nurl = 'https://127.0.0.1:{secure_port}/health'\n"
    refused = ask(table)
    assert (refused.status, "CERTIFICATE_VERIFY_FAILED" in refused.detail) == ("failed", True), refused.detail
    assert ask(table + "verify = false\n").status == "passed"


@pytest.mark.parametrize(
    "table",
    [
        "kind = 'http'\nurl = 'https://192.0.2.1/health'\n",
        "kind = 'http'\nurl = '${base}/outside'\nredirects = true\n",
        "kind = 'http'\nurl = 'http://127.0.0.1.nip.example/'\n",
        "kind = 'tcp'\nhost = '192.0.2.1'\nport = 443\n",
        "kind = 'tcp'\nhost = 'db.example.com'\nport = 5432\n",
    ],
)
def test_with_an_emulator_nothing_leaves_this_machine(
    ask: Callable[..., ProbeResult], table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused at once and in words, redirects included, and without so much as a name being looked up."""
    looked_up = []
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *args, **more: looked_up.append(host) or real(host, *args, **more)
    )
    result = ask(table)
    assert result.status == "errored", result.detail
    assert "not sent" in result.detail
    assert "is not this machine, and the target is an emulator" in result.detail
    assert set(looked_up) <= {"127.0.0.1"}


def test_a_proxy_of_the_users_does_not_answer_for_this_machine(
    ask: Callable[..., ProbeResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the environment says."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert ask("kind = 'http'\nurl = '${base}/health'\n").status == "passed"


@pytest.mark.parametrize("url", ["ftp://h/", "no-url", "http://h:port/"])
def test_what_is_no_url_is_a_mistake(ask: Callable[..., ProbeResult], url: str) -> None:
    """No second attempt."""
    result = ask(f"kind = 'http'\nurl = '{url}'\n", endpoint=None)
    assert (result.status, result.attempts) == ("errored", 1), result.detail


def test_secrets_in_a_url_are_not_told(ask: Callable[..., ProbeResult], port: int) -> None:
    """Neither user and password nor the query; and a secret output nowhere, wherever it turns up."""
    told = ask(f"kind = 'http'\nurl = 'http://me:pass1234@127.0.0.1:{port}/missing?token=t0ken'\n").detail
    assert "/missing" in told
    assert "pass1234" not in told
    assert "t0ken" not in told
    told = ask("kind = 'http'\nurl = '${base}/health'\ncontains = '${word}'\n", word="hunter2").detail
    assert "does not hold '[secret]'" in told


@pytest.fixture
def speaker() -> Iterator[int]:
    """Greets in two pieces, then answers one line."""

    class Line(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 ser")
            self.wfile.flush()
            self.wfile.write(b"vice ready\n")
            if self.rfile.readline() == b"PING\n":
                self.wfile.write(b"PONG\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Line)
    server.daemon_threads = True
    yield from serving(server)


@pytest.mark.parametrize("more", ["", "expect = 'service ready'\n", 'send = "PING\\n"\nexpect = "PONG"\n'])
def test_a_port_that_listens_and_says_what_it_must_passes(
    ask: Callable[..., ProbeResult], speaker: int, more: str
) -> None:
    """The greeting may come in pieces."""
    result = ask(f"kind = 'tcp'\nhost = '127.0.0.1'\nport = {speaker}\n{more}")
    assert result.status == "passed", result.detail


def test_a_port_that_says_something_else_fails(ask: Callable[..., ProbeResult], speaker: int) -> None:
    """The evidence says how much came, not what: it may be anything."""
    result = ask(f"kind = 'tcp'\nhost = '127.0.0.1'\nport = {speaker}\nexpect = '250'\ntimeout = 0.2\n")
    assert result.status == "failed"
    assert "said 18 bytes without '250'" in result.detail


def test_a_port_where_nobody_listens_fails(ask: Callable[..., ProbeResult]) -> None:
    """With the system's own words."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    result = ask(f"kind = 'tcp'\nhost = 'localhost'\nport = {free}\n")
    assert result.status == "failed"
    assert "refused" in result.detail


def test_a_server_that_hangs_up_fails(ask: Callable[..., ProbeResult]) -> None:
    """Listening is not enough when something must be said."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        table = f"kind = 'tcp'\nhost = '127.0.0.1'\nport = {server.getsockname()[1]}\nexpect = 'hello'\n"
        assert ask(table).status == "failed"
