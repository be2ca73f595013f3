"""Engine events in; lines of the cell's log out (the cell process's standard error is that log)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from harness.world.engine_words import plain


def write_event(event: Mapping[str, Any]) -> None:
    """A line for what a person would look for: steps, failures, messages. Values of resources are not written."""
    for kind, word in (("resourcePreEvent", "begins"), ("resOutputsEvent", "done"), ("resOpFailedEvent", "FAILED")):
        if kind in event:
            step = event[kind]["metadata"]
            if step["op"] != "same":
                write(f"{step['op']} {word}: {step['urn']}")
            return
    said = event.get("diagnosticEvent")
    if said and said.get("severity") != "debug" and not said.get("ephemeral") and plain(said.get("message") or ""):
        write(f"{said.get('severity')}: {plain(said['message'])}")


def write(text: str) -> None:
    """One entry with its time (UTC)."""
    moment = f"{datetime.now(UTC):%H:%M:%S.%f}"[:-3]
    sys.stderr.write(f"{moment} {text}\n")  # in one piece: several threads write
    sys.stderr.flush()
