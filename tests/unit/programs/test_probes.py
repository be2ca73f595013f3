"""The probes of the systems: which of them look at what, and that each function of a `probes.py` says no.

Every assert of a function is shown the answer that it is there for: `harness run` on a healthy stack never does that.
"""

from __future__ import annotations

import ast
import copy
import traceback
from collections import Counter
from typing import Any

import pytest
from mocked_programs import PROGRAMS, SUFFIX
from payments_answers import PAYMENTS
from platform_answers import PLATFORM
from probe_answers import FINANCIAL, STARTER, Case

from harness.plan.discovery import load_program
from harness.probes.registry import Probe, ProbeContext, ProbeFailure, StackResource, check, load_probes

CASES = [*FINANCIAL, *STARTER, *PAYMENTS, *PLATFORM]
REGION = "eu-central-1"
# The kinds of their probes; `function` are those of its probes.py. Whoever adds one writes it down here.
KINDS = {
    "financial": """
        rds-available vpc-layout security-groups secret-readable kms-rotation encrypted log-retention ecr-scan tags
        suffix function
    """,
    "flask_api": """
        ecr-image ecr-scan vpc-layout*2 flow-logs security-groups target-chain ecs-steady ecs-scaling rds-available
        secret-readable*2 role-may*4 alarms kms-rotation encrypted log-retention tags suffix
    """,
    "payments": """
        vpc-layout*2 flow-logs security-groups target-chain ecs-steady secret-readable*2 role-may*12 ecr-scan
        s3-round-trip kms-rotation encrypted log-retention tags suffix function*5
    """,
    "platform": """
        vpc-layout*2 flow-logs security-groups target-chain ecs-steady ecs-scaling rds-available secret-readable*2
        cache-available stream-round-trip topic-round-trip s3-round-trip ecr-scan role-may*8 alarms kms-rotation*3
        encrypted*2 log-retention tags suffix function*3
    """,
    "starter": "s3-round-trip sqs-round-trip tags suffix function*2",
    "webapp": """
        vpc-layout security-groups target-chain ecs-steady ecs-scaling rds-available secret-readable role-may*2
        kms-rotation encrypted log-retention tags suffix
    """,
}


@pytest.mark.parametrize("folder", sorted(file.parent.name for file in PROGRAMS.glob("*/Pulumi.yaml")))
def test_no_program_lost_a_probe(folder: str) -> None:
    """One that is deleted from a harness.toml, or from a probes.py, would be missed by nobody: the rest passes."""
    found = [*check(load_program(PROGRAMS / folder)), *load_probes(PROGRAMS / folder)]
    wanted = (word.partition("*") for word in KINDS[folder].split())
    assert Counter(probe.kind for probe in found) == {kind: int(number or 1) for kind, _, number in wanted}


class Client:
    """Stands in for boto3's: gives the answer that was laid down for an operation, one after the other if a list."""

    def __init__(self, service: str, answers: dict[str, Any]) -> None:
        self._service, self._answers = service, answers

    def __getattr__(self, operation: str) -> Any:
        answer = self._answers[f"{self._service}.{operation}"]
        return lambda **_asked: answer.pop(0) if isinstance(answer, list) else answer

    def close(self) -> None:
        """Nothing is open."""


def ask(case: Case, where: tuple[Any, ...] = (), value: object = None) -> object:
    """What the probe says of the world of that case, with `value` laid down at `where`."""
    world = copy.deepcopy({"outputs": case.outputs, "answers": case.answers, "state": case.state})
    *way, last = where or ("nothing",)
    place: Any = world
    for step in way:
        place = place[step]
    place[last] = copy.deepcopy(value)
    keys = {"endpoint": "http://127.0.0.1:9", "access_key": "1", "secret_key": "2"} if case.state else {}
    state = tuple(StackResource(type_, "id", "name", outputs=told) for type_, told in world["state"].items())
    context = ProbeContext(outputs=world["outputs"], region=REGION, suffix=SUFFIX, resources=state, **keys)
    services = {name.partition(".")[0] for name in case.answers}
    context._clients.update({(service, REGION): Client(service, world["answers"]) for service in services})
    return probe_of(case).function(context)


def probe_of(case: Case) -> Probe:
    """By its words."""
    [found] = [probe for probe in load_probes(PROGRAMS / case.program) if probe.name == case.probe]
    return found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_right_is_proved(case: Case) -> None:
    """With evidence that tells what was seen."""
    evidence = ask(case)
    assert evidence
    assert case.evidence in str(evidence)


@pytest.mark.parametrize(
    ("case", "where", "value", "said"),
    [(case, *bad) for case in CASES for bad in case.bad],
    ids=lambda one: str(one) if isinstance(one, Case) else "",
)
def test_what_is_wrong_is_refused(case: Case, where: tuple[Any, ...], value: object, said: str) -> None:
    """By words that say what is wrong."""
    with pytest.raises((AssertionError, ProbeFailure)) as refused:
        ask(case, where, value)
    assert said in str(refused.value)


@pytest.mark.parametrize("folder", sorted(file.parent.name for file in PROGRAMS.glob("*/probes.py")))
def test_every_assert_of_a_probe_has_refused_something(folder: str) -> None:
    """An assert that nothing fails proves nothing: each line that can say no, says it in one of the cases."""
    file = (PROGRAMS / folder / "probes.py").resolve()
    nodes = ast.walk(ast.parse(file.read_text()))
    lines = {node.lineno for node in nodes if isinstance(node, (ast.Assert, ast.Raise))}
    refused = set()
    for case in CASES:
        for where, value, _ in case.bad if case.program == folder else ():
            with pytest.raises((AssertionError, ProbeFailure)) as error:
                ask(case, where, value)
            frames = [one for one in traceback.extract_tb(error.value.__traceback__) if one.filename == str(file)]
            refused.add(frames[-1].lineno)
    assert lines == refused
