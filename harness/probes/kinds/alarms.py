"""`alarms`: names, a topic and a dashboard in; that each alarm is there and would tell somebody, out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import Field

from harness.probes.admission import Asked, refused
from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, Texts, kind
from harness.probes.model import ProbeFailure

MOST: Final = 100  # names in one question
SERVICE: Final = "cloudwatch.amazonaws.com"  # in every partition
USES: Final = ("kms:Decrypt", "kms:GenerateDataKey")  # of the key that the topic is under


class AlarmKeys(Keys):
    """`alarms`."""

    alarms: Texts = Field(description="names of the alarms", min_length=1)
    topic: str | None = Field(default=None, description="ARN of the topic that each of them tells, and may tell")
    dashboard: str | None = Field(default=None, description="name of the dashboard that is there too")


@kind("alarms", "topic")
def alarms(context: ProbeContext, keys: AlarmKeys) -> Mapping[str, Any]:
    """Every alarm is there, is switched on and tells the topic; topic and key let it; the dashboard is there."""
    cloudwatch: Any = context.client("cloudwatch")
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(keys.alarms), MOST):
        asked = keys.alarms[start : start + MOST]
        answer = cloudwatch.describe_alarms(AlarmNames=asked, MaxRecords=MOST)
        found |= {each["AlarmName"]: each for each in answer["MetricAlarms"]}
    missing = sorted(set(keys.alarms) - found.keys())
    if missing:
        raise ProbeFailure(f"there is no alarm {', '.join(missing)}")
    mute = sorted(
        name
        for name, each in found.items()
        if not each.get("ActionsEnabled", True) or (keys.topic and keys.topic not in each.get("AlarmActions", []))
    )
    if mute:
        raise ProbeFailure(f"nobody is told by {', '.join(mute)}")
    if keys.topic:
        _judge_topic(context, keys.topic, {name: each["AlarmArn"] for name, each in found.items()})
    if keys.dashboard:
        cloudwatch.get_dashboard(DashboardName=keys.dashboard)
    return {"alarms": len(found)}


def _judge_topic(context: ProbeContext, topic: str, alarms: Mapping[str, str]) -> None:
    """What CloudWatch may not publish, or not encrypt, is lost without a word. `alarms` are ARNs by name."""
    attributes = context.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    account = topic.split(":")[4]
    known = {"aws:SourceAccount": account, "aws:SourceOwner": account}
    asked = {name: Asked(SERVICE, topic, {**known, "aws:SourceArn": arn}) for name, arn in alarms.items()}
    policy = attributes.get("Policy", "")
    mute = sorted(name for name, each in asked.items() if refused(policy, each, ["sns:Publish"])) if policy else []
    if mute:
        raise ProbeFailure(f"{topic} does not let CloudWatch publish, so that nobody is told by {', '.join(mute)}")
    if attributes.get("KmsMasterKeyId"):
        _judge_key(context, attributes["KmsMasterKeyId"], list(asked.values()))


def _judge_key(context: ProbeContext, key: str, asked: list[Asked]) -> None:
    """The policy of AWS's own key admits principals of the account only, and cannot be changed."""
    kms: Any = context.client("kms")
    own = key.rpartition(":")[2].startswith("alias/aws/")
    about = {} if own else kms.describe_key(KeyId=key)["KeyMetadata"]
    if own or about.get("KeyManager") == "AWS":
        raise ProbeFailure("the topic is under AWS's own key, which CloudWatch may not use", {"key": key})
    policy = kms.get_key_policy(KeyId=about["Arn"], PolicyName="default")["Policy"]
    lacking = {action for each in asked for action in refused(policy, replace(each, resource=about["Arn"]), USES)}
    if lacking:
        raise ProbeFailure(
            f"the topic's key does not let CloudWatch use it: {', '.join(sorted(lacking))}", {"key": about["Arn"]}
        )
