"""Settings on stdin in, provider instances on ports of 127.0.0.1 out: the one provider process of a cell.

Started as `python -m harness.providers.process` with one JSON document (`Settings`) as the first line of stdin. It ends
when stdin closes (its owner is gone), on `stop` over the control socket, or on SIGTERM; in-flight creates are cancelled
first and get a few seconds to return what they have. SIGINT is not its affair.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.hosts import loopback
from harness.providers import control
from harness.providers.ambient import Ambient
from harness.providers.contract import ProviderError
from harness.providers.inspection import Inspection
from harness.providers.journal import JournalWriter
from harness.providers.sealed import Sealed
from harness.providers.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.providers.contract import Package, Props
    from harness.providers.server import DoorServer

GRACE = 8.0  # seconds that in-flight creates have to return what they have when the process ends


@dataclass(frozen=True)
class Settings:
    """What the process is told. `listener` is the inherited descriptor of the control socket at `socket`."""

    ambient: Ambient
    packages: tuple[str, ...]
    journal: str | None
    listener: int
    socket: str

    def to_json(self) -> str:
        """Write as one line of JSON; it holds secrets."""
        return json.dumps({**asdict(self), "ambient": json.loads(self.ambient.to_json())})

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Read what `to_json` wrote."""
        document: dict[str, Any] = json.loads(text)
        ambient = Ambient.from_json(json.dumps(document.pop("ambient")))
        return cls(ambient=ambient, packages=tuple(document.pop("packages")), **document)


class Host:
    """Packages and doors of this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._packages: dict[tuple[str, str], Package] = {}
        self._doors: set[DoorServer] = set()
        self._lock = threading.Lock()
        self.journal = JournalWriter(Path(settings.journal)) if settings.journal else None
        self.seen = Seen(Sealed(Path(settings.journal).parent) if settings.journal else None)
        self.inspection = Inspection(self.package, self.journal)
        self.stopping = threading.Event()

    def package(self, name: str, account: str = "") -> Package:
        """Return the package of that name; on an emulator for another account than the cell's, if one is named.

        Raises:
            ProviderError: it is not bundled, or not allowed in this cell.
        """
        if name not in self._settings.packages:
            raise ProviderError(f"the package {name} is not bundled here; use --provider official")
        with self._lock:
            key = (name, account)
            if key not in self._packages:
                ambient = self._settings.ambient
                if account and ambient.endpoint is not None:
                    ambient = replace(ambient, access_key=account)
                self._packages[key] = _load(name, ambient)
            return self._packages[key]

    def open(self, name: str) -> DoorServer:
        """Open a provider instance on a fresh port."""
        from harness.providers.server import DoorServer

        door = DoorServer(self.package(name), self.journal, self.seen)
        with self._lock:
            self._doors.add(door)
        return door

    def shut(self, door: DoorServer) -> None:
        """Close a provider instance."""
        door.close(GRACE)
        with self._lock:
            self._doors.discard(door)

    def end(self) -> None:
        """Close all provider instances, side by side."""
        with self._lock:
            doors = list(self._doors)
        threads = [threading.Thread(target=door.close, args=(GRACE,), daemon=True) for door in doors]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(GRACE + 1)

    def warm_up(self) -> None:
        """Import what the first requests need, while the engine is still starting."""
        import harness.providers.server  # noqa: F401 - for its weight only

        if "aws" in self._settings.packages:
            import botocore.session  # noqa: F401 - for its weight only
        for name in self._settings.packages:
            self.package(name)


class ControlSession:
    """One connection to the control socket, and the provider instances that live as long as it."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._doors: list[DoorServer] = []

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Serve one request."""
        [(name, asked)] = request.items()
        served: dict[str, Callable[[Any], Mapping[str, Any]]] = {
            "open": self._open,
            "presence": lambda ask: {"answers": self._host.inspection.presence(ask["region"], ask["items"])},
            "find": lambda ask: self._host.inspection.find(**ask),
            "unblock": lambda ask: {"answers": self._host.inspection.unblock(ask["region"], ask["items"])},
            "remains": lambda ask: {"answers": self._host.inspection.remains(ask["region"], ask)},
            "delete": self._delete,
            "secrets": lambda ask: {"secrets": self._host.seen.secrets(ask["hidden"])},
            "ping": lambda _: {"pong": True},
            "stop": self._stop,
        }
        if name not in served:
            return {"error": f"unknown request {name!r}"}
        return served[name](asked)

    def _open(self, package: str) -> Mapping[str, Any]:
        door = self._host.open(package)
        self._doors.append(door)
        return {"port": door.port}

    def _delete(self, asked: Props) -> Mapping[str, Any]:
        return {"lifted": self._host.inspection.delete(asked["region"], asked)}

    def _stop(self, _asked: Any) -> Mapping[str, Any]:
        self._host.stopping.set()
        return {"stopping": True}

    def close(self) -> None:
        """Close the instances of this connection."""
        for door in self._doors:
            self._host.shut(door)


def _load(name: str, ambient: Ambient) -> Package:
    match name:
        case "random":
            from harness.providers.random import RandomPackage

            return RandomPackage()
        case "aws":
            from harness.providers.aws import AwsPackage

            return AwsPackage(ambient)
        case _:
            raise ProviderError(f"there is no bundled package {name}; use --provider official")


def _wait_for_owner(stopping: threading.Event) -> None:
    """Read stdin to its end: the other end lives in the owner, and closes with it however that dies."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stopping.set()


def main() -> None:
    """Run until told to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = Settings.from_json(sys.stdin.buffer.readline().decode())
    if settings.ambient.endpoint is not None:
        loopback.stay_if_told({loopback.VARIABLE: settings.ambient.endpoint})
    try:
        host = Host(settings)
    except ProviderError as error:
        sys.exit(f"the provider process cannot start: {error}")
    signal.signal(signal.SIGTERM, lambda *_: host.stopping.set())
    listener = socket.socket(fileno=settings.listener)
    for target, args in (
        (control.serve, (listener, lambda: ControlSession(host))),
        (_wait_for_owner, (host.stopping,)),
        (host.warm_up, ()),
    ):
        threading.Thread(target=target, args=args, daemon=True).start()
    host.stopping.wait()
    host.end()
    # The owner removes it too; this is for an owner that was killed.
    with contextlib.suppress(OSError):
        Path(settings.socket).unlink(missing_ok=True)
        Path(settings.socket).parent.rmdir()
    os._exit(0)  # a call that ignores its cancellation must not keep the process


if __name__ == "__main__":
    main()
