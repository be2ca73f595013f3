"""`sqs-round-trip`: a queue's URL in; that what is sent there is received out. Messages of others stay."""

from __future__ import annotations

import math
import secrets
import time
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
    sqs: Any = context.client("sqs")
    mark = f"harness-probe-{context.suffix}-"
    text = mark + secrets.token_hex(8)
    group = {"MessageGroupId": mark, "MessageDeduplicationId": text} if keys.queue.endswith(".fifo") else {}
    sent = sqs.send_message(QueueUrl=keys.queue, MessageBody=text, **group)["MessageId"]
    until = time.monotonic() + min(WAIT, keys.timeout)
    others: list[str] = []
    bodies: list[str] = []
    try:
        while text not in bodies and (left := until - time.monotonic()) > 0:
            for message in received(sqs, keys.queue, math.ceil(left)):
                if message["Body"].startswith(mark):  # those of earlier attempts, too
                    sqs.delete_message(QueueUrl=keys.queue, ReceiptHandle=message["ReceiptHandle"])
                    bodies.append(message["Body"])
                else:
                    others.append(message["ReceiptHandle"])
    finally:
        for handle in others:
            sqs.change_message_visibility(QueueUrl=keys.queue, ReceiptHandle=handle, VisibilityTimeout=0)
    if text not in bodies:
        raise ProbeFailure(f"message {sent} did not come back", {"messages of others": len(others)})
    return f"message {sent} there and back"


def received(sqs: Any, queue: str, wait: int) -> list[dict[str, Any]]:
    """What one long poll brings."""
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=MOST, WaitTimeSeconds=wait)
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages
