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
    """An active flow log takes the VPC's traffic to a log group that is there."""
    ec2: Any = context.client("ec2")
    ours = [{"Name": "resource-id", "Values": [keys.vpc]}]
    found = [each for each in ec2.describe_flow_logs(Filters=ours)["FlowLogs"] if each["ResourceId"] == keys.vpc]
    if not found:
        raise ProbeFailure(f"no flow log takes the traffic of {keys.vpc}")
    log = found[0]
    if log.get("FlowLogStatus") != "ACTIVE" or log.get("TrafficType") != keys.traffic:
        seen = {"status": log.get("FlowLogStatus"), "traffic": log.get("TrafficType")}
        raise ProbeFailure(f"the flow log {log['FlowLogId']} is not as wanted", seen)
    name = log.get("LogGroupName") or str(log.get("LogDestination", "")).split(":log-group:")[-1].removesuffix(":*")
    groups = context.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    if not name or name not in {each["logGroupName"] for each in groups}:
        raise ProbeFailure(f"the flow log {log['FlowLogId']} writes to {name or 'nowhere'}, which is not there")
    return {"flow log": log["FlowLogId"], "to": name}
