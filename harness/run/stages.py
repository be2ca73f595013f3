"""A cell whose destroy is armed in; its program up, stage by stage and then as a whole, out.

A `[[stage]]` of harness.toml is a part that goes first: one `up` in the same stack with the stage's configuration laid
over the cell's, and then its command, such as the one that pushes an image into the repository that the stage made. The
whole program, as preflight has seen it, always comes last.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from harness.errors import RunError
from harness.hosts.child import Child, spawn
from harness.model import WHOLE, Failure, PhaseName, Stage, StageOutcome
from harness.run.cell_world import CellWorld
from harness.run.log import write
from harness.run.operation import operate
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield
from harness.world.checkpoint import SECRET_TEXT

PHASE = PhaseName.UP
TOLD_LINES = 20  # of a failed command's output, in the result


def bring_up(world: CellWorld, record: Record, shield: Shield, planned: int) -> None:
    """Every stage, then the whole program. Raises PhaseError: the first that fails is the last that was tried."""
    stages = record.spec.cell.program.stages
    for stage in stages:
        with _timed(record, stage.name) as told, at_stage(stage.name):
            configure(world, stage.config, PHASE)
            operate(world.stack, record, shield, PHASE, world.stack.up, label=f"up-{stage.name}")
            if stage.run:
                began = record.clock()
                try:
                    _run(stage, world, record, shield)
                finally:
                    told["command"] = round(record.clock() - began, 3)
    if not stages:
        operate(world.stack, record, shield, PHASE, world.stack.up, planned=planned)
        return
    with _timed(record, WHOLE):
        configure(world, {}, PHASE)
        operate(world.stack, record, shield, PHASE, world.stack.up, planned=planned)


@contextmanager
def _timed(record: Record, name: str) -> Iterator[dict[str, float]]:
    """Record one stage, and tell of it at once: a person waits for the next."""
    began, before = record.clock(), record.created
    told: dict[str, float] = {}
    status: Literal["passed", "failed"] = "failed"
    try:
        yield told
        status = "passed"
    finally:
        seconds, created = round(record.clock() - began, 3), record.created - before
        record.stages.append(StageOutcome(name=name, status=status, seconds=seconds, created=created, **told))
        word = "ok" if status == "passed" else "FAILED"
        record.note(f"stage {name} {word} ({seconds:.1f} s, {created} resources)")


@contextmanager
def at_stage(name: str) -> Iterator[None]:
    """A failure inside says at which stage it was."""
    try:
        yield
    except PhaseError as error:
        error.failure = error.failure.model_copy(update={"message": f"stage {name}: {error.failure.message}"})
        raise


def configure(world: CellWorld, more: Mapping[str, str], phase: PhaseName) -> None:
    """Lay these over the cell's configuration. Raises PhaseError."""
    try:
        world.stack.configure(more)
    except RunError as error:
        raise PhaseError(Failure(phase=phase, message=error.message, hint=error.hint)) from error


def _run(stage: Stage, world: CellWorld, record: Record, shield: Shield) -> None:
    """The stage's command, in the program's folder. Raises PhaseError when it fails or we must stop."""
    from harness.run.probing import attended

    directory = record.spec.cell.program.directory
    output = _Output()
    said = " ".join(stage.run)
    command = [str(directory / stage.run[0]) if "/" in stage.run[0] else stage.run[0], *stage.run[1:]]
    environment = {**program_tools(world.environment), **output_variables(world.stack.checkpoint().outputs)}
    try:
        child = Child(spawn(command, directory, environment), output.take, output.take)
    except OSError as error:
        hint = "`run` under [[stage]] in harness.toml is a list: the command and its arguments"
        failure = Failure(phase=PHASE, message=f"{said}: cannot be started: {error.strerror or error}", hint=hint)
        raise PhaseError(failure) from error
    child.feed(b"")
    try:
        code, _ = attended(child.wait, shield, PHASE, said)
    finally:
        child.end()  # nothing, where it has ended
        output.close()
    if code:
        told = output.last[-1] if output.last else "it said nothing"
        hint = "what it printed is in the cell's log"
        failure = Failure(phase=PHASE, message=f"{said}: ended with {code}: {told}", hint=hint, detail=output.text)
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


class _Output:
    """Lines of a command: to the cell's log at once, the last ones kept."""

    def __init__(self) -> None:
        self.last: deque[str] = deque(maxlen=TOLD_LINES)
        self._rest = b""

    def take(self, chunk: bytes) -> None:
        """A piece of output; only whole lines are written."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._line(line)

    def close(self) -> None:
        """No more will come."""
        if self._rest:
            self._line(self._rest)
            self._rest = b""

    @property
    def text(self) -> str:
        """The last lines."""
        return "\n".join(self.last)

    def _line(self, raw: bytes) -> None:
        text = raw.decode("utf-8", "replace").rstrip()
        if text:
            self.last.append(text)
            write(text)
