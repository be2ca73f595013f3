"""`ecs-scaling`: a service in; that its number of tasks follows its load, within limits, out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, kind
from harness.probes.model import ProbeFailure

DIMENSION = "ecs:service:DesiredCount"


class ScalingKeys(Keys):
    """`ecs-scaling`."""

    cluster: str = Field(description="name of the cluster")
    service: str = Field(description="name of the service")
    fewest: int = Field(ge=0, description="tasks that it never goes below")
    most: int = Field(ge=1, description="tasks that it never goes above")
    policies: int = Field(default=1, ge=1, description="fewest policies that move it between them")


@kind("ecs-scaling", "service")
def ecs_scaling(context: ProbeContext, keys: ScalingKeys) -> Mapping[str, Any]:
    """Application Auto Scaling moves the number of tasks between the limits by its policies."""
    scaling: Any = context.client("application-autoscaling")
    called = f"service/{keys.cluster}/{keys.service}"
    targets = scaling.describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[called], ScalableDimension=DIMENSION
    )["ScalableTargets"]
    if not targets:
        raise ProbeFailure(f"{called} does not scale")
    limits = targets[0]["MinCapacity"], targets[0]["MaxCapacity"]
    if limits != (keys.fewest, keys.most):
        raise ProbeFailure(f"{called} scales from {limits[0]} to {limits[1]}, wanted {keys.fewest} to {keys.most}")
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=called)["ScalingPolicies"]
    if len(policies) < keys.policies:
        raise ProbeFailure(f"{called} has {len(policies)} scaling policies, wanted {keys.policies} or more")
    return {"tasks": f"{limits[0]} to {limits[1]}", "policies": sorted(each["PolicyName"] for each in policies)}
