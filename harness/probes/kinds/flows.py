"""`flow-logs`: a VPC in; that all its traffic is logged, where it can be read, out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, kind
from harness.probes.model import ProbeFailure


class FlowKeys(Keys):
    """`flow-logs`."""

    vpc: str = Field(description="id of the VPC")
    traffic: str = Field(default="ALL", description="ALL, ACCEPT or REJECT")


@kind("flow-logs", "vpc")
def flow_logs(context: ProbeContext, keys: FlowKeys) -> Mapping[str, Any]:
    """A flow log takes the VPC's traffic, its delivery has not failed, and the log group that it goes to is there."""
    pages = context.client("ec2").get_paginator("describe_flow_logs")
    asked = pages.paginate(Filters=[{"Name": "resource-id", "Values": [keys.vpc]}])
    found = [each for page in asked for each in page["FlowLogs"] if each["ResourceId"] == keys.vpc]
    if not found:
        raise ProbeFailure(f"no flow log takes the traffic of {keys.vpc}")
    wrong: dict[str, str] = {}
    for log in found:
        trouble = _trouble(context, keys, log)
        if not trouble:
            return {"flow log": log["FlowLogId"], "to": _group(log) or log["LogDestination"]}
        wrong[log["FlowLogId"]] = trouble
    raise ProbeFailure(f"no flow log of {keys.vpc} is as wanted", wrong)


def _trouble(context: ProbeContext, keys: FlowKeys, log: Mapping[str, Any]) -> str:
    """What is wrong with one. Its own status is always ACTIVE; that of the delivery says whether anything arrives."""
    if log["TrafficType"] != keys.traffic:
        return f"takes {log['TrafficType']}, wanted {keys.traffic}"
    if log.get("DeliverLogsStatus") == "FAILED":
        return f"delivers nothing: {log.get('DeliverLogsErrorMessage', 'AWS does not say why')}"
    name = _group(log)
    if not name:
        return "" if log.get("LogDestination") else "writes nowhere"
    groups = context.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return "" if name in {each["logGroupName"] for each in groups} else f"writes to {name}, which is not there"


def _group(log: Mapping[str, Any]) -> str:
    """The log group's name, told by itself or inside an ARN; empty where the destination is a bucket or a stream."""
    if log.get("LogDestinationType", "cloud-watch-logs") != "cloud-watch-logs":
        return ""
    destination: str = log.get("LogGroupName") or log.get("LogDestination", "")
    return destination.rpartition(":log-group:")[2].removesuffix(":*")
