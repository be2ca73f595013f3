"""Probes: what `probes.py` may say, what the loader refuses, and how a probe is tried, given up and reported."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from harness.errors import ProgramError
from harness.probes.registry import (
    Probe,
    ProbeContext,
    ProbeFailure,
    ProbeResult,
    load_probes,
    probe,
    run_probe,
    run_probes,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = "from harness.probes.registry import ProbeContext, ProbeFailure, probe\n"


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        """Seconds, as `time.monotonic` says them."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass, and remember how much."""
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """Time at zero."""
    return Clock()


@pytest.fixture
def context() -> ProbeContext:
    """A stack with two outputs."""
    return ProbeContext(outputs={"bucketName": "b-1", "queueUrl": "q"}, region="eu-central-1", suffix="s1")


@pytest.fixture
def run(clock: Clock, context: ProbeContext) -> Callable[[Probe], ProbeResult]:
    """Run one probe on that clock."""
    return lambda which: run_probe(which, context, clock=clock, sleep=clock.sleep)


def write(directory: Path, text: str, name: str = "probes.py") -> Path:
    """Put a file behind the usual import into a directory."""
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(HEAD + text, encoding="utf-8")
    return directory


# What may be declared


def test_probes_come_in_file_order_with_their_words_and_times(tmp_path: Path) -> None:
    """`@probe`, `@probe("words")` and `@probe(timeout=…)` all count, in the order of the file."""
    text = (
        "@probe\ndef zebra_is_there(context): ...\n"
        '@probe("the ant works")\ndef ant(context): ...\n'
        "@probe(timeout=2.5)\ndef bee(context): return context.suffix\n"
    )
    probes = load_probes(write(tmp_path, text))
    assert [(each.name, each.timeout) for each in probes] == [
        ("zebra is there", 30.0),
        ("the ant works", 30.0),
        ("bee", 2.5),
    ]
    assert probes[2](ProbeContext(outputs={}, region="r", suffix="s9")) == "s9"


def test_a_program_without_probes_has_none(tmp_path: Path) -> None:
    """The file is optional."""
    assert load_probes(tmp_path) == []


def test_modules_beside_it_are_imported_and_do_not_meet_those_of_another_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two programs may both have a `beside.py`; nothing of either stays importable, and no bytecode is written."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for name in ("one", "two"):
        write(tmp_path / name, "import beside\n@probe\ndef p(context): return beside.WHO\n")
        write(tmp_path / name, f"WHO = {name!r}\n", "beside.py")
    path_before = list(sys.path)
    first, second = load_probes(tmp_path / "one"), load_probes(tmp_path / "two")
    context = ProbeContext(outputs={}, region="r", suffix="s")
    assert (first[0](context), second[0](context)) == ("one", "two")
    assert sys.path == path_before
    assert "beside" not in sys.modules
    assert not list(tmp_path.rglob("__pycache__"))


def test_asserts_count_under_python_O(tmp_path: Path) -> None:  # noqa: N802 - the switch is a capital
    """`python -O` removes asserts; a probe's must stay, or every probe would pass."""
    write(tmp_path, "@probe(timeout=0.001)\ndef p(context):\n    assert context.suffix == 'other'\n")
    program = (
        "import pathlib\nfrom harness.probes.registry import ProbeContext, load_probes, run_probe\n"
        f"p = load_probes(pathlib.Path({str(tmp_path)!r}))[0]\n"
        "print(run_probe(p, ProbeContext(outputs={}, region='r', suffix='s')).status)\n"
    )
    done = subprocess.run([sys.executable, "-O", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "failed"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("def p(context:\n", 2, "was never closed"),
        ("import no_such_module_of_mine\n", 2, "no_such_module_of_mine"),
        ("x = 1\nraise SystemExit(3)\n", 3, "SystemExit"),
        ("@probe\nasync def p(context): ...\n", 2, "async"),
        ("@probe\ndef p(context): yield 1\n", 2, "generator"),
        ("@probe\ndef p(): ...\n", 2, "exactly one argument"),
        ("@probe('p', timeout=0)\ndef p(context): ...\n", 2, "positive"),
        ("x = 1\n", 1, "declares no probe"),
        ("@probe('same')\ndef p(context): ...\n@probe('same')\ndef q(context): ...\n", 4, "already"),
        ("@probe\ndef p(context): ...\n@probe\ndef p(context): ...\n", 4, "already"),
    ],
)
def test_a_probes_file_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    """File, line, what is wrong and what to do; nothing that looks like a probe may vanish unseen."""
    write(tmp_path, text)
    with pytest.raises(ProgramError) as refused:
        load_probes(tmp_path)
    assert refused.value.message.startswith(f"{tmp_path / 'probes.py'}:{line}: ")
    assert words in refused.value.message
    assert refused.value.hint


def test_an_error_in_a_module_beside_names_that_module(tmp_path: Path) -> None:
    """The line is the one to mend, not the import that led there."""
    write(tmp_path, "import beside_broken\n")
    write(tmp_path, "\n1 / 0\n", "beside_broken.py")
    with pytest.raises(ProgramError, match=r"beside_broken\.py:3: ZeroDivisionError"):
        load_probes(tmp_path)


# What a probe is given


def test_a_missing_output_is_named_beside_those_that_are_there(run: Callable[[Probe], ProbeResult]) -> None:
    """A misspelt output is a mistake in the probe: no second attempt, and the right names are shown."""
    result = run(probe("p")(lambda context: context.outputs["bucket"]))
    assert (result.status, result.attempts) == ("errored", 1)
    assert "no output 'bucket'; it has bucketName, queueUrl" in result.detail


def test_an_emulator_never_gets_the_users_own_credentials() -> None:
    """An endpoint without its own keys is refused: boto3 would look for the user's."""
    with pytest.raises(ValueError, match="access key"):
        ProbeContext(outputs={}, region="r", suffix="s", endpoint="http://127.0.0.1:1")


def test_clients_point_at_the_target_and_are_made_once() -> None:
    """Endpoint, region and credentials are those of the cell; nothing secret shows in the context's text."""
    context = ProbeContext(
        outputs={"password": "hidden-1"},
        region="eu-west-1",
        suffix="s",
        endpoint="http://127.0.0.1:1",
        access_key="111122223333",
        secret_key="hidden-2",
    )
    client = context.client("sqs")
    assert client is context.client("sqs")
    assert (client.meta.endpoint_url, client.meta.region_name) == ("http://127.0.0.1:1", "eu-west-1")
    assert client._request_signer._credentials.access_key == "111122223333"
    assert "hidden" not in repr(context)


# How it is run


@pytest.mark.parametrize(("endpoint", "attempts"), [(None, 6), ("http://127.0.0.1:9", 2)], ids=["AWS", "emulator"])
def test_what_aws_throttles_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None, attempts: int
) -> None:
    """Patiently: a survey of every alarm goes over its quota. An emulator throttles nobody."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    made = ProbeContext(
        outputs={}, region="eu-central-1", suffix="s1x", endpoint=endpoint, access_key="x", secret_key="x"
    )
    sent = []

    def throttle(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request)
        body = io.BytesIO(b'{"__type": "ThrottlingException"}')
        body.stream = lambda **_: iter([body.getvalue()])  # type: ignore[attr-defined]
        return AWSResponse(request.url, 400, HTTPHeaders(), body)

    client = made.client("ecs")
    client.meta.events.register("before-send.ecs", throttle)
    with pytest.raises(ClientError, match="Throttling"):
        client.list_clusters()
    assert len(sent) == attempts
    made.close()


def test_a_probe_passes_once_what_it_waits_for_is_there(clock: Clock, run: Callable[[Probe], ProbeResult]) -> None:
    """Failed assertions, ProbeFailure, refusals by AWS and broken connections are tried again, with growing pauses."""
    states = iter(
        [
            AssertionError("creating"),
            ProbeFailure("modifying"),
            ClientError({"Error": {"Code": "NotFound"}}, "Describe"),
            EndpointConnectionError(endpoint_url="http://x"),
            ConnectionResetError(),
        ]
    )

    @probe
    def waits(_: ProbeContext) -> dict[str, object]:
        for state in states:
            raise state
        return {"state": "available", "ACU": [0.5, 1]}

    result = run(waits)
    assert (result.status, result.attempts) == ("passed", 6)
    assert result.detail == "state: available; ACU: [0.5, 1]"
    assert clock.pauses == sorted(clock.pauses)
    assert result.seconds == clock.now > 0


def test_a_probe_is_tried_until_its_deadline_and_not_after(clock: Clock, context: ProbeContext) -> None:
    """The last attempt is made at the deadline, and its evidence is what the report shows."""

    @probe(timeout=7)
    def never(_: ProbeContext) -> None:
        raise ProbeFailure("not yet", {"at": clock.now})

    result = run_probe(never, context, clock=clock, sleep=clock.sleep)
    assert (result.status, result.seconds) == ("failed", 7)
    assert result.detail.startswith("not yet; at: 7")
    assert result.attempts == len(clock.pauses) + 1


def test_a_failed_assertion_shows_line_and_source(tmp_path: Path, run: Callable[[Probe], ProbeResult]) -> None:
    """`assert` over several lines is shown whole on one, with its message, and without values of variables."""
    text = (
        "@probe\ndef p(context):\n    secret = 'hunter2'\n"
        "    assert (\n        len(secret)\n        == 40\n    ), 'too short'\n"
    )
    (only,) = load_probes(write(tmp_path / "shop", text))
    detail = run(only).detail
    assert detail.startswith("shop/probes.py:")
    assert "assert len(secret) == 40: too short" in detail
    assert "hunter2" not in detail


@pytest.mark.parametrize(
    "mistake", [NameError("x"), TypeError("x"), ParamValidationError(report="Bucket"), SystemExit(1), RuntimeError("x")]
)
def test_a_mistake_in_the_probe_ends_it_at_once(mistake: BaseException, run: Callable[[Probe], ProbeResult]) -> None:
    """What time cannot mend is not tried again, and is told apart from what the probe looked for."""

    @probe
    def broken(_: ProbeContext) -> None:
        raise mistake

    result = run(broken)
    assert (result.status, result.attempts, result.seconds) == ("errored", 1, 0)
    assert result.detail.startswith(type(mistake).__name__)


def test_a_probe_that_returns_false_has_not_passed(run: Callable[[Probe], ProbeResult]) -> None:
    """Only None, text and mappings are evidence: `return ok` must not be green when ok is False."""
    result = run(probe("p")(lambda _: False))  # type: ignore[arg-type,return-value]  # the mistake that is tested
    assert result.status == "errored"
    assert "assert" in result.detail


def test_a_probe_that_does_not_come_back_is_given_up(tmp_path: Path, context: ProbeContext) -> None:
    """The runner goes on after deadline and grace, and says where the probe hangs."""
    text = "import threading\nGO = threading.Event()\n@probe(timeout=0.01)\ndef p(context):\n    GO.wait()\n"
    (hangs,) = load_probes(write(tmp_path / "shop", text))
    result = run_probe(hangs, context, grace=0.01)
    hangs.function.__globals__["GO"].set()
    assert (result.status, result.attempts) == ("failed", 1)
    assert "gave up" in result.detail
    assert "shop/probes.py:6" in result.detail


def test_probes_run_side_by_side_and_report_in_order(clock: Clock, context: ProbeContext) -> None:
    """Each waits for the other, which works only when both run at once; at most `parallel` do."""
    meeting = threading.Barrier(2, timeout=20)

    def meets(context: ProbeContext) -> str:
        meeting.wait()
        return context.suffix

    pair = [probe("first")(meets), probe("second")(meets)]
    results = run_probes(pair, context, parallel=2, clock=clock, sleep=clock.sleep)
    assert [(each.name, each.status) for each in results] == [("first", "passed"), ("second", "passed")]


def test_once_stopped_no_further_attempt_is_made(clock: Clock, context: ProbeContext) -> None:
    """A signal while probes run must lead to destroy now, not after the last deadline."""
    stop = threading.Event()

    @probe(timeout=600)
    def never(_: ProbeContext) -> None:
        stop.set()
        raise ProbeFailure("not yet")

    result = run_probe(never, context, clock=clock, sleep=clock.sleep, stop=stop)
    assert (result.status, result.attempts, result.seconds) == ("failed", 1, 0)


def test_an_exception_in_the_runner_is_not_swallowed_and_stops_the_others(context: ProbeContext) -> None:
    """What comes from outside the probes passes through `run_probes`, and probes not yet begun never begin."""
    begun: list[str] = []

    def broken_clock() -> float:
        raise KeyboardInterrupt

    probes = [probe(name)(lambda _: begun.append("x")) for name in ("first", "second")]
    with pytest.raises(KeyboardInterrupt):
        run_probes(probes, context, parallel=1, clock=broken_clock)
    assert not begun
