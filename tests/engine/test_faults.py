"""`--faults`: calls to a real target fail on cue, in AWS's own words, and the result tells which."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import psutil
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from commands import STRAIGHT

from harness.model import FaultOutcome, FaultRule, PhaseName
from harness.world.emulator import Emulator
from harness.world.faults import FaultProxy, what_fired


def rule(
    number: int = 1, *, after: int = 0, phases: tuple[PhaseName, ...] = (), glob: str = "*", **own: Any
) -> FaultRule:
    """A rule for SQS."""
    rule = {"service": "sqs", "probability": 1.0, **own}
    return FaultRule(
        number=number, name="n", service="sqs", operation=glob, kind="error", phases=phases, after=after, rule=rule
    )


ERROR = {"error": {"code": "InternalFailure", "status": 500, "message": "on cue"}}


class Proxied:
    """A client of SQS behind a proxy, and what the proxy has to say."""

    def __init__(self, proxy: FaultProxy, rules: tuple[FaultRule, ...], log: Path, account: str) -> None:
        self.proxy, self.rules, self.log, self.account = proxy, rules, log, account
        self.sqs, self.hasty = self._client(30), self._client(1)

    def _client(self, patience: int) -> Any:
        config = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=patience)
        return boto3.client(
            "sqs",
            endpoint_url=self.proxy.url,
            region_name="us-east-1",
            aws_access_key_id=self.account,
            aws_secret_access_key="emulator",
            config=config,
        )

    def names(self) -> list[str]:
        """One call each: the queues that are there, by the code of the error where it fails."""
        try:
            self.sqs.list_queues()
        except ClientError as error:
            return [str(error.response["Error"]["Code"])]
        return []

    def fired(self) -> list[FaultOutcome]:
        """What has fired by now."""
        return list(what_fired(self.rules, self.log))


@pytest.fixture
def proxied(emulator: Emulator, tmp_path: Path, account: str) -> Callable[..., Any]:
    """Starts proxies to the emulator; all are ended."""
    told: list[str] = []

    @contextmanager
    def start(*rules: FaultRule, seed: int = 0) -> Iterator[Proxied]:
        log = tmp_path / f"faults-{len(list(tmp_path.iterdir()))}.jsonl"
        with FaultProxy(emulator.url, rules, seed, log, told.append) as proxy:
            made = Proxied(proxy, rules, log, account)
            try:
                yield made
            finally:
                made.sqs.close()
                made.hasty.close()

    start.told = told  # type: ignore[attr-defined]
    return start


def test_a_rule_fires_as_often_as_it_says_and_each_time_is_told(proxied) -> None:
    """Then calls reach the target; what no rule is for was never touched. The time is that since the start."""
    with proxied(rule(times=2, **ERROR)) as way:
        assert [way.names() for _ in range(3)] == [["InternalFailure"], ["InternalFailure"], []]
        [fired] = way.fired()
        assert fired.times == 2
        assert [hit.call for hit in fired.at] == ["sqs:ListQueues"] * 2
        assert 0 < fired.at[0].seconds < 30
        assert way.log.stat().st_mode & 0o777 == 0o600


def test_the_first_calls_may_pass(proxied) -> None:
    """`after` counts those that the rule is for."""
    with proxied(rule(after=1, glob="List*", times=1, **ERROR)) as way:
        way.sqs.create_queue(QueueName="q")
        assert [way.names() for _ in range(3)] == [[], ["InternalFailure"], []]


def test_a_throttle_is_one_for_the_sdk(proxied) -> None:
    """The code arrives as the file says it: with a namespace before it boto3 would not try again."""
    with proxied(rule(times=1, error={"code": "RequestThrottled", "status": 400, "message": "slow"})) as way:
        assert way.names() == ["RequestThrottled"]


def test_a_reset_closes_the_connection_and_a_hang_never_answers(proxied) -> None:
    """As the SDK sees them."""
    with proxied(rule(1, times=1, reset=True), rule(2, times=1, timeout_ms=86_400_000)) as way:
        with pytest.raises(ConnectionClosedError):
            way.sqs.list_queues()
        with pytest.raises(ReadTimeoutError):
            way.hasty.list_queues()
        assert way.names() == []
        assert [fired.times for fired in way.fired()] == [1, 1]


def test_a_rule_for_a_phase_rests_in_the_others_and_goes_on_counting(proxied) -> None:
    """Each change of phase is in force when `arm` returns."""
    with proxied(rule(phases=(PhaseName.DESTROY,), times=2, **ERROR)) as way:
        assert way.names() == []
        for phases, expected in (
            ((PhaseName.DESTROY,), ["InternalFailure"]),
            ((), []),
            ((PhaseName.DESTROY, PhaseName.PROBE), ["InternalFailure"]),
            ((PhaseName.DESTROY,), []),
        ):
            way.proxy.arm(phases)
            assert way.names() == expected


def test_the_same_seed_draws_the_same(proxied) -> None:
    """A probability is repeatable from run to run."""
    drawn = []
    for seed in (7, 7, 8):
        with proxied(rule(probability=0.5, **ERROR), seed=seed) as way:
            drawn.append([way.names() for _ in range(12)])
    assert drawn[0] == drawn[1] != drawn[2]
    assert [] in drawn[0]


def test_a_proxy_that_dies_is_followed_by_one_without_rules(proxied, eventually) -> None:
    """A destroy needs its target more than a test needs its faults; the user is told."""
    with proxied(rule(**ERROR)) as way:
        assert way.names() == ["InternalFailure"]
        os.kill(way.proxy.pid, signal.SIGKILL)
        eventually(lambda: proxied.told != [])
        assert way.names() == []
        assert proxied.told == ["the fault proxy died: from here on no fault is injected"]
        assert way.fired()[0].times == 1


def test_a_proxy_listens_on_loopback_and_ends_with_its_owner(proxied, eventually) -> None:
    """Closed or killed, it leaves no process and no open port."""
    with proxied(rule(**ERROR)) as way:
        way.names()
        process = psutil.Process(way.proxy.pid)
        assert {one.laddr.ip for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN} == {
            "127.0.0.1"
        }
    assert not process.is_running()


def faults(tmp_path: Path, text: str) -> str:
    """A fault file."""
    path = tmp_path / "faults.toml"
    path.write_text(text)
    return str(path)


def test_a_fault_in_up_is_the_first_cause_and_is_told(harness, emulator, auditor, shop, tmp_path) -> None:
    """Denied once: the run errs with the service's words, destroys, and lists what fired where; nothing is left."""
    text = '[[fault]]\nkind = "denied"\nservice = "sqs"\noperation = "CreateQueue"\ntimes = 1\nmust_fire = true\n'
    file = faults(tmp_path, text + '\n[[fault]]\nkind = "hang"\nservice = "kms"\n')
    done = harness("run", str(shop()), "--target", emulator.url, *STRAIGHT, "--json", "-", "--faults", file)
    assert done.code == 1, done.err
    assert "AccessDenied" in done.cell["error"]["message"]
    fired, idle = done.cell["faults"]
    assert (fired["times"], fired["at"][0]["call"], fired["kind"]) == (1, "sqs:CreateQueue", "denied")
    assert (idle["times"], idle["at"]) == (0, [])
    assert "1 fault fired: denied sqs:CreateQueue (1)" in done.err
    assert "fault 2 never fired, so it tested nothing: hang kms:*" in done.err
    assert auditor(done.cell["account"]).left() == []
    assert harness.processes() == []


def test_a_fault_that_had_to_fire_and_did_not_fails_the_cell(harness, emulator, shop, tmp_path) -> None:
    """Else a fault file that went stale stays green for ever."""
    file = faults(tmp_path, '[[fault]]\nkind = "hang"\nservice = "kms"\nmust_fire = true\n')
    done = harness("run", str(shop()), "--target", emulator.url, *STRAIGHT, "--json", "-", "--faults", file)
    assert (done.code, done.cell["status"]) == (1, "FAILED")
    assert "never fired, but had to: fault 1 (hang kms:*)" in done.cell["error"]["message"]


@pytest.mark.campaign
def test_what_is_kept_stays_kept_when_a_fault_did_not_fire(harness, emulator, auditor, shop, tmp_path) -> None:
    """That is told beside the cause; the lease does not say that something leaked, which the next sweep would end."""
    file = faults(tmp_path, '[[fault]]\nkind = "hang"\nservice = "kms"\nmust_fire = true\n')
    program = str(shop("\nif live:\n    after(lambda: 1 / 0)\n"))
    done = harness(
        "run", program, "--target", emulator.url, *STRAIGHT, "--json", "-", "--faults", file, "--keep-on-failure"
    )
    assert (done.code, done.cell["status"]) == (1, "KEPT"), done.err
    assert "division by zero" in json.dumps(done.cell["error"])
    assert "never fired, but had to: fault 1 (hang kms:*)" in done.cell["error"]["detail"]
    assert [lease["state"] for lease in harness("leases", "--json", "-").document] == ["kept"]
    assert harness("sweep", "--apply").code == 0
    assert auditor(done.cell["account"]).left() != []
    assert harness("destroy", done.document["run"]).code == 0


@pytest.mark.campaign
def test_a_fault_for_destroy_leaves_up_alone_and_is_lifted_for_whoever_comes_later(
    harness, emulator, auditor, shop, tmp_path
) -> None:
    """Deletes that are denied for good leak, exit 3; `harness destroy` asks the target directly, and ends it."""
    text = '[[fault]]\nkind = "denied"\nservice = "sqs"\noperation = "DeleteQueue"\nphase = ["destroy", "leak check"]\n'
    file = faults(tmp_path, text)
    done = harness("run", str(shop()), "--target", emulator.url, *STRAIGHT, "--json", "-", "--faults", file)
    assert done.code == 3, done.err
    phases = {phase["phase"]: phase["status"] for phase in done.cell["phases"]}
    assert (phases["up"], phases["destroy"], phases["leak check"]) == ("passed", "failed", "failed")
    left = auditor(done.cell["account"]).left()
    assert len(left) == len(done.cell["resources"]["leaked"]) == 1
    # Whoever reads that asks the target: the proxy has ended with the run.
    assert f"--endpoint-url {emulator.url}" in done.cell["resources"]["leaked"][0]["command"]
    [record] = harness.home.glob("runs/*/*/leak.json")
    assert json.loads(record.read_text())["target"] == emulator.url
    ended = harness("destroy", done.document["run"], "--json", "-")
    assert ended.code == 0, ended.err
    assert ended.cell["faults"] == []
    assert auditor(done.cell["account"]).left() == []


def test_the_programs_own_calls_go_the_same_way(harness, emulator, shop, tmp_path) -> None:
    """What it does with boto3 by itself meets the faults, too."""
    source = "import boto3\nboto3.client('sns').create_topic(Name='own')\n"
    file = faults(tmp_path, '[[fault]]\nkind = "denied"\nservice = "sns"\noperation = "CreateTopic"\n')
    flags = ("--no-policy", "--no-probe", "--no-recheck")
    done = harness("run", str(shop(source)), "--target", emulator.url, "--json", "-", "--faults", file, *flags)
    assert done.code == 1, done.err
    assert done.cell["faults"][0]["at"][0]["call"] == "sns:CreateTopic"


def test_a_cell_that_dies_leaves_its_proxy_to_end_and_what_fired_is_still_told(
    harness, emulator, auditor, shop, tmp_path, eventually
) -> None:
    """The recovery asks the target directly."""
    text = '[[fault]]\nkind = "latency"\nlatency = "1ms"\nservice = "sqs"\noperation = "CreateQueue"\n'
    text += '\n[[fault]]\nkind = "denied"\nservice = "*"\noperation = "Delete*"\n'
    program = shop("after(lambda: time.sleep(60) if live else None)\n")
    arguments = ("run", str(program), "--target", emulator.url, "--json", "-", "--faults", faults(tmp_path, text))
    process = harness.start(*arguments)

    def proxy() -> list[psutil.Process]:
        found = psutil.Process(process.pid).children(recursive=True)
        return [one for one in found if "harness.world.fault_server" in " ".join(one.cmdline())]

    eventually(lambda: any("CreateQueue" in log.read_text() for log in harness.home.glob("runs/*/*/faults.jsonl")))
    [served] = proxy()
    served.parent().kill()
    done = harness.finish(process)
    assert done.code == 1, done.err
    assert [fault["times"] for fault in done.cell["faults"]] == [1, 0]
    assert auditor(done.cell["account"]).left() == []
    end = time.monotonic() + 5
    while served.is_running() and time.monotonic() < end:
        time.sleep(0.05)
    assert not served.is_running()
