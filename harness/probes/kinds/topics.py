"""`topic-round-trip`: a topic and a queue in; that what is published to the one waits in the other, out."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import kind
from harness.probes.kinds.queues import QueueKeys, round_trip


class TopicKeys(QueueKeys):
    """`topic-round-trip`."""

    topic: str = Field(description="ARN of the topic")
    queue: str = Field(description="URL of a queue that is subscribed to it")


@kind("topic-round-trip", "topic")
def topic_round_trip(context: ProbeContext, keys: TopicKeys) -> str:
    """A message that is published to the topic arrives in the queue, and is deleted; messages of others stay."""

    def publish(text: str, group: Mapping[str, str]) -> str:
        sent: str = context.client("sns").publish(TopicArn=keys.topic, Message=text, **group)["MessageId"]
        return sent

    return f"message {round_trip(context, keys, keys.topic, publish)} through topic and queue"
