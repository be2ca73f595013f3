"""The `[[probe]]` tables of a program in, probes out; what is malformed is told: file, line, key, what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.model import Program
from harness.plan.toml_place import line_of, refuse, refuse_invalid
from harness.probes import notation
from harness.probes.context import ProbeContext
from harness.probes.declaring import Kind, kinds
from harness.probes.model import Evidence, Probe


def declared_probes(program: Program) -> list[Probe]:
    """The probes of its `harness.toml`, in their order. Runs nothing of the program.

    Raises:
        ConfigError: a table cannot be used.
    """
    if not program.probes:
        return []
    path = program.settings_file or program.directory / "harness.toml"
    found: list[Probe] = []
    for index, table in enumerate(program.probes):
        made = _probe(path, index, table)
        if any(made.name == other.name for other in found):
            loc = ("probe", index, "name") if "name" in table else ("probe", index)
            raise refuse(path, loc, f"there is a probe {made.name!r} already", 'give it another name: name = "…"')
        found.append(made)
    return found


def _probe(path: Path, index: int, table: Mapping[str, Any]) -> Probe:
    chosen = _kind(path, index, table)
    try:
        keys = chosen.keys.model_validate(dict(table), strict=True)
    except ValidationError as error:
        raise refuse_invalid(path, ("probe", index), chosen.keys, error) from error
    used = {key: value for key, value in table.items() if key not in {"name", "kind", "timeout"}}
    return Probe(
        name=keys.name or chosen.title(table),
        function=partial(_look, chosen, dict(table)),
        timeout=keys.timeout,
        file=path,
        line=_line(path, index),
        kind=chosen.name,
        outputs=notation.names(used),
    )


def _look(chosen: Kind, table: Mapping[str, Any], context: ProbeContext) -> Evidence:
    return chosen.look(context, chosen.settle(table, context.outputs))


def _kind(path: Path, index: int, table: Mapping[str, Any]) -> Kind:
    known = kinds()
    name = table.get("kind")
    listed = f"kinds: {', '.join(known)}"
    if name is None:
        raise refuse(path, ("probe", index, "kind"), "is needed and missing", listed)
    if not isinstance(name, str) or name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise refuse(path, ("probe", index, "kind"), f"there is no kind {name!r}{meant}", listed)
    return known[name]


def _line(path: Path, index: int) -> int:
    """The line of the table's header; 1 when the file changed since it was read."""
    try:
        return line_of(path.read_text(encoding="utf-8"), ("probe", index)) or 1
    except (OSError, UnicodeDecodeError):
        return 1
