"""A way to the emulator that a test may break: requests in, the emulator's answers or silence out."""

from __future__ import annotations

import http.client
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from harness.protostubs import load
from harness.providers import wire
from harness.providers.ambient import Ambient
from harness.providers.aws import AwsPackage
from harness.providers.contract import ProviderError
from harness.providers.door import Door
from harness.providers.journal import Journal, JournalWriter, read_journal

(_pb,) = load("provider_pb2")
MARK = {"mark": "lost"}


class Wire:
    """The way to an emulator, which can break at one operation: before it arrives, or on the way back."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.operation = b""
        self.delivers = True
        self.answers = 0  # status of an answer of our own; 0 cuts the line
        self.body = b""  # of that answer
        self.times = 99
        self.after = 0  # requests that would be met and still pass
        self.met = 0
        self.hang = Event()
        self.hang.set()
        self.broken = 0
        self.counting = Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                outer.carry(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815 - the base class's names

            def log_message(self, *_args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 128  # the default of 5 makes many at once wait for a second SYN

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def carry(self, request: BaseHTTPRequestHandler) -> None:
        """One request to the emulator and back, or not."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        text = b" ".join((request.command.encode(), request.path.encode(), str(request.headers).encode(), body))
        with self.counting:
            met = bool(self.operation) and self.operation in text
            self.met += met
            cut = met and self.met > self.after and self.broken < self.times
            self.broken += cut
        if not cut or self.delivers:
            status, headers, answer = self.ask(request, body)
        if cut:
            self.hang.wait(30)
            if self.answers:
                request.send_response(self.answers)
                request.send_header("Content-Length", str(len(self.body)))
                request.end_headers()
                with suppress(ConnectionError):
                    request.wfile.write(self.body)
            request.close_connection = True
            return
        request.send_response(status)
        for name, value in headers:
            if name.lower() not in {"content-length", "transfer-encoding", "connection", "date", "server"}:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        with suppress(ConnectionError):  # the client may have hung up
            request.wfile.write(answer)

    def ask(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """What the emulator says."""
        connection = http.client.HTTPConnection(str(self.target.hostname), self.target.port or 80)
        try:
            connection.request(request.command, request.path, body, dict(request.headers))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


def package(url: str, account: str) -> AwsPackage:
    """The package over that account."""
    return AwsPackage(Ambient(endpoint=url, region="eu-central-1", access_key=account, secret_key="x", tags=MARK))


def create(url: str, account: str, folder: Path, token: str, inputs: dict[str, Any]) -> tuple[str, Journal]:
    """Create at the engine's door; what failed, and the journal."""
    writer = JournalWriter(folder / "journal")
    door = Door(package(url, account), writer)
    said = ""
    try:
        door.configure(_pb.ConfigureRequest(args=wire.encode({})))
        asked = wire.encode({**inputs, "tagsAll": MARK})
        door.create(_pb.CreateRequest(urn=f"urn::{token}::it", type=token, name="it", properties=asked))
    except ProviderError as error:
        said = str(error)
    finally:
        writer.close()
    return said, read_journal(folder / "journal")
