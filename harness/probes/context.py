"""What one cell made in, `ProbeContext` out: its outputs and resources, and clients that talk to its target."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Never

# Of one call. AWS throttles a survey of many; the pauses between six (16 s, 31 at most) fit in a probe's usual 30 s.
# An emulator throttles nobody: there the probe is tried again as a whole.
ATTEMPTS_AWS: Final = 6
ATTEMPTS_EMULATOR: Final = 2


class _Outputs(dict[str, Any]):
    """Stack outputs; one that is missing is named together with those that are there."""

    def __missing__(self, name: str) -> Never:
        raise KeyError(f"the stack has no output {name!r}; it has {', '.join(sorted(self)) or 'none'}")


@dataclass(frozen=True)
class StackResource:
    """One resource as the stack's state knows it; whether and how it is at the target, a probe asks."""

    type: str
    """Pulumi's token, such as `aws:s3/bucket:Bucket`."""
    id: str
    name: str
    """Logical name: what the program calls it."""
    region: str | None = None
    """None: that of the cell."""
    urn: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """As in the state, every secret replaced by `[secret]`."""

    def __str__(self) -> str:
        return f"{self.type.rpartition(':')[2]} {self.name!r} ({self.id})"


@dataclass(frozen=True, kw_only=True)
class ProbeContext:
    """What a probe is given: the stack's outputs and resources, and clients that talk to the target and nowhere else.

    Raises:
        ValueError: an endpoint without its own credentials (the user's real ones must never reach an emulator).
    """

    outputs: Mapping[str, Any] = field(repr=False)
    """Plain values; secrets are unwrapped, so nothing here may go into evidence unseen."""
    region: str
    suffix: str
    tags: Mapping[str, str] = field(default_factory=dict)
    """What the harness lays on every taggable resource of the cell."""
    resources: tuple[StackResource, ...] = field(default=(), repr=False)
    """What the stack made, in the order of its state."""
    hidden: frozenset[str] = field(default=frozenset(), repr=False)
    """Values of secret outputs; wherever one turns up in a probe's evidence, `[secret]` stands in its place."""
    endpoint: str | None = None
    """URL of the emulator; None is AWS itself."""
    access_key: str | None = field(default=None, repr=False)
    """None leaves credentials to boto3's own chain."""
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _sessions: list[Any] = field(default_factory=list, init=False, repr=False, compare=False)
    _turns: dict[str, threading.Lock] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.endpoint is not None and not (self.access_key and self.secret_key):
            raise ValueError("an endpoint needs an access key and a secret key of its own")
        object.__setattr__(self, "outputs", _Outputs(self.outputs))

    def client(self, service: str, region: str | None = None) -> Any:
        """Boto3 client of one service (`s3`, `rds`, …), in the cell's region unless another is named.

        Every caller gets the same one; it is safe for threads.
        """
        key = (service, region or self.region)
        with self._lock:  # boto3 sessions are not thread-safe, clients are
            if key not in self._clients:
                self._clients[key] = self._made(*key)
            return self._clients[key]

    def turn(self, subject: str) -> threading.Lock:
        """The lock of whatever probes must not work with at the same time, by its name."""
        with self._lock:
            return self._turns.setdefault(subject, threading.Lock())

    def close(self) -> None:
        """Close the connections of every client."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _made(self, service: str, region: str) -> Any:
        import boto3  # 0.1 s, which reading harness.toml and probes.py must not cost
        from botocore.config import Config

        if not self._sessions:  # one for all clients: what it reads of botocore's data costs 0.1 s each time
            self._sessions.append(boto3.Session(self.access_key, self.secret_key, self.session_token))
        config = Config(
            connect_timeout=5,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS_EMULATOR if self.endpoint else ATTEMPTS_AWS},
            s3={"addressing_style": "path"} if self.endpoint else None,  # bucket.127.0.0.1 is no host
            proxies={} if self.endpoint else None,  # an emulator is on this machine: never through a proxy
        )
        return self._sessions[0].client(service, region_name=region, endpoint_url=self.endpoint, config=config)
