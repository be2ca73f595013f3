"""`ecs-steady`: a service in; that it runs what was asked for, and nothing is being replaced, out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import kind
from harness.probes.model import ProbeFailure
from harness.probes.placing import PlacedKeys, judge_place


class ServiceKeys(PlacedKeys):
    """`ecs-steady`."""

    cluster: str = Field(description="name or ARN of the cluster")
    service: str = Field(description="name of the service")
    tasks: int = Field(default=1, ge=1, description="fewest tasks that run")
    image: str | None = Field(default=None, description="image that its first container runs, with the tag")
    public: bool | None = Field(
        default=None, description="false: its tasks get no public addresses; true: they get them"
    )
    insights: bool = Field(default=False, description="true: the cluster must have Container Insights on")


@kind("ecs-steady", "service")
def ecs_steady(context: ProbeContext, keys: ServiceKeys) -> Mapping[str, Any]:
    """The service runs as many tasks as it wants, by one completed deployment, of the image that was asked for."""
    ecs: Any = context.client("ecs")
    found = ecs.describe_services(cluster=keys.cluster, services=[keys.service])["services"]
    if not found or found[0]["status"] != "ACTIVE":
        raise ProbeFailure(f"there is no service {keys.service}, or it is not active")
    service = found[0]
    running, wanted = service["runningCount"], max(service["desiredCount"], keys.tasks)
    states = [each.get("rolloutState", "COMPLETED") for each in service["deployments"]]
    if running < wanted or states != ["COMPLETED"]:
        said = [each["message"] for each in service.get("events", [])[:3]]
        seen = {"running": running, "wanted": wanted, "deployments": states, "events": said}
        raise ProbeFailure(f"the service {keys.service} is not steady: {running} of {wanted} tasks run", seen)
    definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    image = definition["containerDefinitions"][0]["image"]
    if keys.image is not None and image != keys.image:
        raise ProbeFailure(f"the service {keys.service} runs {image}, wanted {keys.image}")
    _judge_place(keys, service)
    if keys.insights and not _insights(ecs, keys.cluster):
        raise ProbeFailure(f"the cluster {keys.cluster} has no Container Insights")
    size = "/".join(definition.get(key, "-") for key in ("cpu", "memory"))  # on EC2 containers may have their own
    return {"running": running, "image": image, "size": size}


def _judge_place(keys: ServiceKeys, service: Mapping[str, Any]) -> None:
    """As the service places its tasks; what has no network of its own (on EC2) stands nowhere."""
    place = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    called = f"tasks of {keys.service}"
    judge_place(called, keys, lambda: place.get("securityGroups", []), lambda: place.get("subnets", []))
    public = place.get("assignPublicIp") == "ENABLED"
    if keys.public is not None and public != keys.public:
        raise ProbeFailure(f"{called} get {'' if public else 'no '}public addresses")


def _insights(ecs: Any, cluster: str) -> bool:
    [found] = ecs.describe_clusters(clusters=[cluster], include=["SETTINGS"])["clusters"]
    values = {each["name"]: each["value"] for each in found.get("settings", [])}
    return values.get("containerInsights") in {"enabled", "enhanced"}
