"""A target's name in; this process unable to reach any other machine, out: an audit hook, for code that is not ours.

Standard library (3.9 and later) only, and nothing of the harness: the interpreters of programs and of the emulator load
it by its path. It sees what Python's own sockets do; what a C library does by itself (libpq, gRPC) it does not. Those
and programs that are not Python are led by the environment: `harness.world.target.program_environment`.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

VARIABLE = "HARNESS_LOOPBACK_ONLY"
"""In the environment of whatever must stay on this machine: the target's name."""
DEAD_END = ("127.0.0.1", 1)
"""A proxy that is none: whoever honours proxies is refused there. Port 1 (tcpmux) is reserved, and served by nobody."""
_MARK = "_harness_loopback"
_HOSTS = "/etc/hosts"
_NAMES = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_ADDRESSES = {"socket.connect", "socket.sendto", "socket.sendmsg"}


def stay_if_told(environ: Any = os.environ) -> None:
    """Stay when the environment says so. A process that stays already does so once."""
    target = environ.get(VARIABLE)
    if target and not getattr(sys, _MARK, False):
        setattr(sys, _MARK, True)
        stay(f"this run stays on this machine (target {target}); use AWS_ENDPOINT_URL, or run with --target aws")


def stay(why: str, *, bind: bool = False) -> None:
    """From now on, refuse every address and name that is not loopback, by PermissionError; with `bind`, to listen too.

    It cannot be undone. Each host is told once on standard error as well, for a caller may keep the refusal to itself.
    """
    told: set[str] = set()
    events = _ADDRESSES | _NAMES | {"socket.getnameinfo"} | ({"socket.bind"} if bind else set())

    def heed(event: str, arguments: tuple[Any, ...]) -> None:
        if event in events and (host := refused(event, arguments)) is not None:
            message = f"{host} was not contacted: {why}"
            if host not in told and sys.stderr is not None:
                told.add(host)
                # In one piece: an unbuffered print writes its line end by itself, and another stream comes between.
                sys.stderr.write(f"refused: {message}\n")
                sys.stderr.flush()
            if _called_by_botocore():
                # botocore tries an OSError four times more, and then tells neither address nor reason.
                raise RuntimeError(message)
            raise PermissionError(errno.EACCES, message)

    sys.addaudithook(heed)


def refused(event: str, arguments: tuple[Any, ...]) -> str | None:
    """What an audit event of a socket wants to reach off this machine; None when it stays."""
    if event in _NAMES:
        return None if _is_local_name(arguments[0]) else _text(arguments[0])
    asks = event == "socket.getnameinfo"
    address = arguments[0] if asks else arguments[1]
    # Unix sockets have texts and kernel sockets have numbers for addresses; both stay.
    is_address = isinstance(address, tuple) and bool(address) and isinstance(address[0], (str, bytes))
    if not is_address or not (asks or _is_internet(arguments[0])):
        return None
    if event != "socket.bind" and tuple(address[:2]) == DEAD_END:
        return _asked_for()
    stays = _is_loopback if event == "socket.bind" else _is_local_name
    return None if stays(address[0]) else f"{_text(address[0])}:{address[1]}"


def _is_internet(socket: Any) -> bool:
    import _socket

    return getattr(socket, "family", _socket.AF_INET) in (_socket.AF_INET, _socket.AF_INET6)


def _is_local_name(host: Any) -> bool:
    """Loopback, or what the machine itself is called where that needs no question to another one."""
    name = _text(host).rstrip(".").lower()
    if not name or name == "localhost" or name.endswith(".localhost"):  # RFC 6761: resolvers ask nobody
        return True
    return _is_loopback(name) or name in ("0.0.0.0", "::") or _is_listed_here(name)  # noqa: S104 - as a destination


def _is_loopback(host: Any) -> bool:
    if _text(host) == "localhost":
        return True
    import ipaddress

    try:
        address = ipaddress.ip_address(_text(host))
    except ValueError:
        return False
    return bool((getattr(address, "ipv4_mapped", None) or address).is_loopback)


def _is_listed_here(name: str) -> bool:
    if name != os.uname().nodename.lower():
        return False
    try:
        with open(_HOSTS, encoding="utf-8", errors="replace") as lines:  # noqa: PTH123 - pathlib is not loaded everywhere
            return any(name in line.partition("#")[0].lower().split()[1:] for line in lines)
    except OSError:
        return False


def _text(host: Any) -> str:
    if host is None:
        return ""
    return host.decode("utf-8", "replace") if isinstance(host, (bytes, bytearray)) else str(host)


def _called_by_botocore() -> bool:
    return any(frame.f_globals.get("__name__") == "botocore.httpsession" for frame in _frames())


def _asked_for() -> str:
    """Whom a client wants to reach that has been sent to the dead end: its frames hold the request."""
    from urllib.parse import urlsplit

    for frame in _frames():
        for name in ("request", "req", "url"):
            one = frame.f_locals.get(name)
            url = one if isinstance(one, str) else getattr(one, "full_url", None) or getattr(one, "url", None)
            if isinstance(url, str) and (host := urlsplit(url).hostname):
                return host
    return "a host off this machine"


def _frames() -> Any:
    frame: Any = sys._getframe(1)  # noqa: SLF001 - CPython's way to look up the stack
    while frame is not None:
        yield frame
        frame = frame.f_back
