"""The vendor's release in, `bin/` with the engine and its official hosts out, checked against the published SHA-256."""

from __future__ import annotations

import hashlib
import http.client
import platform
import shutil
import tarfile
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Final

from harness.world.engine.model import ENGINE_VERSION, RouteError

if TYPE_CHECKING:
    from pathlib import Path

RELEASES: Final = "https://github.com/pulumi/pulumi/releases/download"
"""Where the vendor publishes archives, and `pulumi-X.Y.Z-checksums.txt` beside them."""
SECONDS: Final = 600.0
"""For the whole download of some 100 MB."""
_SILENCE: Final = 20.0
"""Seconds without a byte, or without a connection, after which it is given up."""
_CHUNK: Final = 1 << 20
_SYSTEMS: Final = {"Linux": "linux", "Darwin": "darwin"}
_MACHINES: Final = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def download(into: Path, releases: str = RELEASES, *, seconds: float = SECONDS) -> None:
    """Fill the empty folder `into` with `bin/pulumi` and what the vendor ships beside it.

    Args:
        into: an existing folder.
        releases: the address of the folder that holds `vX.Y.Z/`.
        seconds: for all of it.

    Raises:
        RouteError: not reachable, not complete in time, not what its checksum says, or no engine in it.
    """
    deadline = time.monotonic() + seconds
    name = archive_name()
    base = f"{releases}/v{ENGINE_VERSION}"
    listing, archive = into / "checksums.txt", into / name
    _fetch(f"{base}/pulumi-{ENGINE_VERSION}-checksums.txt", listing, deadline)
    expected = _published(listing, name)
    actual = _fetch(f"{base}/{name}", archive, deadline)
    if actual != expected:
        raise RouteError(f"{base}/{name} has SHA-256 {actual}, but {expected} is published")
    _unpack(archive, into)
    listing.unlink()
    archive.unlink()


def archive_name() -> str:
    """The vendor's name for the archive of this system. Raises: RouteError when there is none."""
    system, machine = _SYSTEMS.get(platform.system()), _MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise RouteError(f"the vendor has no release for {platform.system()} on {platform.machine()}")
    return f"pulumi-v{ENGINE_VERSION}-{system}-{machine}.tar.gz"


def _fetch(url: str, path: Path, deadline: float) -> str:
    """Write what `url` answers to `path`; returns its SHA-256."""
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=_SILENCE) as answer, path.open("wb") as file:  # noqa: S310 - the scheme is ours
            while chunk := answer.read1(_CHUNK):
                if time.monotonic() > deadline:
                    raise TimeoutError("it took too long")
                digest.update(chunk)
                file.write(chunk)
            if answer.length:
                raise RouteError(f"{url}: the connection ended {answer.length} bytes too early")
    except (OSError, urllib.error.URLError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise RouteError(f"{url}: {reason}") from error
    return digest.hexdigest()


def _published(listing: Path, name: str) -> str:
    for line in listing.read_text(encoding="ascii", errors="replace").splitlines():
        match line.split():
            case [digest, file] if file.lstrip("*") == name:
                return digest.lower()
    raise RouteError(f"the vendor's list of checksums does not name {name}")


def _unpack(archive: Path, into: Path) -> None:
    unpacked = into / "unpacked"
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(unpacked, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise RouteError(f"{archive.name} cannot be unpacked: {error}") from error
    if not (unpacked / "pulumi" / "pulumi").is_file():
        raise RouteError(f"{archive.name} holds no pulumi/pulumi")
    (unpacked / "pulumi").replace(into / "bin")
    shutil.rmtree(unpacked)
