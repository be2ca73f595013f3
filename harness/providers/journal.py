"""What a provider is about to make, on disk before it is made, and what became of it (JSON lines, one file per cell).

The only trace of a create whose answer never came. No inputs and no outputs are written, so nothing in it is secret.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from harness.providers.contract import ProviderError

if TYPE_CHECKING:
    from pathlib import Path

_LOCK_WAIT = 10.0  # seconds; a provider process that was told to stop needs at most that long
_NUMBER = re.compile(rb'"seq":\s{0,2}(\d{1,15})\b')


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
    elsewhere: bool = False
    """Made with credentials of the program's own: whoever asks with the cell's asks in another account."""


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
    damaged: int = 0
    """Lines that could not be read, each of which may have been a create: more may exist than is told here."""

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
    """Read a journal, also while it is written. No file is an empty one.

    What cannot be read is skipped and counted, also a torn last line, which may be half of a journal: the rest is
    still the evidence by which things are found and removed.

    Raises:
        OSError: the file cannot be read.
    """
    intents: dict[int, Intent] = {}
    made: dict[int, Made] = {}
    refused: set[int] = set()
    damaged = 0
    for line in _lines(path):
        try:
            _note_line(json.loads(line), intents, made, refused)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            damaged += 1
    return Journal(tuple(intents.values()), tuple(made.values()), frozenset(refused), damaged)


def _note_line(line: dict[str, Any], intents: dict[int, Intent], made: dict[int, Made], refused: set[int]) -> None:
    """Add one line to what is known. Raises KeyError, TypeError or ValueError, and adds nothing, when it is damaged."""
    match line["event"]:
        case "intent":
            intent = Intent(**{name: one for name, one in line.items() if name != "event"})
            _only(str, intent.urn, intent.type, intent.name, intent.region, intent.id or "")
            _only((int, float), intent.time, intent.elsewhere)
            intents[_number(line)] = intent
        case "created" | "partial" as event:
            _only(str, line["id"])
            made[_number(line)] = Made(intents[line["seq"]], line["id"], partial=event == "partial")
        case "refused":
            refused.add(_number(line))
        case "deleted":
            gone = (line["type"], line["id"], line["region"])
            elsewhere = line.get("elsewhere", "")
            _only(str, *gone, elsewhere)
            for key, one in made.items():
                if (one.intent.type, one.id, one.intent.region) == gone and _account(one.intent) == elsewhere:
                    made[key] = Made(one.intent, one.id, one.partial, deleted=True)
        case other:
            raise ValueError(other)


def _account(intent: Intent) -> str:
    """Of what was made elsewhere each URN stands for an account of its own: which two share one is not known."""
    return intent.urn if intent.elsewhere else ""


def _number(line: dict[str, Any]) -> int:
    _only(int, line["seq"])
    return int(line["seq"])


def _only(kind: type | tuple[type, ...], *values: object) -> None:
    for value in values:
        if not isinstance(value, kind):
            raise TypeError(value)


def _lines(path: Path) -> list[bytes]:
    if not path.exists():
        return []
    return [line for line in path.read_bytes().split(b"\n") if line.strip()]


def _last_number(path: Path) -> int:
    """The highest number in use, also where the rest of its line is damaged: none may be given twice."""
    return max((int(found) for line in _lines(path) for found in _NUMBER.findall(line)), default=0)


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
        self._mend = b""
        try:
            self._fd = _open(path)
            self._seq = _last_number(path)
            self._size = os.fstat(self._fd).st_size
        except OSError as error:
            raise JournalError(f"the journal {path} cannot be opened: {error}") from error

    def intent(
        self,
        *,
        urn: str,
        type: str,  # noqa: A002 - Pulumi's word
        name: str,
        region: str,
        id: str | None,  # noqa: A002 - Pulumi's word
        elsewhere: bool = False,
    ) -> int:
        """Write that a create begins, and return its number once that is on disk.

        Raises:
            JournalError: it could not be written; the create must not happen.
        """
        with self._state:
            self._seq += 1
            seq = self._seq
            intent = asdict(Intent(seq, urn, type, name, region, id, time.time(), elsewhere))
            if not elsewhere:
                del intent["elsewhere"]
            ticket = self._add({"event": "intent", **intent})
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

    def deleted(self, type: str, id: str, region: str, elsewhere: str = "") -> None:  # noqa: A002 - Pulumi's words
        """Write that something was removed through the provider; `elsewhere` is its URN where it was made there."""
        line = {"event": "deleted", "type": type, "id": id, "region": region}
        self._note({**line, "elsewhere": elsewhere} if elsewhere else line)

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
            view = memoryview(self._mend + data)
            while view:
                view = view[os.write(self._fd, view) :]
            os.fsync(self._fd)
        except OSError as error:
            return self._take_back() or error
        self._size = os.fstat(self._fd).st_size
        self._mend = b""
        return None

    def _take_back(self) -> OSError | None:
        try:
            os.ftruncate(self._fd, self._size)
        except OSError as error:
            self._mend = b"\n"  # the next line must not be written on to what is torn
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
    """Open for appending, alone, with no torn line to write on."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor)
        before = path.read_bytes()
        if before and not before.endswith(b"\n"):
            os.write(descriptor, b"\n")  # what is torn stays, as evidence that something is missing
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
