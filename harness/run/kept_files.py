"""The files of a cell that may stay up in; the same files without a secret in plain text out.

What is kept, or could not be destroyed, keeps its state, encrypted, and what it was told. Nothing of that is needed in
plain text any more: the program does not run again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from harness.model import Cell
from harness.run.redact import Redactor
from harness.world.checkpoint import hide_tags, state_file
from harness.world.files import CellFiles

_PROVIDERS = ("aws:",)  # a destroy still needs what a provider was told


def leave_no_plain_text(redactor: Redactor, files: CellFiles, cell: Cell, tell: Callable[[str], None]) -> None:
    """State, configuration and temporary files. What cannot be rewritten is told, and left as it is."""
    state = state_file(files.state, cell.program.name, cell.stack)
    for path in (state, state.with_name(state.name + ".bak"), *files.states_after):
        _rewrite(path, json.loads, hide_tags, json.dumps, tell)

    def told(config: dict[str, Any]) -> dict[str, Any]:
        return {name: one if name.startswith(_PROVIDERS) else redactor.value(one) for name, one in config.items()}

    def in_spec(spec: dict[str, Any]) -> dict[str, Any]:
        cell = spec["cell"]
        program = cell["program"]
        program |= {name: redactor.value(program[name]) for name in ("config", "stages") if name in program}
        return spec | {"cell": cell | {"config": told(cell["config"]), "program": program}}

    def in_stack_file(stack: dict[str, Any]) -> dict[str, Any]:
        return stack | {"config": told(stack.get("config") or {})}

    _rewrite(files.spec, json.loads, in_spec, json.dumps, tell)
    _rewrite(files.project / f"Pulumi.{cell.stack}.yaml", yaml.safe_load, in_stack_file, yaml.safe_dump, tell)
    shutil.rmtree(files.state / ".pulumi" / "history", ignore_errors=True)  # the engine's own copies, read by nobody
    shutil.rmtree(files.temporary, ignore_errors=True)  # the program's own, and it has ended
    files.temporary.mkdir(mode=0o700, exist_ok=True)


def _rewrite(
    path: Path,
    load: Callable[[str], Any],
    change: Callable[[Any], Any],
    dump: Callable[[Any], str],
    tell: Callable[[str], None],
) -> None:
    """Whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        text = path.read_text(encoding="utf-8")
        after = change(load(text))
        if after == load(text):
            return
        partial.touch(mode=0o600)
        partial.write_text(dump(after), encoding="utf-8")
        partial.replace(path)
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        tell(f"warning: {path} may still hold secrets in plain text: {type(error).__name__}")
