"""Language hosts in; their ports out, and this process ended with whoever started it."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from harness.hosts.lifeline import on_end
from harness.hosts.strays import end_strays
from harness.protostubs import load

if TYPE_CHECKING:
    from harness.hosts.language_host import LanguageHost

(_grpc,) = load("language_pb2_grpc")

_MESSAGE_BYTES = 400 * 1024 * 1024  # the limit that the engine and its SDKs use on their own side
OPTIONS = (("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES))
_WORKERS = 16  # concurrent calls: a run and some packs block one each
_SERVERS: list[Any] = []  # a server that nobody holds stops


def serve(host: LanguageHost) -> int:
    """Answer the engine's calls on a free port of loopback; the port."""
    server = grpc.server(ThreadPoolExecutor(max_workers=_WORKERS), options=OPTIONS)
    _grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port: int = server.add_insecure_port("127.0.0.1:0")
    server.start()
    _SERVERS.append(server)
    return port


def leave_with(hosts: Sequence[LanguageHost]) -> NoReturn:
    """Wait until the engine, or whoever started us, is done or gone; end every program then."""
    over = threading.Event()

    def leave() -> None:
        enders = [threading.Thread(target=host.end_all, daemon=True) for host in hosts]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()
        end_strays(lambda _pid: False)
        over.set()

    on_end(leave)
    over.wait()
    os._exit(0)  # nothing is left that must be waited for; gRPC's own shutdown takes longer than the engine waits
