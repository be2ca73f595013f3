"""Engine events in; progress, timings per resource, outputs and the first failure out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.model import Timing
from harness.world.engine_words import plain, short_name

_NO_STEP = {"same", "read", "refresh", "discard-replaced", "remove-pending-replace", "read-discard"}
_CREATES = {"create", "create-replacement", "import", "import-replacement"}
_IMPORTS = {"import", "import-replacement"}
_DELETES = {"delete", "delete-replaced"}
_UPDATES = {"update"}
# Resources that exist in the engine only: nothing at the target stands behind them.
_ENGINE_ONLY = ("pulumi:pulumi:", "pulumi:providers:")


def is_engine_only(type_token: str) -> bool:
    """Whether a type (the stack, a provider) is the engine's own bookkeeping."""
    return type_token.startswith(_ENGINE_ONLY)


class EventLog:
    """Reads the engine's event log while it grows; a half-written last line waits for its rest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def events(self) -> Iterator[Mapping[str, Any]]:
        """Whole events that were not yet seen."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                block = file.read()
        except FileNotFoundError:  # the engine has not come to it yet
            return
        whole = block.rfind(b"\n") + 1
        self._offset += whole
        for line in block[:whole].splitlines():
            if line.strip():
                yield json.loads(line)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message of the engine, a provider or the program."""

    severity: str
    message: str
    urn: str


@dataclass(frozen=True, slots=True)
class ResourceFailure:
    """One operation that failed."""

    urn: str
    type: str
    op: str


@dataclass(slots=True)
class Timeline:
    """What one engine operation (preview, up, destroy) did, built from its events as they come."""

    clock: Callable[[], float]
    origin: float = 0.0  # the clock's reading when the cell began
    planned: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    let_go: int = 0  # dropped from the state alone, as `retain_on_delete` says: it is there still
    outputs: frozenset[str] = frozenset()  # names of the stack's outputs
    imports: list[str] = field(default_factory=list)  # URNs of what exists already and is taken over
    timings: list[Timing] = field(default_factory=list)
    failures: list[ResourceFailure] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    summary: Mapping[str, int] = field(default_factory=dict)
    _started: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """Steps that are through."""
        return self.created + self.updated + self.deleted + self.let_go

    @property
    def in_flight(self) -> list[tuple[str, float]]:
        """URNs that are being worked on, longest first, with the seconds so far."""
        now = self.clock()
        return sorted(((urn, now - at) for (urn, _), at in self._started.items()), key=lambda item: -item[1])

    def overdue(self, limit: float) -> str | None:
        """What is being worked on for more than `limit` seconds, with the operation and both times; or None."""
        now = self.clock()
        slow = [(now - at, urn, op) for (urn, op), at in self._started.items() if now - at > limit]
        if not slow:
            return None
        seconds, urn, op = max(slow)
        return f"{op} of {short_name(urn)} takes {seconds:.0f} s and may take {limit:.0f} s"

    @property
    def errors(self) -> list[Diagnostic]:
        """What was said as an error."""
        return [diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "error"]

    def take(self, event: Mapping[str, Any]) -> None:
        """Account for one event."""
        if pre := event.get("resourcePreEvent"):
            self._begin(pre["metadata"])
        elif out := event.get("resOutputsEvent"):
            self._end(out["metadata"], failed=False)
            if out["metadata"]["type"] == "pulumi:pulumi:Stack":
                self.outputs = frozenset((out["metadata"].get("new") or {}).get("outputs") or ())
        elif failed := event.get("resOpFailedEvent"):
            self._end(failed["metadata"], failed=True)
        elif said := event.get("diagnosticEvent"):
            self._say(said)
        elif summary := event.get("summaryEvent"):
            self.summary = summary.get("resourceChanges") or {}

    def _begin(self, step: Mapping[str, Any]) -> None:
        if step["op"] in _NO_STEP or is_engine_only(step["type"]):
            return
        if step["op"] in _IMPORTS:
            self.imports.append(step["urn"])
        if self._is_custom(step):  # a component is under way for as long as the program has not ended
            self.planned += 1
            self._started[step["urn"], step["op"]] = self.clock()

    def _end(self, step: Mapping[str, Any], *, failed: bool) -> None:
        urn, op = step["urn"], step["op"]
        began = self._started.pop((urn, op), None)
        if failed:
            self.failures.append(ResourceFailure(urn=urn, type=step["type"], op=op))
        if began is None or not self._is_custom(step):
            return
        seconds, started = round(self.clock() - began, 3), round(began - self.origin, 3)
        timing = Timing(urn=urn, type=step["type"], op=op, seconds=seconds, started=started, failed=failed)
        self.timings.append(timing)
        if not failed:
            self.created += op in _CREATES
            self.updated += op in _UPDATES
            if op in _DELETES:
                self._count_delete(step)

    def _count_delete(self, step: Mapping[str, Any]) -> None:
        if (step.get("old") or {}).get("retainOnDelete"):
            self.let_go += 1
        else:
            self.deleted += 1

    def _say(self, said: Mapping[str, Any]) -> None:
        message = plain(said.get("message") or "")
        if message.strip() and not said.get("ephemeral"):
            self.diagnostics.append(
                Diagnostic(severity=said.get("severity") or "info", message=message, urn=said.get("urn") or "")
            )

    @staticmethod
    def _is_custom(step: Mapping[str, Any]) -> bool:
        """Components have no resource of their own at the target."""
        state = step.get("new") or step.get("old") or {}
        return bool(state.get("custom"))
