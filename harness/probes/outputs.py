"""Probes and the names of a stack's outputs in; a refusal out where a probe uses one that the stack does not have."""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Collection, Sequence
from typing import Final

from harness.errors import ProgramError
from harness.probes.model import FUNCTION, Probe
from harness.probes.source import certain_outputs

_SHOWN: Final = 20  # names of outputs in a hint


def references(probe: Probe) -> frozenset[str]:
    """Names of the outputs that a probe will ask for, whatever happens in it.

    Of a declared probe that is every `${name}` in its table; of a function what `@probe(outputs=…)` says, and each
    `context.outputs["name"]` of its source that no condition stands before.
    """
    if probe.kind != FUNCTION:
        return probe.outputs
    return probe.outputs | _in_source(probe)


def check_outputs(probes: Sequence[Probe], known: Collection[str]) -> None:
    """Refuse probes that could never pass. `known` are the outputs by name; their values may be unknown still.

    Raises:
        ProgramError: a probe uses an output that is not among them; all such uses are named.
    """
    missing = [(each, name) for each in probes for name in sorted(references(each) - set(known))]
    if not missing:
        return
    uses = "; ".join(
        f"{each.file}:{each.line}: probe {each.name!r} uses the output {name!r}, which the stack does not have"
        for each, name in missing
    )
    near = difflib.get_close_matches(missing[0][1], known, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    listed = ", ".join(sorted(known)[:_SHOWN]) or "none"
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    raise ProgramError(uses, hint=f"{meant}its outputs: {listed}{more}")


def _in_source(probe: Probe) -> frozenset[str]:
    function = inspect.unwrap(probe.function)
    try:
        tree = ast.parse(probe.file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):  # not made from a file that is still there: nothing to be read
        return frozenset()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            if first == function.__code__.co_firstlineno:
                return certain_outputs(node)
    return frozenset()
