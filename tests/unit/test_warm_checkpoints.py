"""The state is written once only where a journal holds all that an engine may make before it is killed."""

import json
import sys
from pathlib import Path

import pytest

from harness.model import Cell, Program
from harness.world.command import EngineCommand
from harness.world.files import CellFiles
from harness.world.language import Language
from harness.world.stack import Stack

# An engine that writes the events of its preview and remembers what it was told.
ENGINE = """#!{python}
import json, os, pathlib, sys
verb = sys.argv[2]
here = pathlib.Path({here!r})
(here / verb).write_text(os.environ.get("PULUMI_SKIP_CHECKPOINTS", "no"))
pathlib.Path(sys.argv[sys.argv.index("--event-log") + 1]).write_text((here / "events").read_text())
"""


class NoHost(Language):
    """None to attach to."""

    def __init__(self) -> None:
        """Nothing is started."""

    def attachment(self, place: int = 0) -> dict[str, str]:
        """None."""
        return {}


def step(kind: str, *, custom: bool = True) -> dict:
    """An event of the engine."""
    return {"resourcePreEvent": {"metadata": {"op": "create", "type": kind, "new": {"custom": custom}}}}


OURS = [step("pulumi:pulumi:Stack", custom=False), step("pulumi:providers:aws"), step("aws:s3/bucket:Bucket")]
BOTH = ("aws", "random")
CASES = {
    "ours": (OURS, ("aws", "random"), "true"),
    "a component": ([*OURS, step("shop:index:Part", custom=False)], ("aws", "random"), "true"),
    "dynamic": ([*OURS, step("pulumi-python:dynamic:Resource")], ("aws", "random"), "no"),
    "another provider": ([*OURS, step("command:local:Command")], ("aws", "random"), "no"),
    "a stack reference": ([*OURS, step("pulumi:pulumi:StackReference")], ("aws", "random"), "no"),
    "the official provider": (OURS, (), "no"),
    "a dynamic resource that no preview shows": ((OURS, "import pulumi.dynamic\n"), BOTH, "no"),
    "no preview, sources that can declare ours only": ("import os, pulumi\nimport pulumi_aws as aws\n", BOTH, "true"),
    "no preview, a dynamic resource": ("import pulumi.dynamic\n", BOTH, "no"),
    "no preview, one by another way": ("import pulumi\nR = pulumi.dynamic.Resource\n", BOTH, "no"),
    "no preview, another provider": ("import pulumi_command\n", BOTH, "no"),
    "no preview, somebody else's library": ("import our_components\n", BOTH, "no"),
    "no preview, an import that hides": ("import importlib\nimportlib.import_module('x')\n", BOTH, "no"),
    "no preview, no Python": ("def", BOTH, "no"),
    "no preview, the official provider": ("import pulumi_aws\n", (), "no"),
}


@pytest.mark.parametrize("case", CASES)
def test_checkpoints_are_skipped_only_when_a_journal_has_everything(tmp_path: Path, case: str) -> None:
    """For `up` and `destroy` alike: sources leave no doubt, and a preview, where there was one, shows nothing else."""
    events, journaled, told = CASES[case]
    events, source = events if isinstance(events, tuple) else (events, "import pulumi_aws\n")
    engine = tmp_path / "engine"
    engine.write_text(ENGINE.format(python=sys.executable, here=str(tmp_path)))
    engine.chmod(0o755)
    program_folder = tmp_path / "program"
    program_folder.mkdir()
    (program_folder / "__main__.py").write_text(events if isinstance(events, str) else source)
    planned = [] if isinstance(events, str) else events
    (tmp_path / "events").write_text("".join(json.dumps(event) + "\n" for event in planned))
    files = CellFiles(tmp_path / "cell")
    files.make()
    program = Program(name="shop", directory=program_folder, main=program_folder)
    cell = Cell(
        name="c", program=program, stack="s", suffix="x", region="us-east-1", config={}, stack_config=None, tags={}
    )
    command = EngineCommand(engine, "3.255.0", {}, files.engine_pid)
    stack = Stack(cell, files, command, {}, NoHost(), journaled=journaled)
    if not isinstance(events, str):
        stack.preview(tmp_path / "log")
    stack.up(tmp_path / "log")
    stack.destroy(tmp_path / "log")
    assert [(tmp_path / verb).read_text() for verb in ("up", "destroy")] == [told, told]
