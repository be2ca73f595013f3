"""What a process knows as secret in, a file that only a cell's key opens out: for whoever scrubs after it died.

What a cell knows as secret lives in memory, and dies with it; its log does not. So each process that learns a secret
seals it here, and a recovery unseals it to take it out of what the dead process wrote. The key is derived from the
cell's passphrase, which encrypts its state as well and goes with it when all is proved gone.

SHAKE-256 of key and nonce as a keystream: the standard library has no cipher, and nobody gains by changing a file that
is only ever used to remove texts.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_NONCE = 16  # bytes


class Sealed:
    """The sealed secrets of one cell, in the folder that holds its passphrase. Several processes may add to them."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "secrets.sealed"
        self._passphrase = directory / "passphrase"

    def add(self, record: Mapping[str, Any]) -> None:
        """Seal one record. Without a passphrase, or where the disk refuses, it stays in memory only."""
        plain = json.dumps(record).encode()
        try:
            nonce = secrets.token_bytes(_NONCE)
            line = b64encode(nonce + self._mixed(nonce, plain)) + b"\n"
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError:
            return
        try:
            os.write(file, line)  # one write: lines of two processes do not mix
        except OSError:
            return
        finally:
            os.close(file)

    def records(self) -> Iterator[dict[str, Any]]:
        """All of them; what was cut off is left out. Raises OSError: the file or the passphrase cannot be read."""
        for line in self.path.read_bytes().split(b"\n"):
            try:
                data = b64decode(line, validate=True)
                if data:
                    yield json.loads(self._mixed(data[:_NONCE], data[_NONCE:]))
            except ValueError:  # the last line of a process that was killed while it wrote
                continue

    def _mixed(self, nonce: bytes, data: bytes) -> bytes:
        key = hashlib.sha256(b"harness sealed secrets" + self._passphrase.read_bytes()).digest()
        stream = hashlib.shake_256(key + nonce).digest(len(data))
        return bytes(a ^ b for a, b in zip(data, stream, strict=True))
