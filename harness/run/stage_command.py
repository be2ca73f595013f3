"""A stage's command in; what it said in the cell's log, and itself ended with all that it started, out."""

from __future__ import annotations

import json
import os
import re
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.hosts.child import Child, spawn
from harness.hosts.output import CappedOutput
from harness.model import Failure, PhaseName, Stage
from harness.run.cell_world import CellWorld
from harness.run.log import write
from harness.run.marks import run_tags
from harness.run.probing import attended
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield
from harness.world.checkpoint import SECRET_TEXT
from harness.world.remnants import end_remnants

PHASE = PhaseName.UP
TOLD_LINES = 20  # of a failed command's output, in the result
STAGE_VARIABLE = "HARNESS_STAGE"  # by it, what a command left running is found
TAGS_VARIABLE = "HARNESS_TAGS"  # what the command has to lay on what it makes itself, as JSON
_LINE_ENDS = re.compile(rb"[\r\n]")  # a bar that shows progress goes back to the beginning of its line


def run_command(stage: Stage, world: CellWorld, record: Record, shield: Shield) -> None:
    """The command of a stage, in the program's folder. Raises PhaseError when it fails or we must stop."""
    directory = record.spec.cell.program.directory
    said = " ".join(stage.run)
    command = [str(directory / stage.run[0]) if "/" in stage.run[0] else stage.run[0], *stage.run[1:]]
    mark = f"{world.files.directory}:{stage.name}"
    environment = {
        **program_tools(world.program_environment),
        **output_variables(world.stack.checkpoint().outputs),
        TAGS_VARIABLE: json.dumps(run_tags(record.spec)),
        STAGE_VARIABLE: mark,
    }
    last: deque[str] = deque(maxlen=TOLD_LINES)
    out, err = _Lines(last), _Lines(last)
    try:
        child = Child(spawn(command, directory, environment), out.take, err.take)
    except OSError as error:
        hint = "`run` under [[stage]] in harness.toml is a list: the command and its arguments"
        failure = Failure(phase=PHASE, message=f"{said}: cannot be started: {error.strerror or error}", hint=hint)
        raise PhaseError(failure) from error
    child.feed(b"")
    try:
        code, _ = attended(child.wait, shield, PHASE, said)
    finally:
        child.end()  # nothing, where it has ended
        end_remnants(mark, STAGE_VARIABLE)  # who left its group: what is made from now on, nobody would ask about
        out.close()
        err.close()
    if code:
        told = last[-1] if last else "it said nothing"
        hint = "what it printed is in the cell's log"
        failure = Failure(phase=PHASE, message=f"{said}: ended with {code}: {told}", hint=hint, detail="\n".join(last))
        raise PhaseError(failure)


def program_tools(environment: Mapping[str, str]) -> dict[str, str]:
    """What a program sees, without the engine's own; `python` is the one that runs the harness, with boto3."""
    kept = {name: value for name, value in environment.items() if not name.startswith("PULUMI_")}
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    return kept


def output_variables(outputs: Mapping[str, Any]) -> dict[str, str]:
    """`repositoryUrl` as OUTPUT_REPOSITORY_URL: text as it is, all else as JSON. Secret ones are left out."""
    return {
        f"OUTPUT_{variable(name)}": value if isinstance(value, str) else json.dumps(value)
        for name, value in outputs.items()
        if SECRET_TEXT not in json.dumps(value)
    }


def variable(name: str) -> str:
    """The name of an output as the name of an environment variable."""
    return re.sub(r"[^A-Z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper())


class _Lines:
    """One stream of a command: its lines to the cell's log, whole and at once; the last ones kept."""

    def __init__(self, last: deque[str]) -> None:
        """`last` is shared with the other stream."""
        self._last = last
        self._rest = b""
        self._capped = CappedOutput(self._split)  # takes one piece after the other, and none once it is closed
        self.take = self._capped.take

    def close(self) -> None:
        """No more will come."""
        self._capped.close()
        self._split(b"\n")

    def _split(self, piece: bytes) -> None:
        *lines, self._rest = _LINE_ENDS.split(self._rest + piece)
        for raw in lines:
            if text := raw.decode("utf-8", "replace").rstrip():
                self._last.append(text)
                write(text)
