"""A key in; a stream, a topic, and the queue that what is published there waits in, out."""

from typing import Any

import pulumi
import pulumi_aws as aws
from parts.settings import Settings

SHARDS = 1
STREAM_HOURS = 24
QUEUE_SECONDS = 4 * 24 * 3600  # as long as a weekend
TRIES = 5


class Events(pulumi.ComponentResource):
    """What happens goes into the stream; what somebody shall hear goes to the topic, and on to the queue."""

    def __init__(self, name: str, settings: Settings, key: aws.kms.Key) -> None:
        super().__init__("platform:index:Events", name)
        self._name, self._settings, self._key = name, settings, key
        self._own = pulumi.ResourceOptions(parent=self)
        self.stream = aws.kinesis.Stream(
            f"{name}-stream",
            name=settings.name("events"),
            shard_count=SHARDS,
            retention_period=STREAM_HOURS,
            encryption_type="KMS",
            kms_key_id=key.arn,
            enforce_consumer_deletion=True,  # a consumer that somebody registers must not block destroy
            tags=settings.tags,
            opts=self._own,
        )
        self.topic = aws.sns.Topic(
            f"{name}-topic", name=settings.name("events"), kms_master_key_id=key.id, tags=settings.tags, opts=self._own
        )
        self.dead = self._queue("dead")
        redrive = pulumi.Output.json_dumps({"deadLetterTargetArn": self.dead.arn, "maxReceiveCount": TRIES})
        self.queue = self._queue("events", redrive)
        self._admit_topic()
        self.register_outputs({"stream": self.stream.name})

    def export(self) -> None:
        """Export stream, topic and queues, as outputs of the stack."""
        pulumi.export("streamName", self.stream.name)
        pulumi.export("streamArn", self.stream.arn)
        pulumi.export("topicArn", self.topic.arn)
        pulumi.export("queueUrl", self.queue.url)
        pulumi.export("queueArn", self.queue.arn)
        pulumi.export("deadLetterQueueUrl", self.dead.url)

    def use(self) -> list[dict[str, Any]]:
        """Statements for whoever puts events, and handles them."""
        return [
            {
                "Sid": "Stream",
                "Effect": "Allow",
                "Action": [
                    *("kinesis:PutRecord", "kinesis:PutRecords", "kinesis:DescribeStreamSummary"),
                    *("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"),
                ],
                "Resource": [self.stream.arn],
            },
            {"Sid": "Topic", "Effect": "Allow", "Action": ["sns:Publish"], "Resource": [self.topic.arn]},
            {
                "Sid": "Queue",
                "Effect": "Allow",
                "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                "Resource": [self.queue.arn],
            },
            {
                "Sid": "MessageKey",
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": [self._key.arn],
            },
        ]

    def _queue(self, purpose: str, redrive: pulumi.Input[str] | None = None) -> aws.sqs.Queue:
        return aws.sqs.Queue(
            f"{self._name}-{purpose}-queue",
            name=self._settings.name(purpose),
            kms_master_key_id=self._key.id,
            message_retention_seconds=QUEUE_SECONDS,
            redrive_policy=redrive,
            tags=self._settings.tags,
            opts=self._own,
        )

    def _admit_topic(self) -> None:
        """Without its policy the queue refuses what the topic hands on, and nobody is told."""
        send = {
            "Sid": "FromTopic",
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.queue.arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self.topic.arn}},
        }
        policy = aws.sqs.QueuePolicy(
            f"{self._name}-queue-policy",
            queue_url=self.queue.url,
            policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [send]}),
            opts=self._own,
        )
        aws.sns.TopicSubscription(
            f"{self._name}-subscription",
            topic=self.topic.arn,
            protocol="sqs",
            endpoint=self.queue.arn,
            raw_message_delivery=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
