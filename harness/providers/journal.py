"""What a provider is about to make, on disk before it is made, and what became of it (JSON lines, one file per cell).

The only trace of a create whose answer never came. No inputs and no outputs are written, so nothing in it is secret.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from harness.providers.contract import ProviderError

if TYPE_CHECKING:
    from pathlib import Path

_LOCK_WAIT = 10.0  # seconds; a provider process that was told to stop needs at most that long


class JournalError(ProviderError):
    """The journal cannot be written, so nothing may be made."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One create. `id` is the one known beforehand; `time` is in seconds since the epoch."""

    seq: int
    urn: str
    type: str
    name: str
    region: str
    id: str | None
    time: float


@dataclass(frozen=True, slots=True)
class Made:
    """Something that a create left at the target, whole or in part, and whether it was deleted again."""

    intent: Intent
    id: str
    partial: bool = False
    deleted: bool = False


@dataclass(frozen=True)
class Journal:
    """The whole file, read."""

    intents: tuple[Intent, ...]
    made: tuple[Made, ...]
    refused: frozenset[int]

    def open_intents(self) -> tuple[Intent, ...]:
        """Return creates without an outcome: each may or may not exist at the target."""
        answered = self.refused | {made.intent.seq for made in self.made}
        return tuple(intent for intent in self.intents if intent.seq not in answered)

    def created(self) -> tuple[Made, ...]:
        """Return all that was ever made, also what was deleted again."""
        return self.made

    def standing(self) -> tuple[Made, ...]:
        """Return what was made and not deleted through the provider."""
        return tuple(made for made in self.made if not made.deleted)


def read_journal(path: Path) -> Journal:
    """Read a journal, also while it is written. No file is an empty one; a torn last line is left out.

    Raises:
        ValueError: a line that is not the last cannot be read.
        OSError: the file cannot be read.
    """
    intents: dict[int, Intent] = {}
    made: dict[int, Made] = {}
    refused: set[int] = set()
    for line in _lines(path):
        seq = line.pop("seq", 0)
        match line.pop("event"):
            case "intent":
                intents[seq] = Intent(seq=seq, **line)
            case "created" | "partial" as event:
                made[seq] = Made(intents[seq], line["id"], partial=event == "partial")
            case "refused":
                refused.add(seq)
            case "deleted":
                for key, one in made.items():
                    if (one.intent.type, one.id, one.intent.region) == (line["type"], line["id"], line["region"]):
                        made[key] = Made(one.intent, one.id, one.partial, deleted=True)
    return Journal(tuple(intents.values()), tuple(made.values()), frozenset(refused))


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    whole, _, _torn = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()]


class JournalWriter:
    """Appends to a journal. Creates that start together share one fsync. Safe from many threads.

    Raises:
        JournalError: it cannot be opened, or another process holds it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = threading.Condition()
        self._pending: list[bytes] = []
        self._added = 0  # lines handed in
        self._settled = 0  # lines whose fate is known
        self._flushing = False
        self._failures: dict[int, OSError] = {}
        try:
            self._fd = _open(path)
            self._seq = max((line.get("seq", 0) for line in _lines(path)), default=0)
            self._size = os.fstat(self._fd).st_size
        except (OSError, ValueError, KeyError) as error:
            raise JournalError(f"the journal {path} cannot be opened: {error}") from error

    def intent(self, *, urn: str, type: str, name: str, region: str, id: str | None) -> int:  # noqa: A002 - Pulumi's
        """Write that a create begins, and return its number once that is on disk.

        Raises:
            JournalError: it could not be written; the create must not happen.
        """
        with self._state:
            self._seq += 1
            seq = self._seq
            intent = Intent(seq, urn, type, name, region, id, time.time())
            ticket = self._add({"event": "intent", **asdict(intent)})
        if error := self._settle(ticket):
            raise JournalError(
                f"nothing was made: the journal {self._path} cannot be written: {error.strerror or error}"
            ) from error
        return seq

    def created(self, seq: int, id: str) -> None:  # noqa: A002 - Pulumi's word
        """Write that a create succeeded."""
        self._note({"event": "created", "seq": seq, "id": id})

    def partial(self, seq: int, id: str) -> None:  # noqa: A002 - Pulumi's word
        """Write that a create left something unfinished."""
        self._note({"event": "partial", "seq": seq, "id": id})

    def refused(self, seq: int) -> None:
        """Write that the target refused for certain: nothing exists."""
        self._note({"event": "refused", "seq": seq})

    def deleted(self, type: str, id: str, region: str) -> None:  # noqa: A002 - Pulumi's words
        """Write that something was removed through the provider."""
        self._note({"event": "deleted", "type": type, "id": id, "region": region})

    def close(self) -> None:
        """Give the file back."""
        os.close(self._fd)

    def _note(self, line: dict[str, Any]) -> None:
        """Write an outcome. It is too late to refuse: a lost one leaves its intent open, which is the safe side."""
        with self._state:
            ticket = self._add(line)
        if error := self._settle(ticket):
            print(f"journal {self._path}: {line['event']} was not written: {error}", file=sys.stderr, flush=True)

    def _add(self, line: dict[str, Any]) -> int:
        self._pending.append(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        self._added += 1
        return self._added

    def _settle(self, ticket: int) -> OSError | None:
        """Wait until line number `ticket` is on disk or has failed. The first who waits writes for all."""
        while True:
            with self._state:
                while self._flushing and self._settled < ticket:
                    self._state.wait()
                if self._settled >= ticket:
                    return self._failures.pop(ticket, None)
                self._flushing = True
                batch, self._pending = self._pending, []
            error = self._write(b"".join(batch))
            with self._state:
                if error:
                    self._failures.update(
                        dict.fromkeys(range(self._settled + 1, self._settled + len(batch) + 1), error)
                    )
                self._settled += len(batch)
                self._flushing = False
                self._state.notify_all()

    def _write(self, data: bytes) -> OSError | None:
        """Write and sync, all or nothing: what a full disk cut off is taken back."""
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
            os.fsync(self._fd)
        except OSError as error:
            return self._take_back() or error
        self._size += len(data)
        return None

    def _take_back(self) -> OSError | None:
        try:
            os.ftruncate(self._fd, self._size)
        except OSError as error:
            return error
        return None


def _lock(descriptor: int) -> None:
    """Take the file for this process; a predecessor that is still ending is waited for."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed  # 36 ms, seldom needed

        patience = Retrying(
            retry=retry_if_exception_type(BlockingIOError),
            stop=stop_after_delay(_LOCK_WAIT),
            wait=wait_fixed(0.05),
            reraise=True,
        )
        patience(fcntl.flock, descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _open(path: Path) -> int:
    """Open for appending, alone, with no torn line at the end."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor)
        whole = path.read_bytes().rfind(b"\n") + 1
        os.ftruncate(descriptor, whole)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
