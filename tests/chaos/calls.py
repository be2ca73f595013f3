"""A program in; each distinct AWS operation that a cycle of it makes, with the phases that make it, out.

Measured, never written by hand: a rule of `--faults` for each phase, which delays every call by a millisecond, tells
what came. `python tests/chaos/calls.py` measures again and rewrites `calls.json`; the fast cut fails when that is old.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.model import PhaseName

HERE = Path(__file__).parent
RECORDED = HERE / "calls.json"
PROGRAMS = {name: HERE.parents[1] / "programs" / name for name in ("starter", "financial")}
SEE = '[[fault]]\nkind = "latency"\nlatency = "1ms"\nphase = "{phase}"\n'

Calls = dict[str, list[str]]  # `sqs:CreateQueue`: the phases, in their order


def recorded(program: str) -> Calls:
    """What was measured last."""
    found: Calls = json.loads(RECORDED.read_text(encoding="utf-8"))[program]
    return found


def seeing() -> str:
    """A fault file that sees every call and fails none."""
    return "\n".join(SEE.format(phase=phase) for phase in PhaseName)


def seen(cell: dict) -> Calls:
    """The calls in the result of a run with that file."""
    calls: dict[str, set[str]] = {}
    for phase, fault in zip(PhaseName, cell["faults"], strict=True):
        for hit in fault["at"]:
            calls.setdefault(hit["call"], set()).add(phase)
    return {call: [phase for phase in PhaseName if phase in calls[call]] for call in sorted(calls)}


def main() -> None:
    """Measure every program, each with an emulator of its own."""
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        file, result = Path(folder, "see.toml"), Path(folder, "result.json")
        file.write_text(seeing(), encoding="utf-8")
        for name, program in PROGRAMS.items():
            arguments = ["run", str(program), "--faults", str(file), "--json", str(result)]
            subprocess.run([sys.executable, "-m", "harness", *arguments], check=True)
            [cell] = json.loads(result.read_text(encoding="utf-8"))["cells"]
            measured[name] = seen(cell)
    RECORDED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
