"""What a cell is told, and what its provider, its state and its events know, in; a result and files without it out.

The secrets live in memory only. What is told while the cell runs is freed of those that are known by then; when it
ends, all of them are taken out of its log and its result. What nobody marked as secret, and nothing names like one,
is not known as one; nor is what only a process knew that died.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.model import CellResult, CellStatus, PhaseName, PhaseStatus
from harness.providers.sealed import Sealed
from harness.providers.seen import Seen, texts
from harness.run.kept_files import leave_no_plain_text
from harness.run.log import write
from harness.run.marks import EMULATOR_SECRET
from harness.run.messages import CellSpec, Message, NoteMessage, ProgressMessage
from harness.run.redact import Redactor
from harness.world.checkpoint import SECRET_TEXT, masked
from harness.world.files import CellFiles
from harness.world.provider import ProviderProcess

ASKING = 2.0  # seconds that the provider process gets to answer: what it knows is not worth a late destroy
_NAMED = re.compile(r"passw(?:or)?d|passphrase|secret|token|key|credential", re.IGNORECASE)
_VARIABLE = re.compile(r"(?:^|_)(?:TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_ACCESS_KEY|API_KEY|PRIVATE_KEY)$")
_ARN = re.compile(r"arn:aws|alias/")
_EMULATORS = frozenset({EMULATOR_SECRET, "test"})  # keys that everybody gives to emulators
_PLAIN = re.compile(r"true|false|yes|no|none|null|enabled|disabled|\d{1,5}", re.IGNORECASE)
_CLEANED = {"texts": [], "cleaned": True}  # the last that is sealed by a process that lived to clean what it wrote


class Secrecy:
    """The secrets of one cell."""

    def __init__(
        self, spec: CellSpec, environ: Mapping[str, str] = os.environ, tell: Callable[[str], None] = write
    ) -> None:
        """`tell` hears what cannot be removed; in the cell's own process that is its log."""
        self._tell = tell
        self._files, self._cell = CellFiles(spec.directory), spec.cell
        self._after_a_death = spec.recover and spec.first_failure is not None
        self._known: set[str] = set()
        self._public = _EMULATORS if spec.url is not None else frozenset()
        self._lock = threading.Lock()
        self._redactor: Redactor | None = None
        self._deaf = self._untold = False
        told = {spec.cell.program.name, spec.cell.stack, spec.cell.suffix, spec.cell.region, spec.account}
        self.learn(value for value in _given(spec, environ) if value not in told and not _PLAIN.fullmatch(value))
        self._learn_passphrase()
        self._sealed = Sealed(spec.directory)
        if spec.recover:
            self._untold = not self.look_up("secrets that a process knew that died", self._unsealed)
        else:
            self._sealed.add({"texts": sorted(self._known)})

    def _unsealed(self) -> Iterable[Any]:
        """What processes of this cell knew that are gone."""
        self._after_a_death |= list(self._sealed.records())[-1:] != [_CLEANED]
        return Seen.unsealed(self._sealed).secrets(_hidden(self._files.events))

    def learn(self, values: Iterable[Any]) -> None:
        """These are secret, at any depth, and so is what a JSON document among them calls a secret."""
        found = {text for value in values for text in texts(value)}
        found |= {inner for text in found for inner in _members(text)}
        found -= self._public
        with self._lock:
            if not found <= self._known:
                self._known |= found
                self._redactor = None

    def ask_provider(self, provider: Callable[[], ProviderProcess]) -> None:
        """Learn what the provider process knows. One that does not answer in time is not asked again."""
        if not self._deaf:
            what = "secrets that only the provider process knows"
            self._deaf = not self.look_up(what, lambda: provider().secrets(_hidden(self._files.events), timeout=ASKING))

    def look_up(self, what: str, ask: Callable[[], Iterable[Any]]) -> bool:
        """Learn what somebody answers, and say whether they did. A failure is told in the log, and costs no more."""
        try:
            self.learn(ask())
        except Exception as error:  # noqa: BLE001 - dead, stopped, a strange answer: the destroy and the result count more
            self._tell(f"warning: {what} cannot be had, so they are not removed: {self.text(str(error))}")
            return False
        return True

    def text(self, text: str) -> str:
        """The text without what is known as secret by now."""
        return self._current().text(text)

    def message(self, message: Message) -> Message:
        """The same message without what is known as secret by now."""
        return self._current().model(message) if isinstance(message, NoteMessage | ProgressMessage) else message

    def clean(self, result: CellResult) -> CellResult:
        """Take the secrets out of the result and of every file that stays. The last thing that is done for a cell."""
        self._learn_passphrase()
        redactor, files = self._current(), self._files
        if self._after_a_death:
            who = "the processes knew that died" if self._untold else "a program knew that was killed with its engine"
            self._tell(f"warning: secrets that only {who} are not removed from the lines above")
        paths = [files.log, files.faults, files.directory / "provider.log"]  # a fault names the resource that it met
        if result.status is not CellStatus.PASSED:  # else they go with the rest of the cell
            paths += files.events.glob("*.jsonl")
        if any(phase.phase is PhaseName.LEAK_CHECK and phase.status is PhaseStatus.PASSED for phase in result.phases):
            paths.append(files.journal)  # a program may name things by a secret; nobody needs to find them any more
        for path in paths:
            self._clean_file(redactor.file, path)
        self._clean_file(redactor.overwrite, files.directory.parent / "emulator.log")  # it is still written to
        if result.status is not CellStatus.PASSED:
            leave_no_plain_text(redactor, files, self._cell, self._tell)
            self._sealed.add(_CLEANED)
        told = result.model_dump_json().encode("utf-8", "replace")
        return result if redactor.data(told) == told else redactor.model(result)  # seldom: the walk takes its time

    def blank_log(self) -> None:
        """Take them out of the log of a cell that has not cleaned it, and in which somebody may still write."""
        self._clean_file(self._current().overwrite, self._files.log)

    def _clean_file(self, clean: Callable[[Path], object], path: Path) -> None:
        """A file that cannot be cleaned is not kept."""
        try:
            clean(path)
        except FileNotFoundError:
            return
        except OSError as error:
            self._tell(f"warning: {path} cannot be freed of secrets, and is removed: {error}")
            path.unlink(missing_ok=True)

    def _learn_passphrase(self) -> None:
        if self._files.passphrase.exists():
            self.learn([self._files.passphrase.read_text(encoding="ascii")])

    def _current(self) -> Redactor:
        with self._lock:
            if self._redactor is None:
                self._redactor = Redactor(self._known)
            return self._redactor


def _given(spec: CellSpec, environ: Mapping[str, str]) -> Iterator[str]:
    """Configuration and environment whose name says that it is secret."""
    for config in (spec.cell.config, *(stage.config for stage in spec.cell.program.stages)):
        for name, value in config.items():
            yield from _named(name.rpartition(":")[2], value)
    for name, value in environ.items():
        ours = spec.url is not None and name.startswith("AWS_")  # what every emulator is given
        if _VARIABLE.search(name.upper()) and not ours:
            yield value


def _named(name: str, value: Any) -> Iterator[str]:
    """Texts below a name that says so. Ciphertext is not what it stands for, and a resource's name is no secret."""
    if isinstance(value, Mapping):
        if "secure" not in value:
            for inner, one in value.items():
                yield from _named(name if _NAMED.search(name) else str(inner), one)
    elif _NAMED.search(name):
        yield from (text for text in texts(value) if not _ARN.match(text))
    elif isinstance(value, str):
        yield from _members(value)


def _members(text: str) -> Iterator[str]:
    """What a JSON object calls a secret: a secret's string often is one."""
    if not text.lstrip().startswith("{"):
        return
    try:
        document = json.loads(text)
    except ValueError:
        return
    for name, value in document.items():
        yield from (inner for inner in _named(name, value) if not _PLAIN.fullmatch(inner))


def _hidden(events: Path) -> dict[str, list[list[str | int]]]:
    """Places that the engine's event logs hide, by URN."""
    found: dict[str, list[list[str | int]]] = {}
    for log in events.glob("*.jsonl"):
        for line in _lines_with(log.read_bytes(), f'"{SECRET_TEXT}"'.encode()):
            try:
                event = json.loads(line)
            except ValueError:  # the last line of an engine that was killed
                continue
            steps = (one["metadata"] for one in event.values() if isinstance(one, dict) and "metadata" in one)
            step: Mapping[str, Any] | None = next(steps, None)
            if step is None:  # a prelude or a message, of no resource
                continue
            for state in (step.get("old") or {}, step.get("new") or {}):
                for side in ("inputs", "outputs"):
                    known = found.setdefault(step["urn"], [])
                    known.extend(place for place in _places(masked(state.get(side)), []) if place not in known)
    return found


def _places(value: Any, place: list[str | int]) -> Iterator[list[str | int]]:
    if value == SECRET_TEXT:
        yield place
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _places(one, [*place, name])
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _places(one, [*place, index])


def _lines_with(data: bytes, word: bytes) -> Iterator[bytes]:
    at = data.find(word)
    while at >= 0:
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        yield data[data.rfind(b"\n", 0, at) + 1 : end]
        at = data.find(word, end)
