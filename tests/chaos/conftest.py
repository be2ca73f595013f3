"""The campaigns' frame: which cases run, their moments, their counters, and how to repeat one that failed.

A test that takes the fixture `case` is a case. Cases marked `campaign` run with `--campaign` only; what is not marked
is the fast cut, which every test run contains.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest
from auditor import Auditor
from commands import Harness
from cycle import Cycle, Measured
from tally import PROPERTY, Case, count

from harness.world.emulator import Emulator

CASE = pytest.StashKey[Case]()
QUIET = 60.0  # seconds within which what was disturbed must have come to rest
PROGRAMS = Path(__file__).resolve().parents[2] / "programs"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest: no worker waits for it."""
    here = Path(__file__).parent
    longest = [item for item in items if here in item.path.parents and item.get_closest_marker("timeout")]
    items[:] = longest + [item for item in items if item not in longest]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """The case goes with the report of its test, and tells how to repeat it when it failed."""
    report: pytest.TestReport = yield
    case = item.stash.get(CASE, None)
    if case is None or not (call.when == "call" or report.failed):
        return report
    case.passed = report.passed
    report.user_properties.append((PROPERTY, case.document()))
    if report.failed:
        again = f".venv/bin/pytest '{item.nodeid}' --campaign --chaos-seed {case.seed}"
        told = [f"{name}: {fact}" for name, fact in case.told.items()]
        report.sections.append(("how to repeat it", "\n".join([again, *told])))
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Counters of every campaign that ran, merged over all workers."""
    found: dict[str, Case] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == PROPERTY:
                    known = found.get(report.nodeid)
                    found[report.nodeid] = case = Case(**value)
                    case.passed &= known is None or known.passed
    if not found:
        return
    counted = count(found.values())
    terminalreporter.section("campaigns")
    for name, counters in counted.items():
        terminalreporter.write_line(f"{name:8} {counters.line()}")
    seed = next(iter(found.values())).seed
    terminalreporter.write_line(f"seed     {seed} (--chaos-seed {seed} repeats the moments)")
    path = config.getoption("--chaos-json")
    if path:
        document = {
            "seed": seed,
            "campaign": config.getoption("--campaign"),
            "counters": {name: asdict(counters) for name, counters in counted.items()},
            "cases": {name: case.document() for name, case in found.items()},
        }
        Path(path).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def campaign(pytestconfig: pytest.Config) -> bool:
    """Whether whole campaigns run, and not their fast cut."""
    return bool(pytestconfig.getoption("--campaign"))


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """The case that this test is; it is counted."""
    made = Case(request.path.stem.removeprefix("test_"), request.config.getoption("--chaos-seed"))
    request.node.stash[CASE] = made
    return made


@pytest.fixture
def rng(case: Case, request: pytest.FixtureRequest) -> random.Random:
    """Moments of this case, the same for the same seed and test."""
    return random.Random(f"{case.seed} {request.node.name}")


@pytest.fixture
def starter() -> Path:
    """The small program: four resources."""
    return PROGRAMS / "starter"


@pytest.fixture
def financial() -> Path:
    """The large program: 48 resources."""
    return PROGRAMS / "financial"


@pytest.fixture
def slow() -> Path:
    """A program that takes longer and makes more than `starter`."""
    return Path(__file__).parent / "programs" / "slow"


@pytest.fixture
def harness(harness: Harness) -> Iterator[Harness]:
    """The command line; whatever a case that failed left running on behalf of its home is ended."""
    yield harness
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if harness.marks(process):
                process.kill()


@pytest.fixture
def begin(harness: Harness, emulator: Emulator) -> Iterator[Callable[..., Cycle]]:
    """Starts `harness run PROGRAM` at the emulator that no run owns, and watches it."""
    begun: list[Cycle] = []

    def start(program: Path | str, *flags: str, **environment: str) -> Cycle:
        begun.append(Cycle(harness, ("run", str(program), "--target", emulator.url, *flags), environment))
        return begun[-1]

    yield start
    for cycle in begun:
        cycle.close()


@pytest.fixture(scope="session")
def measures() -> dict[str, Measured]:
    """What `measured` found out already in this session."""
    return {}


@pytest.fixture
def measured(measures: dict[str, Measured], begin: Callable[..., Cycle]) -> Callable[..., Measured]:
    """How long a cycle of a program and each of its phases take here and now; one undisturbed cycle each."""

    def measure(program: Path) -> Measured:
        if str(program) not in measures:
            cycle = begin(program, "--json", "-")
            done = cycle.finish()
            assert done.code == 0, done.err
            measures[str(program)] = cycle.measured()
        return measures[str(program)]

    return measure


@pytest.fixture
def recover(harness: Harness, at_rest: Callable[..., None]) -> Callable[[Case], None]:
    """What a person or CI does after a run that was killed: nothing until all is at rest, then one sweep."""

    def sweep(case: Case) -> None:
        began = time.monotonic()
        at_rest()
        done = harness("sweep", "--apply")
        case.recovered(time.monotonic() - began)
        assert done.code == 0, done.err

    return sweep


@pytest.fixture
def at_rest(harness: Harness) -> Callable[..., None]:
    """Waits until nothing runs on behalf of the home any more: what was disturbed has done what it does by itself."""

    def wait(seconds: float = QUIET) -> None:
        end = time.monotonic() + seconds
        while running := harness.processes():
            assert time.monotonic() < end, f"after {seconds:.0f} s there still run {running}"
            time.sleep(0.05)

    return wait


@pytest.fixture
def nothing_left(harness: Harness, auditor: Callable[..., Auditor], case: Case) -> Callable[..., None]:
    """Nothing at the target, by the auditor; no open lease, no lock, no folder and no process on this machine."""

    def assert_nothing(*accounts: str | None, region: str = "us-east-1", killed_unleased: bool = False) -> None:
        for account in filter(None, accounts):  # None: the disturbance came before there was a cell
            left = auditor(account, region).left()
            case.leaks += len(left)
            assert left == [], f"left in account {account}, {region}"
        here = harness.remains()
        if killed_unleased:  # the command, before its lease: nobody was there who could remove its empty folders
            here = [one for one in here if not one.startswith("folder ")]
        assert here == [], "\n".join(here)

    return assert_nothing
