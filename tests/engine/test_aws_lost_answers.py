"""Creates whose answer is lost on the way, at the engine's door: the journal keeps asking, the target is asked."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.protostubs import load
from harness.providers import wire
from harness.providers.ambient import Ambient
from harness.providers.aws import AwsPackage
from harness.providers.aws.provider import AwsProvider
from harness.providers.contract import CreateRequest, DeleteRequest, PartialError, Presence, ProviderError
from harness.providers.door import Door
from harness.providers.journal import Journal, JournalWriter, read_journal
from harness.world.emulator import Emulator

(_pb,) = load("provider_pb2")

VPC, ROLE, BUCKET = "aws:ec2/vpc:Vpc", "aws:iam/role:Role", "aws:s3/bucket:Bucket"
GROUP, QUEUE = "aws:ec2/securityGroup:SecurityGroup", "aws:sqs/queue:Queue"
MARK = {"mark": "lost"}
TRUST = '{"Version":"2012-10-17","Statement":[]}'


class Wire:
    """The way to an emulator, which can break at one operation: before it arrives, or on the way back."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.operation = b""
        self.delivers = True
        self.answers = 0  # status of an answer of our own; 0 cuts the line
        self.times = 99
        self.hang = Event()
        self.hang.set()
        self.broken = 0
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                wire.carry(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815 - the base class's names

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def carry(self, request: BaseHTTPRequestHandler) -> None:
        """One request to the emulator and back, or not."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        text = b" ".join((request.command.encode(), request.path.encode(), str(request.headers).encode(), body))
        cut = bool(self.operation) and self.operation in text and self.broken < self.times
        if cut:
            self.broken += 1
        if not cut or self.delivers:
            status, headers, answer = self.ask(request, body)
        if cut:
            self.hang.wait(30)
            if self.answers:
                request.send_response(self.answers)
                request.send_header("Content-Length", "0")
                request.end_headers()
            request.close_connection = True
            return
        request.send_response(status)
        for name, value in headers:
            if name.lower() not in {"content-length", "transfer-encoding", "connection", "date", "server"}:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        with suppress(ConnectionError):  # the client may have hung up
            request.wfile.write(answer)

    def ask(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """What the emulator says."""
        connection = http.client.HTTPConnection(str(self.target.hostname), self.target.port or 80)
        try:
            connection.request(request.command, request.path, body, dict(request.headers))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def line(emulator: Emulator) -> Iterator[Wire]:
    """A way to the emulator that the test may break."""
    wire_ = Wire(emulator.url)
    yield wire_
    wire_.hang.set()
    wire_.close()


@pytest.fixture
def account(emulator: Emulator) -> str:
    """An account that no other test has used."""
    return str(100000000000 + time.monotonic_ns() % 800000000000)


def package(url: str, account: str) -> AwsPackage:
    """The package over that account."""
    return AwsPackage(Ambient(endpoint=url, region="eu-central-1", access_key=account, secret_key="x", tags=MARK))


def create(url: str, account: str, folder: Path, token: str, inputs: dict[str, Any]) -> tuple[str, Journal]:
    """Create at the engine's door; what failed, and the journal."""
    writer = JournalWriter(folder / "journal")
    door = Door(package(url, account), writer)
    said = ""
    try:
        door.configure(_pb.ConfigureRequest(args=wire.encode({})))
        asked = wire.encode({**inputs, "tagsAll": MARK})
        door.create(_pb.CreateRequest(urn=f"urn::{token}::it", type=token, name="it", properties=asked))
    except ProviderError as error:
        said = str(error)
    finally:
        writer.close()
    return said, read_journal(folder / "journal")


def there(url: str, account: str, token: str, journal: Journal) -> list[str]:
    """What the target holds: by the id that the journal knows, or else by tags."""
    provider = package(url, account).configure({})
    [intent] = journal.intents
    if intent.id is None:
        return [one.id for one in provider.find([token], MARK)]
    return [intent.id] if provider.presence(token, intent.id, {})[0] is Presence.EXISTS else []


LOST = [
    (VPC, {"cidrBlock": "10.0.0.0/16"}, b"Action=CreateVpc"),
    (ROLE, {"name": "lost-role", "assumeRolePolicy": TRUST}, b"Action=CreateRole"),
    (BUCKET, {"bucket": "lost-bucket"}, b"PUT /lost-bucket"),
    (QUEUE, {"name": "lost-queue"}, b"AmazonSQS.CreateQueue"),
]


@pytest.mark.parametrize("answers", [0, 500])
@pytest.mark.parametrize("delivers", [False, True])
@pytest.mark.parametrize(("token", "inputs", "operation"), LOST)
def test_a_lost_answer_leaves_the_intent_open(
    line: Wire, emulator: Emulator, account: str, tmp_path: Path, token, inputs, operation, delivers, answers
) -> None:
    """Whether it arrived or not, nobody knows: the journal says so, the target tells, and what is there can go."""
    line.operation, line.delivers, line.answers = operation, delivers, answers
    said, journal = create(line.url, account, tmp_path, token, inputs)
    assert line.broken, "the line did not break"
    assert "not known" in said
    assert [one.type for one in journal.open_intents()] == [token]
    found = there(emulator.url, account, token, journal)
    assert bool(found) is delivers
    provider = package(emulator.url, account).configure({})
    for one in found:
        provider.delete(DeleteRequest("", token, one, {}, {}))
    assert there(emulator.url, account, token, journal) == []


@pytest.mark.parametrize(("token", "inputs", "operation"), [LOST[0], LOST[1], LOST[3]])
def test_an_answer_that_says_nothing_leaves_the_intent_open(
    line: Wire, emulator: Emulator, account: str, tmp_path: Path, token, inputs, operation
) -> None:
    """A success without a word of what was made: it is made all the same."""
    line.operation, line.answers = operation, 200
    said, journal = create(line.url, account, tmp_path, token, inputs)
    assert "not known" in said
    assert len(journal.open_intents()) == 1
    assert there(emulator.url, account, token, journal)


@pytest.mark.parametrize(("token", "inputs", "operation"), LOST[1:3])
def test_a_second_try_that_meets_the_first_ones_work_is_no_refusal(
    line: Wire, emulator: Emulator, account: str, tmp_path: Path, token, inputs, operation
) -> None:
    """The answer to the first attempt is lost, botocore tries again, `exists already` comes back: it is ours."""
    line.operation, line.times = operation, 1
    said, journal = create(line.url, account, tmp_path, token, inputs)
    assert "not known" in said
    assert len(journal.open_intents()) == 1
    assert there(emulator.url, account, token, journal)


def test_what_the_target_refused_or_never_heard_is_closed(line: Wire, account: str, tmp_path: Path) -> None:
    """A refusal, a name that is taken, a target that is down: nothing was made, and the journal knows it."""
    jobs = [
        (
            line.url,
            "aws:rds/cluster:Cluster",
            {"clusterIdentifier": "c", "engine": "aurora-postgresql", "engineVersion": "15.3"},
        ),
        ("http://127.0.0.1:9", VPC, {"cidrBlock": "10.0.0.0/16"}),
    ]
    for index, (url, token, inputs) in enumerate(jobs):
        folder = tmp_path / str(index)
        folder.mkdir()
        said, journal = create(url, account, folder, token, inputs)
        assert said
        assert (len(journal.intents), journal.open_intents()) == (1, ())


def test_a_lookup_before_the_create_that_fails_made_nothing(line: Wire, account: str, tmp_path: Path) -> None:
    """A queue's name is looked up first: an answer lost there is no doubt about the create."""
    line.operation = b"AmazonSQS.GetQueueUrl"
    said, journal = create(line.url, account, tmp_path, QUEUE, {"name": "never"})
    assert said
    assert journal.open_intents() == ()


def test_what_a_first_step_made_is_kept_with_its_id(
    line: Wire, emulator: Emulator, account: str, tmp_path: Path
) -> None:
    """A security group exists before its rules: when those are lost the journal holds the group."""
    provider = package(emulator.url, account).configure({})
    vpc = provider.create(CreateRequest("urn", VPC, "v", {"cidrBlock": "10.0.0.0/16"})).id
    line.operation = b"Action=AuthorizeSecurityGroupIngress"
    block = {"protocol": "tcp", "fromPort": 1, "toPort": 2, "cidrBlocks": ["10.0.0.0/8"]}
    inputs = {"name": "half", "description": "d", "vpcId": vpc, "ingress": [block]}
    _, journal = create(line.url, account, tmp_path, GROUP, inputs)
    [made] = journal.standing()
    assert made.partial
    assert provider.presence(GROUP, made.id, {})[0] is Presence.EXISTS


def test_a_call_that_hangs_ends_with_the_operations_time(
    line: Wire, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No further attempt after the time-out that the program gave, and none after a cancel."""
    monkeypatch.setattr("harness.providers.aws.clients._READ", 0.5)
    provider = package(line.url, account).configure({})
    provider.create(CreateRequest("urn", VPC, "warm", {"cidrBlock": "10.0.0.0/16"}))
    line.operation = b"Action=CreateVpc"
    line.hang.clear()
    for timeout in (0.1, 0):
        line.broken = 0
        if not timeout:
            Thread(target=_cancel_when, args=(provider, line)).start()
        with pytest.raises(ProviderError, match="not known"):
            provider.create(CreateRequest("urn", VPC, "slow", {"cidrBlock": "10.0.0.0/16"}, timeout=timeout))
        assert line.broken == 1


def _cancel_when(provider: AwsProvider, line: Wire) -> None:
    while not line.broken:
        time.sleep(0.01)
    provider.cancel()


def test_a_wait_whose_question_hangs_ends_with_the_operations_time(
    line: Wire, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The create is through, the target falls silent: what exists is handed over, soon."""
    monkeypatch.setattr("harness.providers.aws.clients._READ", 0.5)
    provider = package(line.url, account).configure({})
    provider.create(CreateRequest("urn", VPC, "warm", {"cidrBlock": "10.0.0.0/16"}))
    line.operation = b"Action=DescribeVpcs"
    line.hang.clear()
    start = time.monotonic()
    with pytest.raises(PartialError):
        provider.create(CreateRequest("urn", VPC, "silent", {"cidrBlock": "10.0.0.0/16"}, timeout=0.2))
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_wait_for_what_never_leaves_ends(line: Wire, account: str, cancelled: bool) -> None:
    """A delete that the target takes and forgets: the time that was given counts, and so does a cancel."""
    provider = package(line.url, account).configure({})
    bucket = provider.create(CreateRequest("urn", BUCKET, "stays", {"bucket": f"stays-{account}"})).id
    line.operation, line.delivers, line.answers = b"DELETE /stays", False, 204
    if cancelled:
        Thread(target=_cancel_when, args=(provider, line)).start()
    start = time.monotonic()
    with pytest.raises(ProviderError, match="cancelled while waiting" if cancelled else r"timed out after 1 s .*still"):
        provider.delete(DeleteRequest("urn", BUCKET, bucket, {"bucket": bucket}, {}, timeout=30 if cancelled else 1))
    assert time.monotonic() - start < 3


def test_a_find_in_the_way_of_another_does_not_hold_up_the_round(emulator: Emulator, account: str) -> None:
    """Without a state there is no order: what is blocked says so soon, and goes in the next round."""
    provider = package(emulator.url, account).configure({})
    vpc = provider.create(CreateRequest("urn", VPC, "v", {"cidrBlock": "10.0.0.0/16"})).id
    inputs = {"name": "blocks", "description": "d", "vpcId": vpc}
    group = provider.create(CreateRequest("urn", GROUP, "g", inputs)).id
    start = time.monotonic()
    with pytest.raises(ProviderError, match="DependencyViolation"):
        provider.delete(DeleteRequest("", VPC, vpc, {}, {}))
    assert time.monotonic() - start < 4
    for token, one in ((GROUP, group), (VPC, vpc)):
        provider.delete(DeleteRequest("", token, one, {}, {}))
