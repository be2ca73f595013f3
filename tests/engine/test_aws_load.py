"""Many operations at once, throttled ones, and half-made ones, through the provider's door."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from aws_samples import World

from harness.providers.ambient import Ambient
from harness.providers.aws import AwsPackage
from harness.providers.contract import CreateRequest, DeleteRequest, PartialError, Presence
from harness.world.emulator import start_emulator
from harness.world.home import HOME_VARIABLE, open_home
from harness.world.provider import ALLOCATOR

AT_ONCE = 64
MOST_OF_A_CLIENT = 0.8
"""Of a plain script's processor time up to its first client: what a provider process may take until it can serve."""
MOST_MEMORY = 150_000_000
"""Bytes of a provider process that has used every declared type."""


@pytest.fixture(scope="module")
def url(harness_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An emulator of this file's own."""
    log = tmp_path_factory.mktemp("log") / "emulator.log"
    with start_emulator(open_home({HOME_VARIABLE: str(harness_home)}), log, lambda _text: None) as emulator:
        yield emulator.url


def world(url: str, account: str) -> World:
    """A provider instance over one account."""
    return World(
        AwsPackage(Ambient(endpoint=url, region="eu-central-1", access_key=account, secret_key="x")).configure({})
    )


def test_64_operations_at_once_all_end_well(url: str) -> None:
    """Of several services, from 64 threads: each is made once, and each is gone afterwards."""
    own = world(url, "555566667777")
    tokens = [
        "aws:sqs/queue:Queue",
        "aws:sns/topic:Topic",
        "aws:kinesis/stream:Stream",
        "aws:cloudwatch/logGroup:LogGroup",
    ]

    def cycle(number: int) -> tuple[str, Presence]:
        token = tokens[number % len(tokens)]
        inputs = own.checked(token, f"many{number}", {})
        request = CreateRequest(f"urn:pulumi:s::p::{token}::many{number}", token, f"many{number}", inputs)
        made = own.provider.create(request)
        assert own.provider.presence(token, made.id, {})[0] is Presence.EXISTS
        own.provider.delete(DeleteRequest(request.urn, token, made.id, inputs, made.outputs))
        return made.id, own.provider.presence(token, made.id, {})[0]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends = list(pool.map(cycle, range(AT_ONCE)))
    assert len({one for one, _ in ends}) == AT_ONCE
    assert {presence for _, presence in ends} == {Presence.GONE}


def test_what_was_made_before_a_failure_stays_in_the_state(url: str) -> None:
    """A stream exists, and its encryption is refused: the error carries the id, and a destroy finds it."""
    own = world(url, "555566668888")
    token = "aws:kinesis/stream:Stream"
    inputs = own.checked(token, "half", {"shardLevelMetrics": ["IncomingBytes"], "retentionPeriod": -1})
    with pytest.raises(PartialError) as caught:
        own.provider.create(CreateRequest(f"urn:pulumi:s::p::{token}::half", token, "half", inputs))
    half = caught.value.resource
    assert own.provider.presence(token, half.id, {})[0] is Presence.EXISTS
    own.provider.delete(DeleteRequest("", token, half.id, inputs, half.outputs))
    assert own.provider.presence(token, half.id, {})[0] is Presence.GONE


USE_ALL = textwrap.dedent(
    """
    import resource, sys, time
    sys.path.insert(0, sys.argv[1])
    began = time.process_time()
    from harness.providers import server
    from harness.providers.aws import AwsPackage, registry
    from harness.providers.ambient import Ambient
    print(time.process_time())
    ambient = Ambient(endpoint=sys.argv[2], region="eu-central-1", access_key="1" * 12, secret_key="x")
    provider = AwsPackage(ambient).configure({})
    declared = {one.token for one in registry.resources().values()}
    provider.find(declared, {"a": "b"})
    for one in {one.service for one in registry.resources().values()}:
        provider.clients.client(one)
    import os, psutil
    print(psutil.Process(os.getpid()).memory_info().rss)
    """
)


FIRST_CLIENT = """
import time
import boto3
boto3.client("s3", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
print(time.process_time())
"""


def told_by(code: str, *arguments: str) -> list[float]:
    """The numbers that a Python process of its own prints, with the variables of a provider process."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **ALLOCATOR})
    return [float(one) for one in done.stdout.split()]


@pytest.mark.campaign
def test_memory_and_start_of_a_process_that_uses_every_service(url: str) -> None:
    """It serves before a plain script has a client; with all clients and all types listed it is still small."""
    plain, ours = [], []
    for _ in range(3):  # in turn, and the best of each: the machine is not the same from one second to the next
        plain.append(told_by(FIRST_CLIENT)[0])
        ours.append(told_by(USE_ALL, str(Path(__file__).parents[2]), url))
    ready = min(seconds for seconds, _ in ours)
    assert ready < MOST_OF_A_CLIENT * min(plain), f"{ready} s; {min(plain)} s"
    assert max(memory for _, memory in ours) < MOST_MEMORY, ours
