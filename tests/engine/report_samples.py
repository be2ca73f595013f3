"""Result documents of every kind, for the tests of all reports: what a run may come to say, made up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from harness.model import (
    CellResult,
    CellStatus,
    Change,
    Failure,
    Finding,
    Incident,
    PhaseName,
    PhaseResult,
    PhaseStatus,
    ProbeOutcome,
    PropertyChange,
    RecheckOutcome,
    ResourceRef,
    Resources,
    RuleLevel,
    RuleOutcome,
    RuleStatus,
    RunResult,
    Timing,
    worst_exit_code,
)

STARTED = datetime(2026, 11, 22, 19, 15, 16, tzinfo=UTC)
PACK = "harness"


def urn(token: str, name: str) -> str:
    """A URN of the sample stack."""
    return f"urn:pulumi:shop-abc12345::shop::{token}::{name}"


def phases(*said: tuple[PhaseName, str, float]) -> tuple[PhaseResult, ...]:
    """Phases one after the other."""
    made, at = [], 0.0
    for name, status, seconds in said:
        made.append(PhaseResult(phase=name, status=PhaseStatus(status), seconds=seconds, started=round(at, 3)))
        at += seconds
    return tuple(made)


FULL = (
    (PhaseName.PREFLIGHT, "passed", 2.0),
    (PhaseName.UP, "passed", 4.0),
    (PhaseName.PROBE, "passed", 0.5),
    (PhaseName.RECHECK, "passed", 1.5),
    (PhaseName.DESTROY, "passed", 2.0),
    (PhaseName.LEAK_CHECK, "passed", 0.1),
)


def ending(name: PhaseName, status: str = "failed") -> tuple[PhaseResult, ...]:
    """The whole cycle with one phase that ended otherwise; what a failed preflight prevents is not there."""
    if name is PhaseName.PREFLIGHT:
        return phases((name, status, 2.0))
    return phases(*((phase, status if phase is name else ended, seconds) for phase, ended, seconds in FULL))


def timings(number: int, *, failed: str = "") -> tuple[Timing, ...]:
    """Creates in `up` and deletes in `destroy`, in two components and on their own."""
    chains = (
        "shop:index:Network$aws:ec2/subnet:Subnet",
        "shop:index:Store$aws:s3/bucket:Bucket",
        "aws:sqs/queue:Queue",
    )
    made: list[Timing] = []
    for at in range(number):
        token = chains[at % len(chains)]
        name = f"resource-{at:03}"
        kind, step = token.rpartition("$")[2], round(at * 2.5 / max(1, number), 3)
        seconds = round(0.02 + (at * 37 % 100) / 80, 3)
        failed_now = name == failed
        made.append(
            Timing(urn=urn(token, name), type=kind, op="create", seconds=seconds, started=2.4 + step, failed=failed_now)
        )
        if not failed_now:
            made.append(
                Timing(urn=urn(token, name), type=kind, op="delete", seconds=seconds / 2, started=8.1 + step / 2)
            )
    return tuple(made)


def rules(*, failed: str = "", advised: str = "") -> tuple[RuleOutcome, ...]:
    """The shipped rules' names; one of each status when asked for."""
    names = {
        "suffix-in-names": "Names carry the environment suffix, so that two runs never meet.",
        "required-tags": "Taggable resources carry Environment, Project and CostCenter.",
        "deletion-protection": "Nothing is protected against its own deletion.",
        "kms-rotation": "Customer keys rotate.",
        "log-retention": "Log groups expire.",
    }
    made = []
    for name, description in names.items():
        status = RuleStatus.FAILED if name == failed else RuleStatus.ADVISED if name == advised else RuleStatus.PASSED
        level = RuleLevel.ADVISORY if name == advised else RuleLevel.MANDATORY
        made.append(
            RuleOutcome(
                pack=PACK,
                rule=name,
                level=level,
                status=status,
                description=description,
                violations=int(status is not RuleStatus.PASSED),
            )
        )
    made.append(RuleOutcome(pack=PACK, rule="ecr-scan", level=RuleLevel.DISABLED, status=RuleStatus.DISABLED))
    return tuple(made)


def finding(rule: str, severity: str = "mandatory") -> Finding:
    """What a violated rule says."""
    return Finding(
        id=rule,
        severity=severity,
        resource="Bucket assets",
        source=PACK,
        urn=urn("aws:s3/bucket:Bucket", "assets"),
        cause="bucket 'shop-assets' does not carry the suffix 'abc12345'",
        remedy='put the suffix into its name: f"shop-assets-{suffix}"',
    )


PROBES = (
    ProbeOutcome(name="bucket is private", status="passed", attempts=1, seconds=0.2, detail="blocked: all four"),
    ProbeOutcome(
        name="queue round trip", status="passed", attempts=2, seconds=0.4, detail="1 message", kind="sqs-round-trip"
    ),
)
BAD_PROBE = ProbeOutcome(
    name="shop answers",
    status="failed",
    attempts=7,
    seconds=30.1,
    kind="http",
    detail="GET http://127.0.0.1:8080/health: 503 Service Unavailable, wanted 200",
)
RECHECKS = (
    RecheckOutcome(name="idempotency", status="passed", seconds=1.1),
    RecheckOutcome(name="drift", status="passed", seconds=0.9),
)
DRIFTED = (
    RECHECKS[0],
    RecheckOutcome(
        name="drift",
        status="failed",
        seconds=0.9,
        detail="1 resource is not as the program made it",
        changes=(
            Change(
                urn=urn("aws:sqs/queue:Queue", "orders"),
                type="aws:sqs/queue:Queue",
                op="update",
                properties=(
                    PropertyChange(property="visibilityTimeoutSeconds", before="30", after="45"),
                    PropertyChange(property="tags.Owner", before="", after="somebody"),
                ),
            ),
        ),
    ),
)
LEAKED = Resources(
    planned=6,
    created=6,
    deleted=5,
    leaked=(
        ResourceRef(
            type="aws:s3/bucket:Bucket",
            id="shop-assets-abc12345",
            urn=urn("aws:s3/bucket:Bucket", "assets"),
            reason="still exists in us-east-1 (known from state)",
            command="aws s3 rb s3://shop-assets-abc12345 --force",
        ),
    ),
    unverified=(ResourceRef(type="aws:sqs/queue:Queue", id="?", reason="its create got no answer"),),
)


def cell(name: str = "shop-abc12345", status: CellStatus = CellStatus.PASSED, **seen: Any) -> CellResult:
    """A cell that passed with everything on, but for what is given."""
    usual: dict[str, Any] = {
        "phases": phases(*FULL),
        "resources": Resources(planned=6, created=6, deleted=6),
        "timings": timings(6),
        "rules": rules(),
        "probes": PROBES,
        "rechecks": RECHECKS,
        "outputs": {"bucketName": "shop-assets-abc12345", "zones": ["us-east-1a", "us-east-1b"], "token": "[secret]"},
        "suffix": "abc12345",
        "region": "us-east-1",
        "started": STARTED,
        "seconds": 10.1,
        "log": "/nonexistent/cell.log",
    }
    return CellResult(
        cell=name,
        program="shop",
        stack=name,
        account="123456789012",
        status=status,
        **{**usual, **seen},
    )


def _failed(phase: PhaseName | None, message: str, hint: str = "", detail: str = "") -> Failure:
    return Failure(phase=phase, message=message, hint=hint, detail=detail)


def cells() -> dict[str, CellResult]:
    """A cell for each way to end."""
    nothing = Resources(planned=6)
    refused = {"resources": nothing, "timings": (), "probes": (), "rechecks": (), "outputs": {}}
    return {
        "passed": cell("passed-abc12345"),
        "failed-policy": cell(
            "failed-policy-abc12345", CellStatus.FAILED, phases=ending(PhaseName.PREFLIGHT), **refused,
            rules=rules(failed="suffix-in-names", advised="log-retention"),
            findings=(finding("suffix-in-names"), finding("log-retention", "advisory")),
            error=_failed(PhaseName.PREFLIGHT, "1 mandatory rule is violated: suffix-in-names", "see its remedy"),
        ),
        "failed-probe": cell(
            "failed-probe-abc12345", CellStatus.FAILED, phases=ending(PhaseName.PROBE), probes=(*PROBES, BAD_PROBE),
            rechecks=(),
            error=_failed(PhaseName.PROBE, "1 of 3 probes did not pass: shop answers", "see the evidence above"),
        ),
        "drifted": cell(
            "drifted-abc12345", CellStatus.FAILED, phases=ending(PhaseName.RECHECK), rechecks=DRIFTED,
            error=_failed(PhaseName.RECHECK, "drift: Queue orders changed", "somebody or something else writes to it"),
        ),
        "errored": cell(
            "errored-abc12345", CellStatus.ERRORED, phases=ending(PhaseName.UP), probes=(), rechecks=(), outputs={},
            timings=timings(6, failed="resource-004"), resources=Resources(planned=6, created=5, deleted=5),
            error=_failed(
                PhaseName.UP, "aws:sqs/queue:Queue 'resource-005': InvalidAttributeValue: 999999",
                "the target's own words; what had been made of it is destroyed with the rest",
                'Traceback (most recent call last):\n  File "/shop/__main__.py", line 12, in <module>\nValueError: x',
            ),
            incidents=(
                Incident(
                    id="sqs-visibility", title="A visibility timeout beyond twelve hours",
                    cause="SQS takes 0 to 43200 seconds", remedy="visibility_timeout_seconds=43200 at most",
                    evidence="InvalidAttributeValue: 999999",
                ),
            ),
        ),
        "leaked": cell(
            "leaked-abc12345", CellStatus.LEAKED, phases=ending(PhaseName.LEAK_CHECK), resources=LEAKED,
            error=_failed(PhaseName.LEAK_CHECK, "1 resource is still there, 1 is unverified", "see the commands"),
        ),
        "interrupted": cell(
            "interrupted-abc12345", CellStatus.INTERRUPTED, phases=ending(PhaseName.UP, "interrupted"), probes=(),
            rechecks=(), error=_failed(PhaseName.UP, "up stopped: SIGINT", detail="was working on: Queue orders (4 s)"),
        ),
        "rejected": cell(
            "rejected-abc12345", CellStatus.REJECTED, phases=ending(PhaseName.PREFLIGHT), rules=(), **refused,
            error=_failed(PhaseName.PREFLIGHT, "shop needs the configuration value 'size'", "--config size=VALUE"),
        ),
        "kept": cell(
            "kept-abc12345", CellStatus.KEPT,
            phases=(
                *ending(PhaseName.PROBE)[:3],
                PhaseResult(phase=PhaseName.DESTROY, status=PhaseStatus.SKIPPED, seconds=0, detail="--keep-on-failure"),
            ),
            probes=(*PROBES, BAD_PROBE), rechecks=(), resources=Resources(planned=6, created=6),
            error=_failed(PhaseName.PROBE, "1 of 3 probes did not pass: shop answers", "see the evidence above"),
        ),
        "never-begun": CellResult(
            cell="never-begun-abc12345", program="shop", stack="never-begun-abc12345", suffix="abc12345",
            region="us-east-1", account=None, status=CellStatus.INTERRUPTED, error=_failed(None, "not begun: SIGINT"),
        ),
    }  # fmt: skip


def run(*results: CellResult) -> RunResult:
    """A run of these cells."""
    return RunResult(
        run="r-sample00001", started=STARTED, seconds=12.3, provider="bundled", target="emulator", cells=results,
        exit_code=worst_exit_code([result.status for result in results]),
        engine={"version": "3.255.0", "origin": "cache", "path": "/engine/pulumi"},
    )  # fmt: skip


def sample_result(*names: str) -> RunResult:
    """A run of the named cells; without names of all."""
    known = cells()
    return run(*(known[name] for name in names or known))
