"""`alarms`: names, a topic and a dashboard in; that each alarm is there and would tell somebody, out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, Texts, kind
from harness.probes.model import ProbeFailure

MOST = 100  # names in one question


class AlarmKeys(Keys):
    """`alarms`."""

    alarms: Texts = Field(description="names of the alarms", min_length=1)
    topic: str | None = Field(default=None, description="ARN of the topic that each of them tells")
    dashboard: str | None = Field(default=None, description="name of the dashboard that is there too")


@kind("alarms", "topic")
def alarms(context: ProbeContext, keys: AlarmKeys) -> Mapping[str, Any]:
    """Every alarm is there, is switched on and tells the topic; the topic and the dashboard are there."""
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
        context.client("sns").get_topic_attributes(TopicArn=keys.topic)
    if keys.dashboard:
        cloudwatch.get_dashboard(DashboardName=keys.dashboard)
    return {"alarms": len(found)}
