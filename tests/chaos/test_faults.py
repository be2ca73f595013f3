"""Every call fails once: each operation that a program makes, in each way, and nothing is left.

Of `starter` every operation with every fault; of `financial` every operation with at least one, and each service with
every fault. A fault fires *once*; or *until destroy*, which it leaves alone; or *for good* from the destroy on, which
must end with a leak record of exactly what is left, and with nothing once the fault is lifted and the rest is swept.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest
from calls import PROGRAMS, Calls, recorded, seeing, seen

from harness.model import PhaseName

KINDS = ("throttle", "error", "denied", "reset", "hang")
BEFORE = [phase.value for phase in (PhaseName.PREFLIGHT, PhaseName.UP, PhaseName.PROBE, PhaseName.RECHECK)]
AFTER = [phase.value for phase in (PhaseName.DESTROY, PhaseName.LEAK_CHECK)]
MODES = {"once": None, "until destroy": BEFORE, "for good": AFTER}
# Small enough that a hanging call takes seconds, large enough for an undisturbed cycle on a busy machine.
LIMITS = {
    "starter": ("--timeout", "40s", "--destroy-timeout", "40s", "--resource-timeout", "6s"),
    "financial": ("--timeout", "90s", "--destroy-timeout", "90s", "--resource-timeout", "20s"),
}
# The fast cut: each fault, each way, each service, what creates and what deletes.
FAST = (
    ("s3:CreateBucket", "error", "once"),
    ("s3:PutPublicAccessBlock", "denied", "until destroy"),
    ("s3:DeleteBucket", "reset", "once"),
    ("s3:DeleteBucket", "denied", "for good"),
    ("sqs:CreateQueue", "reset", "once"),
    ("sqs:CreateQueue", "throttle", "until destroy"),
    ("sqs:DeleteQueue", "hang", "once"),
    ("sqs:GetQueueAttributes", "throttle", "for good"),
    ("sts:GetCallerIdentity", "denied", "once"),
)


@dataclass(frozen=True)
class Disturbed:
    """A call of a program, what it meets, and how long that lasts."""

    program: str
    call: str
    kind: str
    mode: str

    def __str__(self) -> str:
        return f"{self.program}-{self.call.replace(':', '.')}-{self.kind}-{self.mode.replace(' ', '-')}"

    @property
    def file(self) -> str:
        """The fault file."""
        service, operation = self.call.split(":")
        lines = ["[[fault]]", f'kind = "{self.kind}"', f'service = "{service}"', f'operation = "{operation}"']
        phases = MODES[self.mode]
        lines += ["times = 1"] if phases is None else [f"phase = {json.dumps(phases)}"]
        return "\n".join([*lines, "must_fire = true", ""])


def ways(phases: list[str]) -> list[str]:
    """How long a fault of an operation may last that these phases make."""
    early, late = set(phases) & set(BEFORE), set(phases) & set(AFTER)
    return ["once", *(["until destroy"] if early else []), *(["for good"] if late else [])]


def every_fault(program: str, calls: Calls) -> Iterator[Disturbed]:
    """Each operation with each fault in each way."""
    for call, phases in calls.items():
        for kind in KINDS:
            for mode in ways(phases):
                yield Disturbed(program, call, kind, mode)


def every_pair(program: str, calls: Calls) -> Iterator[Disturbed]:
    """Each operation once, more often where a service has fewer operations than there are faults; in ways that turn."""
    services = {call.split(":")[0] for call in calls}
    for service in sorted(services):
        own = [call for call in calls if call.startswith(f"{service}:")]
        number = max(len(own), len(KINDS))
        for at, (call, kind) in enumerate(islice(zip(cycle(own), cycle(KINDS), strict=False), number)):
            possible = ways(calls[call])
            # A whole turn of the kinds later the next way, so that kinds and ways meet in every combination.
            yield Disturbed(program, call, kind, possible[(at + at // len(KINDS)) % len(possible)])


def cases() -> list[Any]:
    """Parameters: what is not in the fast cut is marked."""
    fast = {Disturbed("starter", *one) for one in FAST}
    found = [*every_fault("starter", recorded("starter")), *every_pair("financial", recorded("financial"))]
    return [pytest.param(one, id=str(one), marks=() if one in fast else (pytest.mark.campaign,)) for one in found]


def test_the_fast_cut_is_a_part_of_the_campaign() -> None:
    """Each of its cases is one of an operation that the program still makes in that phase."""
    whole = set(every_fault("starter", recorded("starter")))
    assert {Disturbed("starter", *one) for one in FAST} <= whole


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_service_meets_each_fault(program: str) -> None:
    """And each operation at least one."""
    found = set(every_pair(program, recorded(program)))
    pairs = {(one.call.split(":")[0], one.kind) for one in found}
    assert pairs == {(call.split(":")[0], kind) for call in recorded(program) for kind in KINDS}
    assert {one.call for one in found} == set(recorded(program))


@pytest.mark.parametrize("program", ["starter", pytest.param("financial", marks=pytest.mark.campaign)])
def test_the_operations_are_those_that_the_program_makes(harness, emulator, tmp_path: Path, program: str) -> None:
    """The list is measured: an operation that is new must come into the campaign."""
    file = tmp_path / "see.toml"
    file.write_text(seeing())
    path = str(PROGRAMS[program])
    done = harness("run", path, "--target", emulator.url, "--faults", str(file), "--json", "-")
    assert done.code == 0, done.err
    assert set(seen(done.cell)) == set(recorded(program)), "measure again: .venv/bin/python tests/chaos/calls.py"


@pytest.mark.parametrize("disturbed", cases())
def test_a_call_that_fails(harness, emulator, auditor, case, nothing_left, tmp_path: Path, disturbed) -> None:
    """What it meets is told first, whatever fails after it; and nothing is left, or it is said exactly what is."""
    case.tell(fault=disturbed.file)
    file = tmp_path / "faults.toml"
    file.write_text(disturbed.file)
    began = time.monotonic()
    path, limits = str(PROGRAMS[disturbed.program]), LIMITS[disturbed.program]
    # The policy pack asks the target nothing.
    done = harness("run", path, "--target", emulator.url, "--faults", str(file), "--no-policy", "--json", "-", *limits)
    document = done.document
    cell = document["cells"][0]
    case.hear(document)
    [fault] = cell["faults"]
    assert fault["times"] > 0, f"it never fired:\n{done.err}"
    assert done.code in ({0, 1, 2} if disturbed.mode != "for good" else {0, 1, 3}), done.err
    if cell["error"]:
        assert names_the_fault(disturbed, cell["error"]), f"the first cause is another: {cell['error']}"
    if done.code == 3:
        told_exactly(cell, auditor(cell["account"]).left())
        ended = lift(harness, document["run"])
        assert ended.code == 0, ended.err
    case.recovered(time.monotonic() - began)
    nothing_left(cell["account"])


def names_the_fault(disturbed: Disturbed, error: dict[str, Any]) -> bool:
    """Whether the cause is told in words that lead to the fault."""
    silent = {
        "reset": ("closed", "reset", "Connection"),
        "hang": ("limit", "timed out", "timeout", "no answer", "has not come back"),
    }
    words = silent.get(disturbed.kind, ("injected by harness --faults",))
    # The answer to a HEAD has no text, so that only the operation tells.
    return any(word in error["message"] for word in (*words, f"operation {disturbed.call.partition(':')[2]}"))


def told_exactly(cell: dict[str, Any], left: list[str]) -> None:
    """All that exists is in the leak record, and nothing is called leaked that does not exist."""
    resources, left = cell["resources"], [thing.partition(" ")[2] for thing in left]  # without the service
    leaked = {ref["id"] for ref in resources["leaked"]}
    doubtful = {ref["id"] for ref in resources["unverified"]}
    assert leaked or doubtful, cell["error"]
    missing = [name for name in left if not any(same(name, one) for one in leaked | doubtful)]
    assert missing == [], f"left, and not told: {missing}; told are {leaked | doubtful}"
    invented = [one for one in leaked if not any(same(name, one) for name in left)]
    # A part of something (the rules of a group, the settings of a bucket) goes with it, and is no name of its own.
    invented = [one for one in invented if not any(part in one for part in left)]
    if any(name.startswith("sg-") for name in left):  # whose rules have names of their own
        invented = [one for one in invented if not one.startswith("sgr-")]
    assert invented == [], f"told, and not there: {invented}; there are {left}"
    record = json.loads(Path(cell["leak_record"]).read_text(encoding="utf-8"))
    assert {ref["id"] for ref in record["leaked"]} == leaked
    assert {ref["id"] for ref in record["unverified"]} == doubtful


def same(name: str, told: str) -> bool:
    """Whether the auditor's name and the harness's id mean the same thing."""
    if told.startswith("arn:aws:secretsmanager:"):
        told = told[: -len("-a1b2c3")]  # behind its name a secret's ARN has six characters that the service draws
    return name == told or told.endswith((f"/{name}", f":{name}")) or name.endswith(f"/{told}")


def lift(harness, run: str):
    """The fault is gone with its run; whoever comes later ends what is left."""
    return harness("sweep", "--apply", "--run", run)
