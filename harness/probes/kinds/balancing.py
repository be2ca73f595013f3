"""`target-chain`: listener, target group and service in; that every link from the one to the other fits, out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import Texts, kind
from harness.probes.kinds.web import HttpKeys, http
from harness.probes.model import ProbeFailure
from harness.probes.placing import PlacedKeys, judge_place


class ChainKeys(PlacedKeys):
    """`target-chain`."""

    listener: str = Field(description="ARN of the listener")
    target_group: str = Field(description="ARN of the target group that it forwards to")
    port: int = Field(ge=1, le=65535, description="where the container listens; targets are reached and asked there")
    path: str = Field(description="path that is asked for the health check")
    cluster: str = Field(description="name or ARN of the ECS cluster")
    service: str = Field(description="name of the ECS service whose tasks are the targets")
    healthy: int = Field(default=1, ge=1, description="fewest healthy targets")
    security_groups: Texts = Field(
        default=[], min_length=1, description="ids of exactly the security groups of the load balancer"
    )
    subnets: Texts = Field(
        default=[], min_length=1, description="ids of exactly the subnets that the load balancer stands in"
    )
    url: str | None = Field(
        default=None, description="URL that answers with 200 once targets are healthy; not asked on an emulator"
    )


@kind("target-chain", "service", "path")
def target_chain(context: ProbeContext, keys: ChainKeys) -> Mapping[str, Any]:
    """Listener, target group, health check, service and container agree on port and path, and targets are healthy.

    An emulator that runs no containers gives its tasks no addresses: there the last link is told as not looked at.
    """
    elb: Any = context.client("elbv2")
    [listener] = elb.describe_listeners(ListenerArns=[keys.listener])["Listeners"]
    forwarded = {each.get("TargetGroupArn") for each in listener["DefaultActions"] if each["Type"] == "forward"}
    if forwarded != {keys.target_group}:
        raise ProbeFailure("the listener does not forward to the target group", {"to": sorted(map(str, forwarded))})
    if keys.security_groups or keys.subnets:
        _judge_place(elb, keys, listener["LoadBalancerArn"])
    [group] = elb.describe_target_groups(TargetGroupArns=[keys.target_group])["TargetGroups"]
    asked = group["HealthCheckPort"]
    asked = str(group["Port"]) if asked == "traffic-port" else asked
    _same("targets are reached on port", group["Port"], keys.port)
    _same("the health check asks port", asked, str(keys.port))
    _same("the health check asks path", group["HealthCheckPath"], keys.path)
    service = _judge_service(context, keys)
    targets = elb.describe_target_health(TargetGroupArn=keys.target_group)["TargetHealthDescriptions"]
    if not targets and context.endpoint is not None and not _has_addresses(context, keys):
        return {**service, "targets": "none: this emulator runs no containers, so tasks have no address to register"}
    healthy = sum(each["TargetHealth"]["State"] == "healthy" for each in targets)
    if healthy < keys.healthy:
        seen = [
            {each["Target"]["Id"]: each["TargetHealth"].get("Reason", each["TargetHealth"]["State"])}
            for each in targets
        ]
        raise ProbeFailure(f"{healthy} targets are healthy, wanted {keys.healthy} or more", {"targets": seen})
    return {**service, "healthy targets": healthy, **_asked(context, keys)}


def _judge_place(elb: Any, keys: ChainKeys, balancer: str) -> None:
    [found] = elb.describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"]
    subnets = [each["SubnetId"] for each in found["AvailabilityZones"]]
    judge_place("the load balancer", keys, lambda: found.get("SecurityGroups", []), lambda: subnets)


def _asked(context: ProbeContext, keys: ChainKeys) -> dict[str, Any]:
    if keys.url is None:
        return {}
    if context.endpoint is not None:
        return {"url": "not asked: behind an emulator's load balancer no container answers"}
    return {"answer": http(context, HttpKeys(kind="http", url=keys.url, timeout=keys.timeout))}


def _same(what: str, seen: Any, wanted: Any) -> None:
    if seen != wanted:
        raise ProbeFailure(f"{what} {seen}, wanted {wanted}")


def _judge_service(context: ProbeContext, keys: ChainKeys) -> dict[str, Any]:
    """The service registers a container's port with the group, and the container has that port."""
    ecs: Any = context.client("ecs")
    found = ecs.describe_services(cluster=keys.cluster, services=[keys.service])["services"]
    links = [one for each in found if each["status"] == "ACTIVE" for one in each["loadBalancers"]]
    bound = [one for one in links if one["targetGroupArn"] == keys.target_group]
    if not bound:
        raise ProbeFailure(f"the service {keys.service} registers nothing with the target group")
    name, port = bound[0]["containerName"], bound[0]["containerPort"]
    _same(f"the service registers {name} with port", port, keys.port)
    definition = ecs.describe_task_definition(taskDefinition=found[0]["taskDefinition"])["taskDefinition"]
    ports = [
        mapping["containerPort"]
        for container in definition["containerDefinitions"]
        if container["name"] == name
        for mapping in container.get("portMappings", [])
    ]
    if keys.port not in ports:
        raise ProbeFailure(f"the container {name} has ports {ports}, wanted {keys.port}")
    return {"chain": f"{name}:{port} asked at {keys.path}"}


def _has_addresses(context: ProbeContext, keys: ChainKeys) -> bool:
    ecs: Any = context.client("ecs")
    tasks = ecs.list_tasks(cluster=keys.cluster, serviceName=keys.service)["taskArns"]
    if not tasks:
        return True  # that none runs is no reason to look away
    described = ecs.describe_tasks(cluster=keys.cluster, tasks=tasks)["tasks"]
    return any(each.get("attachments") or each["containers"][0].get("networkInterfaces") for each in described)
