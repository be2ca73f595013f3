"""Nothing in; a table out: the harness's whole cycle against the plain Automation API script, as ratios of medians.

Both use the same engine, program, provider and target, with automatic plugin downloads off. The plain script's provider
runs already when its clock starts; the harness starts its own. Pairs are interleaved, so that a machine under load
slows both. Exits 1 when a limit is exceeded. Usage: `cycle.py [--pairs N] [--size N]... [--checks off|on]...`
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from parts import Part, measure_parts
from rich.console import Console
from rich.table import Table

from harness.providers.ambient import Ambient
from harness.world.emulator import start_emulator
from harness.world.engine import ensure_engine
from harness.world.home import open_home
from harness.world.hosts import install_hosts
from harness.world.provider import ProviderProcess

HERE = Path(__file__).parent
PROGRAM = HERE / "program"
PLAIN = HERE / "plain.py"
OFF = ("--no-policy", "--no-recheck", "--no-probe")
# The largest ratio of medians that is accepted, by resources and checks.
LIMITS = {(10, "off"): 0.55, (60, "off"): 0.65, (10, "on"): 0.95, (60, "on"): 0.95}
LONGEST = 300  # seconds for one cycle


@dataclass(frozen=True)
class Cycle:
    """One whole cycle: seconds on the wall, and of its steps."""

    seconds: float
    steps: dict[str, float]


@dataclass(frozen=True)
class Bench:
    """What both sides run on."""

    url: str
    environment: dict[str, str]
    folder: Path

    @property
    def ambient(self) -> Ambient:
        """For the plain script's provider; the harness makes its own."""
        return Ambient(
            endpoint=self.url,
            region="us-east-1",
            access_key="111122223333",
            secret_key="emulator",
            tags={},
            run_tag=("harness:run", "bench"),
        )

    def plain(self, size: int) -> Cycle:
        """The plain script, with a provider that waits for it already."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        program, plugins, state = (folder / name for name in ("program", "pulumi-home", "state"))
        # A copy, for it writes its stack file there.
        shutil.copytree(PROGRAM, program, ignore=shutil.ignore_patterns("__pycache__", "harness.toml"))
        plugins.mkdir()
        state.mkdir()
        with ProviderProcess.start(self.ambient, folder) as provider:
            provider.plugin_home(plugins, {})
            provider.wait_ready()
            command = [sys.executable, str(PLAIN), str(program), str(state), str(size)]
            seconds, told = _timed(command, {**self.environment, "PULUMI_HOME": str(plugins)})
        steps = json.loads(told)
        return Cycle(seconds, {"process": seconds - sum(steps.values()), **steps})

    def harness(self, size: int, checks: str) -> Cycle:
        """One `harness run`."""
        flags = OFF if checks == "off" else ()
        command = [sys.executable, "-m", "harness", "run", str(PROGRAM), "--config", f"size={size}"]
        seconds, told = _timed([*command, "--target", self.url, "--json", "-", *flags], dict(os.environ))
        [cell] = json.loads(told)["cells"]
        phases = {phase["phase"]: phase["seconds"] for phase in cell["phases"]}
        phases["recheck"] = max(phases["recheck"], phases.pop("probe"))  # side by side
        return Cycle(seconds, {"ours besides": seconds - sum(phases.values()), **phases})


def _timed(command: list[str], environment: dict[str, str]) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=LONGEST
    )
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return seconds, done.stdout


@contextmanager
def opened() -> Iterator[Bench]:
    """An engine and an emulator for both."""
    home = open_home(os.environ)
    engine = ensure_engine(home.root, print)
    hosts = install_hosts(home.root, engine)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        with start_emulator(home, folder / "emulator.log", print) as emulator:
            environment = {
                **os.environ,
                "PATH": os.pathsep.join((str(hosts), str(engine.path.parent), os.environ["PATH"])),
                "HARNESS_PYTHON": sys.executable,
            }
            yield Bench(emulator.url, environment, folder)


@dataclass
class Row:
    """One size with checks off or on: all pairs of it."""

    size: int
    checks: str
    plain: list[Cycle]
    ours: list[Cycle]

    @property
    def ratio(self) -> float:
        """Of the medians."""
        return _seconds(self.ours) / _seconds(self.plain)

    @property
    def verdict(self) -> str:
        """Against the limit; empty where there is none."""
        limit = LIMITS.get((self.size, self.checks))
        return "" if limit is None else "holds" if self.ratio <= limit else "over the limit"


def _seconds(cycles: list[Cycle]) -> float:
    return statistics.median(cycle.seconds for cycle in cycles)


def measure(bench: Bench, size: int, checks: str, pairs: int) -> Row:
    """Pairs, in each of which another one goes first, so that neither profits from what the other has warmed."""
    bench.plain(size), bench.harness(size, checks)  # whatever is cold gets warm
    row = Row(size, checks, [], [])
    for turn in range(pairs):
        if turn % 2:
            row.ours.append(bench.harness(size, checks))
        row.plain.append(bench.plain(size))
        if not turn % 2:
            row.ours.append(bench.harness(size, checks))
    return row


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--size", type=int, action="append", help="resources; default 10 and 60")
    parser.add_argument("--checks", choices=("off", "on"), action="append", help="default both")
    chosen = parser.parse_args()
    console = Console(width=120)
    with opened() as bench:
        parts = measure_parts(bench.environment, bench.ambient)
        rows = []
        for size in chosen.size or (10, 60):
            for checks in chosen.checks or ("off", "on"):
                rows.append(row := measure(bench, size, checks, chosen.pairs))
                console.print(f"{size} resources, checks {checks}: {row.ratio:.2f} {row.verdict}", highlight=False)
    console.print(cycles_table(rows, chosen.pairs), steps_table(rows), parts_table(parts), sep="\n\n")
    sys.exit(1 if any(row.verdict == "over the limit" for row in rows) else 0)


def cycles_table(rows: list[Row], pairs: int) -> Table:
    """The whole cycle."""
    table = _table(f"whole cycle: medians of {pairs} interleaved pairs, in seconds")
    for column in ("resources", "plain", "harness", "ratio", "limit"):
        table.add_column(column, justify="right")
    table.add_column("checks")
    table.add_column("")
    for row in rows:
        limit = LIMITS.get((row.size, row.checks))
        plain, ours = _seconds(row.plain), _seconds(row.ours)
        figures = (str(row.size), f"{plain:.2f}", f"{ours:.2f}", f"{row.ratio:.2f}", f"{limit or ''}")
        table.add_row(*figures, row.checks, row.verdict)
    return table


def steps_table(rows: list[Row]) -> Table:
    """Where the time of a cycle goes, step by step."""
    table = _table("the same by step: medians, in seconds")
    table.add_column("resources", justify="right")
    table.add_column("")
    table.add_column("steps")
    for row in rows:
        for name, cycles in (("plain", row.plain), (f"harness, checks {row.checks}", row.ours)):
            steps = {step: statistics.median(cycle.steps[step] for cycle in cycles) for step in cycles[0].steps}
            told = " · ".join(f"{step} {seconds:.2f}" for step, seconds in steps.items() if seconds >= 0.005)
            table.add_row(str(row.size), name, told)
    return table


def parts_table(parts: list[Part]) -> Table:
    """What a cycle is made of."""
    table = _table("its parts, each alone, in seconds")
    table.add_column("part")
    table.add_column("median", justify="right")
    table.add_column("paid")
    for part in parts:
        table.add_row(part.name, f"{part.seconds:.2f}", part.paid)
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, pad_edge=False)


if __name__ == "__main__":
    main()
