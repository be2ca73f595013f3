"""`sqs-round-trip`: a queue's URL in; that what is sent there is received out. Messages of others stay."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, kind
from harness.probes.model import ProbeFailure

WAIT: Final = 5  # seconds of one long poll: it asks all hosts of the queue, a short one may miss what is there
MOST: Final = 10  # messages of one receive, SQS's own limit


class QueueKeys(Keys):
    """`sqs-round-trip`."""

    queue: str = Field(description="URL of the queue")


@kind("sqs-round-trip", "queue")
def sqs_round_trip(context: ProbeContext, keys: QueueKeys) -> str:
    """A message that is sent to the queue is received and deleted; messages of others are given back at once."""

    def send(text: str, group: Mapping[str, str]) -> str:
        sent: str = context.client("sqs").send_message(QueueUrl=keys.queue, MessageBody=text, **group)["MessageId"]
        return sent

    return f"message {round_trip(context, keys, keys.queue, send)} there and back"


def round_trip(context: ProbeContext, keys: QueueKeys, door: str, send: Callable[[str, Mapping[str, str]], str]) -> str:
    """Send a text in at the door (a queue's URL, a topic's ARN), have it out of the queue, and return its message's id.

    `send` is given the text, and group and deduplication id where the door keeps order. One probe at a time works with
    a queue: two would take each other's messages and both wait in vain.

    Raises:
        ProbeFailure: it did not come in time.
    """
    sqs: Any = context.client("sqs")
    mark = f"harness-{keys.kind}-{context.suffix}-"
    text = mark + secrets.token_hex(8)
    group = {"MessageGroupId": mark, "MessageDeduplicationId": text} if door.endswith(".fifo") else {}
    others: list[str] = []
    arrived = False
    with context.turn(keys.queue):
        sent = send(text, group)
        until = time.monotonic() + min(WAIT, keys.timeout)
        try:
            while not arrived and (left := until - time.monotonic()) > 0:
                for message in _received(sqs, keys.queue, math.ceil(left)):
                    if mark not in message["Body"]:  # as it is, or inside SNS's own envelope
                        others.append(message["ReceiptHandle"])
                        continue
                    sqs.delete_message(QueueUrl=keys.queue, ReceiptHandle=message["ReceiptHandle"])
                    arrived = arrived or text in message["Body"]  # else of an earlier attempt
        finally:
            for handle in others:
                sqs.change_message_visibility(QueueUrl=keys.queue, ReceiptHandle=handle, VisibilityTimeout=0)
    if not arrived:
        raise ProbeFailure(f"message {sent} did not arrive in the queue", {"messages of others": len(others)})
    return sent


def _received(sqs: Any, queue: str, wait: int) -> list[dict[str, Any]]:
    """What one long poll brings."""
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=MOST, WaitTimeSeconds=wait)
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages
