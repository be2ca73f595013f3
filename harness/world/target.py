"""In: what `--target` said. Out: a `Target`, whether it answers, and the environment in which programs see it."""

from __future__ import annotations

import http.client
import ipaddress
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from harness.errors import TargetError
from harness.hosts import loopback

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

TargetKind = Literal["emulator", "url", "aws"]
CHECK_SECONDS: Final = 3.0
_FORMS: Final = "use --target emulator, --target aws, or an emulator of yours such as --target http://127.0.0.1:4566"
GUARD: Final = str(Path(loopback.__file__).with_name("site"))
"""On PYTHONPATH: a folder whose sitecustomize keeps every Python on this machine."""
_LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "::1")
_PORTS: Final = range(1, 65536)
_RESERVED_ACCOUNTS: Final = frozenset({"000000000000", "123456789012"})
"""What emulators and examples use when nobody chose an account: whatever lies there is nobody's."""
_ANSWER_BYTES: Final = 65536
_IDENTITY_BODY: Final = b"Action=GetCallerIdentity&Version=2011-06-15"  # STS's query protocol
_IDENTITY_HEADERS: Final = {
    "Content-Type": "application/x-www-form-urlencoded",
    # The credential scope tells an emulator which service is meant; the signature is nobody's and is not checked.
    "Authorization": "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/sts/aws4_request,"
    " SignedHeaders=host, Signature=0",
}


@dataclass(frozen=True, slots=True)
class Target:
    """Where resources go.

    Attributes:
        kind: `emulator` (embedded, started by us), `url` (an emulator that already runs) or `aws`.
        url: `scheme://host:port`, without a slash at the end; None for `aws`, and for `emulator` until it runs.
    """

    kind: TargetKind
    url: str | None = None

    def __str__(self) -> str:
        return self.url if self.kind == "url" and self.url else self.kind


def parse_target(text: str) -> Target:
    """Read `emulator`, `aws` or `http(s)://HOST:PORT` with a loopback host.

    Raises:
        TargetError: it is none of these, or its host is not this machine.
    """
    if text == "emulator":
        return Target("emulator")
    if text == "aws":
        return Target("aws")
    if "@" in text:  # first of all: no other message may repeat a password
        raise TargetError("a target holds no user and no password", hint=_FORMS)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise TargetError(f"the target {text!r} is not a URL: {error}", hint=_FORMS) from error
    if parts.scheme not in {"http", "https"} or not host:
        raise TargetError(f"unknown target {text!r}", hint=_FORMS)
    if port not in _PORTS:
        raise TargetError(f"the target {text!r} names no port", hint=_FORMS)
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise TargetError("a target is scheme, host and port only", hint=_FORMS)
    if not _is_loopback(host):
        raise TargetError(
            f"the target's host {host!r} is not this machine",
            hint="only 127.0.0.1, localhost and [::1] are accepted, so that no run reaches out by accident",
        )
    return Target("url", f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}")


def check_target(target: Target, *, seconds: float = CHECK_SECONDS) -> None:
    """Ask the target's URL for its caller identity; a target without one (`aws`, an emulator not started) is not asked.

    Raises:
        TargetError: nothing answers there within `seconds`, or what answers does not speak AWS.
    """
    if target.url is None:
        return
    hint = f"start the emulator at {target.url}, or use --target emulator"
    try:
        status, answer = _ask_identity(target.url, seconds)
    except (OSError, http.client.HTTPException) as error:
        why = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        raise TargetError(f"the target {target.url} cannot be reached: {why}", hint=hint) from error
    if status != http.HTTPStatus.OK or b"<GetCallerIdentityResult>" not in answer:
        raise TargetError(
            f"what answers at {target.url} is not an AWS emulator (HTTP {status} to sts:GetCallerIdentity)", hint=hint
        )


def program_environment(
    target: Target, base_env: Mapping[str, str], region: str, account: str | None
) -> dict[str, str]:
    """Build what the engine, the program and the probes see as their environment.

    On an emulator nothing of the caller's AWS set-up is left and everything points at the target, so that even a
    program that calls boto3 by itself stays there. Every Python in it refuses other machines
    (`harness.hosts.loopback`); whatever else honours proxies finds one where nobody listens. On `aws` it is the
    caller's own with `region` set.

    Args:
        target: one with a URL, or `aws`.
        base_env: the caller's environment; not changed.
        region: for AWS_REGION and AWS_DEFAULT_REGION.
        account: 12 digits, which the emulator takes as the account when they are the access key; None on `aws`.

    Raises:
        TargetError: an emulator without URL or account.
    """
    regions = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    if target.kind == "aws":
        return {**base_env, **regions}
    if target.url is None or account is None:
        raise TargetError("the emulator was asked for before it was started", hint="this is a fault of the harness")
    kept = {name: value for name, value in base_env.items() if not name.upper().startswith("AWS_")}
    return {
        **kept,
        **no_way_out(base_env),
        loopback.VARIABLE: str(target),
        "PYTHONPATH": os.pathsep.join(filter(None, (GUARD, base_env.get("PYTHONPATH")))),
        **regions,
        "AWS_ENDPOINT_URL": target.url,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "emulator",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def no_way_out(base_env: Mapping[str, str]) -> dict[str, str]:
    """Proxy settings by which nothing leaves this machine, in place of all that the caller's environment has."""
    dead_end = "http://{}:{}".format(*loopback.DEAD_END)
    names = {"http_proxy", "https_proxy", "all_proxy", *(name for name in base_env if is_proxy(name))}
    # Clients differ in which spelling they read first; with both the same it does not matter.
    spelled = {spelling for name in names for spelling in (name.lower(), name.upper())} | names
    made = dict.fromkeys(spelled, dead_end)
    return {**made, **dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(_LOOPBACK_NAMES))}


def is_proxy(name: str) -> bool:
    """Whether a variable says how to leave this machine, or how not to."""
    return name.lower().endswith("_proxy")


def new_account(rng: random.Random) -> str:
    """Mint an account for one cell on an emulator: 12 digits, the first not zero, and none that others use."""
    while True:
        account = str(rng.randrange(10**11, 10**12))
        if account not in _RESERVED_ACCOUNTS:
            return account


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return "%" not in host and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _ask_identity(url: str, seconds: float) -> tuple[int, bytes]:
    # http.client and no library with proxies: a proxy of the caller's must not answer for loopback.
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    deadline = time.monotonic() + seconds
    connection = kind(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.connect()
        connection.sock.settimeout(max(0.1, deadline - time.monotonic()))
        connection.request("POST", "/", body=_IDENTITY_BODY, headers=_IDENTITY_HEADERS)
        response = connection.getresponse()
        return response.status, response.read(_ANSWER_BYTES)
    finally:
        connection.close()
