"""Cases of `alarms`: alarms that tell a topic which lets them, and ways in which nobody is told."""

from __future__ import annotations

import json
from typing import Any

from probe_case import Aws, Case
from probe_system_things import put_alarm


def some_alarms(aws: Aws) -> dict[str, Any]:
    """Two that tell a topic under a key of ours, and a dashboard."""
    key = aws.kms.create_key()["KeyMetadata"]["Arn"]
    topic = aws.sns.create_topic(Name="alarms", Attributes={"KmsMasterKeyId": key})["TopicArn"]
    aws.made.update(topic=topic, key=key)
    admit(aws, "cloudwatch")
    admit_to_key(aws, ["kms:Decrypt", "kms:GenerateDataKey*"])
    for name in ("one", "two"):
        tell(aws, name, topic)
    body = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "m"}}]})
    aws.cloudwatch.put_dashboard(DashboardName="board", DashboardBody=body)
    return {"names": ["one", "two"], "topic": topic, "key": key}


def policy(service: str, actions: list[str], account: str) -> str:
    """One that lets a service do these, for an account."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": actions,
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def admit(aws: Aws, service: str, account: str = "") -> None:
    """Let a service publish to the topic, and no other."""
    text = policy(service, ["sns:Publish"], account or aws.context.access_key or "")
    aws.sns.set_topic_attributes(TopicArn=aws["topic"], AttributeName="Policy", AttributeValue=text)


def admit_to_key(aws: Aws, actions: list[str]) -> None:
    """Let CloudWatch use the key so."""
    text = policy("cloudwatch", actions, aws.context.access_key or "")
    aws.kms.put_key_policy(KeyId=aws["key"], PolicyName="default", Policy=text)


def put_under(aws: Aws, key: str) -> None:
    """The topic under another key."""
    aws.sns.set_topic_attributes(TopicArn=aws["topic"], AttributeName="KmsMasterKeyId", AttributeValue=key)


def tell(aws: Aws, name: str, *topics: str) -> None:
    """An alarm that tells these topics."""
    put_alarm(aws.cloudwatch, name, AlarmActions=list(topics))


ALARM_CASES = {
    "alarms": Case(
        some_alarms,
        "alarms = '${names}'\ntopic = '${topic}'\ndashboard = 'board'",
        {
            "deleted": (lambda aws: aws.cloudwatch.delete_alarms(AlarmNames=["two"]), "there is no alarm two"),
            "mute": (lambda aws: tell(aws, "one"), "nobody is told by one"),
            "switched off": (
                lambda aws: aws.cloudwatch.disable_alarm_actions(AlarmNames=["two"]),
                "nobody is told by two",
            ),
            "topic for others": (lambda aws: admit(aws, "events"), "does not let CloudWatch publish"),
            "topic for another account": (
                lambda aws: admit(aws, "cloudwatch", "444455556666"),
                "nobody is told by one, two",
            ),
            "key for no data keys": (
                lambda aws: admit_to_key(aws, ["kms:Decrypt"]),
                "does not let CloudWatch use it: kms:GenerateDataKey",
            ),
            "key for the account only": (
                lambda aws: put_under(aws, aws.kms.create_key()["KeyMetadata"]["KeyId"]),
                "does not let CloudWatch use it: kms:Decrypt, kms:GenerateDataKey",
            ),
            "key of AWS": (lambda aws: put_under(aws, "alias/aws/sns"), "AWS's own key, which CloudWatch may not use"),
            "no topic": (lambda aws: aws.sns.delete_topic(TopicArn=aws["topic"]), "NotFound"),
            "no dashboard": (
                lambda aws: aws.cloudwatch.delete_dashboards(DashboardNames=["board"]),
                "ResourceNotFound",
            ),
        },
    ),
}
