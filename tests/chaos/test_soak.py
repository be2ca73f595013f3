"""Two hundred cycles in one process: it does not grow, and nothing is left."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

CYCLES, FEW = 200, 4
WARM = 20  # cycles until memory is what it will be: imports, pools, the allocator's arenas
PER_CYCLE = 32 * 1024  # bytes by which memory may seem to grow in a cycle: what the allocator's luck makes of it
SETTLED = 3  # cycles after which nothing that can be counted may become more
COUNTED = ("files", "threads", "children", "temporary")


def slope(values: list[int]) -> float:
    """Growth of one cycle, by the medians of the first and the last third: a single peak is no growth."""
    third = max(1, len(values) // 3)
    first, last = statistics.median(values[:third]), statistics.median(values[-third:])
    return (last - first) / max(1, len(values) - third)


@pytest.mark.timeout(3600)
def test_soak(case, harness, emulator, nothing_left, starter, campaign) -> None:
    """Memory, open files, threads, child processes and temporary folders do not grow."""
    cycles = CYCLES if campaign else FEW
    case.tell(program=starter.name, cycles=cycles)
    script = Path(__file__).with_name("soaking.py")
    done = subprocess.run(
        [sys.executable, str(script), str(starter), emulator.url, str(cycles)],
        cwd=harness.cwd,
        env={**os.environ, **harness.environment, "HARNESS_HOME": str(harness.home), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    case.count = len(lines)
    case.unverified = sum(line["unverified"] for line in lines)
    case.recovered(max(line["seconds"] for line in lines))
    assert len(lines) == cycles
    assert [line["error"] for line in lines if line["code"] != 0] == []
    for name in COUNTED:
        values = [line[name] for line in lines]
        assert max(values[SETTLED:]) <= max(values[:SETTLED]), (name, values)
    memory = [line["memory"] for line in lines]
    case.tell(memory=f"{memory[0] >> 20} MiB, {memory[-1] >> 20} MiB at the end")
    if campaign:
        assert slope(memory[WARM:]) < PER_CYCLE, memory
    for line in lines:
        nothing_left(line["account"])
