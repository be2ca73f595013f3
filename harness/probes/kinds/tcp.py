"""`tcp`: a host and a port in; that somebody listens there, and what he says first, out."""

from __future__ import annotations

import socket
import time
from typing import Final

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, kind
from harness.probes.model import ProbeFailure
from harness.probes.reach import check_reach

LONGEST: Final = 10.0  # seconds for one attempt
MOST_BYTES: Final = 4096  # of what is said first


class TcpKeys(Keys):
    """`tcp`."""

    host: str = Field(description="a name or an address")
    port: int = Field(ge=1, le=65535, description="1 to 65535")
    send: str = Field(default="", description="text to send once connected")
    expect: str = Field(default="", description="text that must come")


@kind("tcp", "host", "port")
def tcp(context: ProbeContext, keys: TcpKeys) -> str:
    """Something listens on the port, and says what is expected; on an emulator only this machine is asked."""
    check_reach(context, keys.host, keys.port)
    place = f"{keys.host}:{keys.port}"
    limit = min(LONGEST, keys.timeout)
    until = time.monotonic() + limit
    try:
        with socket.create_connection((keys.host, keys.port), timeout=limit) as line:
            line.sendall(keys.send.encode())
            said = _until_expected(line, keys.expect.encode(), until) if keys.expect else b""
    except OSError as error:
        raise ProbeFailure(f"{place}: {error.strerror or error or type(error).__name__}") from error
    if keys.expect.encode() not in said:
        raise ProbeFailure(f"{place} said {len(said)} bytes without {keys.expect!r}")
    return f"{place} listens" + (f" and says {keys.expect!r}" if keys.expect else "")


def _until_expected(line: socket.socket, wanted: bytes, until: float) -> bytes:
    said = b""
    while wanted not in said and len(said) < MOST_BYTES:
        line.settimeout(max(0.01, until - time.monotonic()))
        try:
            chunk = line.recv(MOST_BYTES)
        except TimeoutError:
            break
        if not chunk:
            break
        said += chunk
    return said
