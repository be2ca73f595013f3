"""A fault file: what it says becomes rules, what is malformed is named with its line, and so is what cannot fire."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.model import FaultRule, PhaseName, Plan
from harness.plan.faults import HOLD, for_cell
from harness.plan.make import make_plan
from harness.plan.settings import Settings
from harness.world.faults import MOST_HITS, what_fired


def plan(root: Path, text: str, target: str = "emulator") -> Plan:
    """The plan of a run of `shop` with this fault file."""
    if not (root / "Pulumi.yaml").exists():
        (root / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
        (root / "__main__.py").write_text("")
    (root / "faults.toml").write_text(text)
    settings = Settings(programs=(), cwd=root, environ={}, faults="faults.toml", target=target)  # type: ignore[arg-type]
    return make_plan(settings, random.Random(1))


def rules(root: Path, text: str) -> tuple[FaultRule, ...]:
    """The rules of a fault file."""
    return plan(root, text).faults


def test_a_fault_file_says_which_calls_meet_what(tmp_path: Path) -> None:
    """Service, operation, phase, cell and count; a name of its own or one made of kind and call."""
    first, second = rules(
        tmp_path,
        """
        [[fault]]
        kind = "hang"
        service = "s3"
        operation = "Delete*"
        phase = ["destroy", "leak check"]
        cell = "sh*"
        times = 2
        after = 1
        must_fire = true

        [[fault]]
        kind = "latency"
        name = "slow"
        latency = "200ms"
        phase = "up"
        """,
    )
    assert (first.number, first.name, first.operation) == (1, "hang s3:Delete*", "Delete*")
    assert first.phases == (PhaseName.DESTROY, PhaseName.LEAK_CHECK)
    assert (first.after, first.must_fire, first.cell) == (1, True, "sh*")
    assert first.rule == {"service": "s3", "probability": 1.0, "times": 2, "timeout_ms": HOLD}
    assert (second.name, second.phases, second.rule["latency"]) == ("slow", (PhaseName.UP,), 200)


@pytest.mark.parametrize(
    ("kind", "service", "code", "status"),
    [
        ("throttle", "s3", "SlowDown", 503),
        ("throttle", "ec2", "RequestLimitExceeded", 503),
        ("throttle", "iam", "Throttling", 400),
        ("throttle", "kms", "ThrottlingException", 400),
        ("throttle", "*", "ThrottlingException", 400),
        ("denied", "ec2", "UnauthorizedOperation", 403),
        ("denied", "rds", "AccessDenied", 403),
        ("denied", "logs", "AccessDeniedException", 400),
        ("error", "s3", "InternalError", 500),
        ("error", "sqs", "InternalFailure", 500),
    ],
)
def test_each_service_fails_in_its_own_words(tmp_path: Path, kind: str, service: str, code: str, status: int) -> None:
    """The code decides whether an SDK tries again: a throttle in another service's words tests nothing."""
    [rule] = rules(tmp_path, f'[[fault]]\nkind = "{kind}"\nservice = "{service}"\n')
    assert (rule.rule["error"]["code"], rule.rule["error"]["status"]) == (code, status)


def test_a_code_of_the_users_own_keeps_the_status_that_it_has(tmp_path: Path) -> None:
    """Unless the file gives a status as well."""
    text = '[[fault]]\nkind = "error"\nservice = "sqs"\ncode = "OverLimit"\n'
    [plain], [given] = rules(tmp_path, text), rules(tmp_path, text + "status = 418\n")
    assert (plain.rule["error"]["code"], plain.rule["error"]["status"]) == ("OverLimit", None)
    assert given.rule["error"]["status"] == 418


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ('[[fault]]\nkind = "boom"\n', ":2: fault[1].kind", "input should be", "throttle, denied, error"),
        ('[[fault]]\nservice = "sqs"\n', ":1: fault[1].kind", "needed and missing", "allowed here: kind"),
        ('[[fault]]\nkind = "hang"\ntime = 1\n', ":3: fault[1].time", "no such key", "times"),
        (
            '[[fault]]\nkind = "hang"\n\n[[fault]]\nkind = "reset"\ntimes = 0\n',
            ":6: fault[2].times",
            "greater",
            "often",
        ),
        ('[[fault]]\nkind = "latency"\n', ":1: fault[1]", "needs latency", ""),
        ('[[fault]]\nkind = "latency"\nlatency = "soon"\n', ":3: fault[1].latency", "not a duration", "200ms"),
        ('[[fault]]\nkind = "hang"\ncode = "X"\n', ":1: fault[1]", "answers nothing", ""),
        ('[[fault]]\nkind = "hang"\nphase = "down"\n', ":3: fault[1].phase", "input should be", "destroy"),
        ('[[fault]]\nkind = "hang"\nservice = "sqss"\n', ":3: fault[1].service", "no service 'sqss'", "sqs"),
        (
            '[[fault]]\nkind = "hang"\nservice = "sqs"\noperation = "MakeQueue"\n',
            ":4: fault[1].operation",
            "no operation 'MakeQueue'",
            "Queue",
        ),
        ('[[fault]]\nkind = "hang"\ncell = "other*"\n', ":3: fault[1].cell", "no cell is called", "shop"),
        ("seed = 1\n", "", "no [[fault]]", "write [[fault]]"),
        ("speed = 1\n", ":1: speed", "no such key", "seed, fault"),
        ("[[fault]\n", "", "faults.toml", "mend the TOML"),
    ],
)
def test_what_is_malformed_is_named_with_line_and_key(
    tmp_path: Path, text: str, place: str, message: str, hint: str
) -> None:
    """And so is what no call can ever match: a fault file that tests nothing would be a false green."""
    with pytest.raises(ConfigError) as refused:
        plan(tmp_path, text)
    assert place in refused.value.message
    assert message in refused.value.message.lower() or message in refused.value.message
    assert hint in refused.value.hint


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By its name."""
    plan(tmp_path, '[[fault]]\nkind = "hang"\n')
    settings = Settings(programs=(), cwd=tmp_path, environ={}, faults="other.toml")
    with pytest.raises(ConfigError, match=r"cannot read .*other\.toml"):
        make_plan(settings, random.Random(1))


def test_aws_itself_is_refused(tmp_path: Path) -> None:
    """The proxy has one upstream, and AWS has an endpoint for each service."""
    with pytest.raises(ConfigError, match="--faults cannot be used with --target aws") as refused:
        plan(tmp_path, '[[fault]]\nkind = "hang"\n', target="aws")
    assert "--target emulator" in refused.value.hint


def test_a_rule_is_for_the_cells_that_its_glob_names(tmp_path: Path) -> None:
    """By the cell's name or its program's."""
    [rule] = rules(tmp_path, '[[fault]]\nkind = "hang"\ncell = "shop"\n')
    assert for_cell((rule,), "shop-abc", "shop") == (rule,)
    assert for_cell((rule,), "store-abc", "store") == ()


def test_what_fired_is_read_from_the_log_whatever_died(tmp_path: Path) -> None:
    """Counted whole, told up to a limit; a line cut off by a kill is passed over; a rule that never fired is there."""
    given = rules(tmp_path, '[[fault]]\nkind = "hang"\n\n[[fault]]\nkind = "reset"\nmust_fire = true\n')
    log = tmp_path / "faults.jsonl"
    assert [outcome.times for outcome in what_fired(given, log)] == [0, 0]
    hit = json.dumps({"ts": 101.5, "rule": 1, "call": "s3:PutObject", "resource": "b"})
    log.write_text("\n".join([json.dumps({"began": 100.0}), *[hit] * (MOST_HITS + 5), '{"began": 7}', hit[:20]]))
    often, never = what_fired(given, log)
    assert (often.times, len(often.at)) == (MOST_HITS + 5, MOST_HITS)
    assert often.at[0].model_dump() == {"seconds": 1.5, "call": "s3:PutObject", "resource": "b"}
    assert (never.times, never.must_fire) == (0, True)
