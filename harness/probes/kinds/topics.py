"""`topic-round-trip`: a topic and a queue in; that what is published to the one waits in the other, out."""

from __future__ import annotations

import math
import secrets
import time
from typing import Any

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, kind
from harness.probes.kinds.queues import WAIT, received
from harness.probes.model import ProbeFailure


class TopicKeys(Keys):
    """`topic-round-trip`."""

    topic: str = Field(description="ARN of the topic")
    queue: str = Field(description="URL of a queue that is subscribed to it")


@kind("topic-round-trip", "topic")
def topic_round_trip(context: ProbeContext, keys: TopicKeys) -> str:
    """A message that is published to the topic arrives in the queue, and is deleted; messages of others stay."""
    sqs: Any = context.client("sqs")
    mark = f"harness-topic-probe-{context.suffix}-"
    text = mark + secrets.token_hex(8)
    sent = context.client("sns").publish(TopicArn=keys.topic, Message=text)["MessageId"]
    until = time.monotonic() + min(WAIT, keys.timeout)
    others: list[str] = []
    try:
        while (left := until - time.monotonic()) > 0:
            for message in received(sqs, keys.queue, math.ceil(left)):
                if mark in message["Body"]:  # raw, or inside SNS's own envelope
                    sqs.delete_message(QueueUrl=keys.queue, ReceiptHandle=message["ReceiptHandle"])
                    if text in message["Body"]:
                        return f"message {sent} through topic and queue"
                else:
                    others.append(message["ReceiptHandle"])
    finally:
        for handle in others:
            sqs.change_message_visibility(QueueUrl=keys.queue, ReceiptHandle=handle, VisibilityTimeout=0)
    raise ProbeFailure(f"message {sent} did not arrive in the queue", {"messages of others": len(others)})
