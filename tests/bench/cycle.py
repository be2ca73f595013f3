"""Nothing in; a table out: the harness's whole cycle against the plain Automation API script, as ratios of medians.

Both use the same engine, program, provider and target. The plain script's provider runs already when its clock starts;
the harness starts its own. Pairs are interleaved, so that a machine under load slows both. Exits 1 when a limit is
exceeded. Usage: `cycle.py [--pairs N] [--size N]...`
"""

from __future__ import annotations

import argparse
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

from parts import Parts, measure_parts
from rich.console import Console
from rich.table import Table

from harness.providers.ambient import Ambient
from harness.world.emulator import start_emulator
from harness.world.engine import Engine, ensure_engine
from harness.world.home import Home, open_home
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
class Bench:
    """What both sides run on."""

    home: Home
    url: str
    plain_environment: dict[str, str]
    folder: Path

    def plain(self, size: int) -> float:
        """Seconds of one cycle of the plain script, with a provider that waits for it already."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        program = folder / "program"
        shutil.copytree(PROGRAM, program, ignore=shutil.ignore_patterns("__pycache__"))  # it writes its stack file there
        with self._provider(folder) as environment:
            return _timed([sys.executable, str(PLAIN), str(program), str(folder / "state"), str(size)], environment)

    @contextmanager
    def _provider(self, folder: Path) -> Iterator[dict[str, str]]:
        ambient = Ambient(
            endpoint=self.url,
            region="us-east-1",
            access_key="111122223333",
            secret_key="emulator",
            tags={},
            run_tag=("harness:run", "bench"),
        )
        plugins = folder / "pulumi-home"
        plugins.mkdir()
        (folder / "state").mkdir()
        with ProviderProcess.start(ambient, folder) as provider:
            provider.plugin_home(plugins, {})
            provider.wait_ready()
            yield {**self.plain_environment, "PULUMI_HOME": str(plugins)}

    def harness(self, size: int, checks: str) -> float:
        """Seconds of one `harness run`."""
        flags = OFF if checks == "off" else ()
        command = [sys.executable, "-m", "harness", "run", str(PROGRAM), "--config", f"size={size}"]
        return _timed([*command, "--target", self.url, *flags], dict(os.environ))


def _timed(command: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=LONGEST
    )
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return seconds


@contextmanager
def opened() -> Iterator[tuple[Bench, Engine, Path]]:
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
            yield Bench(home, emulator.url, environment, folder), engine, hosts


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--size", type=int, action="append", help="resources; default 10 and 60")
    parser.add_argument("--checks", choices=("off", "on"), action="append", help="default both")
    chosen = parser.parse_args()
    console = Console()
    table = Table(title=f"whole cycle, medians of {chosen.pairs} interleaved pairs, in seconds", title_justify="left")
    for column in ("resources", "checks", "plain", "harness", "ratio", "limit", ""):
        table.add_column(column, justify="left" if column in {"checks", ""} else "right")
    bad = False
    parts: list[Parts] = []
    with opened() as (bench, engine, hosts):
        for size in chosen.size or (10, 60):
            for checks in chosen.checks or ("off", "on"):
                bench.plain(size), bench.harness(size, checks)  # whatever is cold gets warm
                pairs = [_pair(bench, size, checks, turn) for turn in range(chosen.pairs)]
                plain, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
                ratio = plain and ours / plain
                limit = LIMITS.get((size, checks))
                over = limit is not None and ratio > limit
                bad |= over
                verdict = "" if limit is None else "over the limit" if over else "holds"
                table.add_row(
                    str(size), checks, f"{plain:.2f}", f"{ours:.2f}", f"{ratio:.2f}", f"{limit or '-'}", verdict
                )
                console.print(f"{size} resources, checks {checks}: {ratio:.2f} {verdict}", style="dim", highlight=False)
        parts = measure_parts(bench.plain_environment, engine, hosts, PROGRAM, bench.url)
    console.print(table)
    console.print(parts_table(parts))
    sys.exit(1 if bad else 0)


def _pair(bench: Bench, size: int, checks: str, turn: int) -> tuple[float, float]:
    """Who goes first changes, so that neither profits from what the other has warmed."""
    if turn % 2:
        ours = bench.harness(size, checks)
        return bench.plain(size), ours
    plain = bench.plain(size)
    return plain, bench.harness(size, checks)


def parts_table(parts: list[Parts]) -> Table:
    """Where the time goes."""
    table = Table(title="what the parts cost, one at a time, in seconds", title_justify="left")
    for column in ("part", "median"):
        table.add_column(column, justify="right" if column == "median" else "left")
    for part in parts:
        table.add_row(part.name, f"{part.seconds:.2f}")
    return table


if __name__ == "__main__":
    main()
