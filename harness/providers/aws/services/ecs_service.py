"""ECS: services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Update, Wait
from harness.providers.aws.sending import parameters
from harness.providers.aws.services.ecs import NAME, SPREADS, TAGGING

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_DEPLOYMENT: Final = {
    "deploymentMaximumPercent": "maximumPercent",
    "deploymentMinimumHealthyPercent": "minimumHealthyPercent",
}
_PLAIN: Final = (
    "availabilityZoneRebalancing capacityProviderStrategies desiredCount enableEcsManagedTags enableExecuteCommand "
    "healthCheckGracePeriodSeconds loadBalancers orderedPlacementStrategies placementConstraints platformVersion "
    "propagateTags serviceRegistries taskDefinition"
)
_SHAPED: Final = f"alarms deploymentCircuitBreaker networkConfiguration {' '.join(_DEPLOYMENT)}"
_DEPLOYING: Final = "forceNewDeployment triggers"


def _deployment(inputs: Props) -> Item:
    result: Item = {member: int(inputs[name]) for name, member in _DEPLOYMENT.items() if inputs.get(name) is not None}
    breaker = inputs.get("deploymentCircuitBreaker")
    if breaker:
        result["deploymentCircuitBreaker"] = {name: bool(breaker.get(name)) for name in ("enable", "rollback")}
    alarms = inputs.get("alarms")
    if alarms:
        switches = {name: bool(alarms.get(name)) for name in ("enable", "rollback")}
        result["alarms"] = {"alarmNames": list(alarms.get("alarmNames") or []), **switches}
    return result


def _network(inputs: Props) -> Item:
    block = inputs.get("networkConfiguration") or {}
    public = "ENABLED" if block.get("assignPublicIp") else "DISABLED"
    own = {name: list(block[name]) for name in ("subnets", "securityGroups") if block.get(name)}
    return {"awsvpcConfiguration": {**own, "assignPublicIp": public}}


def _shaped(work: Work, params: Item, names: set[str]) -> None:
    """Parameters that AWS groups otherwise than a program does."""
    if names & {*_DEPLOYMENT, "deploymentCircuitBreaker", "alarms"}:
        settings = _deployment(work.inputs)
        if settings:
            params["deploymentConfiguration"] = settings
    if "networkConfiguration" in names and work.inputs.get("networkConfiguration"):
        params["networkConfiguration"] = _network(work.inputs)


def _before_create(work: Work, params: Item) -> None:
    _shaped(work, params, set(work.inputs))


def _update(work: Work) -> None:
    names = {name for name in f"{_PLAIN} {_SHAPED} {_DEPLOYING}".split() if work.changed(name)}
    params = parameters(work, "UpdateService", names & set(_PLAIN.split()), work.resource.rename)
    for name in ("loadBalancers", "serviceRegistries", "capacityProviderStrategies"):
        if name in names and not work.inputs.get(name):
            params[SERVICE.rename.get(name, name)] = []
    _shaped(work, params, names)
    if work.inputs.get("forceNewDeployment") or "triggers" in names:
        params["forceNewDeployment"] = True
    work.patiently(
        lambda: work.call("UpdateService", cluster=_cluster(work), service=work.id, **params),
        lambda error: "Unable to assume" in str(error),
    )


def _cluster(work: Work) -> str:
    """The cluster, by the service's ARN (or `cluster/service` of an import), else by the argument."""
    path = work.id.rpartition(":service/")[2].split("/")
    return path[0] if len(path) > 1 else str(work.get("cluster", "default"))


def _read(work: Work) -> Item | None:
    name = work.id.rpartition("/")[2]
    found = work.call("DescribeServices", cluster=_cluster(work), services=[name])["services"]
    return {**found[0], "state": _state(work, found[0])} if found else None


def _state(work: Work, item: Item) -> str:
    """ECS's own state; `deploying` while a program that wants to wait for it would have to."""
    status = str(item.get("status", "")).lower()
    if status != "active" or not work.inputs.get("waitForSteadyState"):
        return status
    first, *others = item.get("deployments") or [{}]
    if first.get("rolloutState") == "FAILED":
        return "rollout failed"
    settled = not others and item.get("runningCount") == item.get("desiredCount")
    return status if settled and first.get("rolloutState", "COMPLETED") == "COMPLETED" else "deploying"


def _read_more(work: Work, item: Item, props: Props) -> None:
    props["arn"] = item["serviceArn"]
    settings: Any = item.get("deploymentConfiguration") or {}
    for name, member in _DEPLOYMENT.items():
        if settings.get(member) is not None:
            props[name] = settings[member]
    breaker = settings.get("deploymentCircuitBreaker")
    if breaker and (breaker.get("enable") or work.inputs.get("deploymentCircuitBreaker")):
        props["deploymentCircuitBreaker"] = {name: bool(breaker.get(name)) for name in ("enable", "rollback")}
    if settings.get("alarms", {}).get("alarmNames"):
        props["alarms"] = dict(settings["alarms"])
    vpc = (item.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    props.pop("networkConfiguration", None)
    if vpc:
        props["networkConfiguration"] = {
            "subnets": list(vpc.get("subnets") or []),
            "securityGroups": list(vpc.get("securityGroups") or []),
            "assignPublicIp": vpc.get("assignPublicIp") == "ENABLED",
        }
    if item.get("capacityProviderStrategy"):
        props.pop("launchType", None)


def _all(work: Work) -> list[str]:
    """ARNs of the services of every cluster."""
    clusters = work.pages("ListClusters", "clusterArns[]")
    return [one for cluster in clusters for one in work.pages("ListServices", "serviceArns[]", cluster=cluster)]


def _delete(work: Work) -> None:
    """`force` only spares the call that sets the count to none first; the tasks end the same way."""
    work.call("DeleteService", cluster=_cluster(work), service=work.id.rpartition("/")[2], force=True)


def _network_form(value: Any) -> Any:
    block = value[0] if isinstance(value, list) else value
    own = {name: sorted(map(str, block.get(name) or [])) for name in ("subnets", "securityGroups")}
    return {**own, "assignPublicIp": bool(block.get("assignPublicIp"))}


SERVICE = Resource(
    token="aws:ecs/service:Service",
    service="ecs",
    noun="ECS service",
    args=f"{_PLAIN} {_SHAPED} {_DEPLOYING} cluster deploymentController forceDelete iamRole launchType name "
    "schedulingStrategy waitForSteadyState",
    refused="deploymentConfiguration serviceConnectConfiguration sigintRollback volumeConfiguration "
    "vpcLatticeConfigurations",
    outputs="arn",
    create=Call("CreateService"),
    before_create=_before_create,
    id="service.serviceArn",
    rename={
        "arn": "serviceArn",
        "capacityProviderStrategies": "capacityProviderStrategy",
        "elbName": "loadBalancerName",
        "enableEcsManagedTags": "enableECSManagedTags",
        "iamRole": "role",
        "name": "serviceName",
        "orderedPlacementStrategies": "placementStrategy",
    },
    reads={
        "cluster": "clusterArn",
        "iamRole": "roleArn",
        "serviceRegistries": "serviceRegistries[0]",
    },
    read_with=_read,
    read_more=_read_more,
    delete_with=_delete,
    updates=(Update(f"{_PLAIN} {_SHAPED} {_DEPLOYING}", apply=_update, on_create=False),),
    nested={
        "alarms": "alarmNames enable rollback",
        "deploymentCircuitBreaker": "enable rollback",
        "networkConfiguration": "assignPublicIp securityGroups subnets",
    },
    forms={"networkConfiguration": _network_form},
    sets="capacityProviderStrategies loadBalancers placementConstraints",
    inert="forceDelete forceNewDeployment triggers waitForSteadyState",
    computed="availabilityZoneRebalancing capacityProviderStrategies cluster deploymentController "
    "deploymentMaximumPercent deploymentMinimumHealthyPercent desiredCount iamRole launchType platformVersion "
    "propagateTags healthCheckGracePeriodSeconds",
    untold="availabilityZoneRebalancing",
    defaults={"enableEcsManagedTags": False, "enableExecuteCommand": False, "schedulingStrategy": "REPLICA"},
    naming=Naming("name", allowed=NAME, prefix=""),
    tagging=TAGGING,
    wait=Wait("state", ready="active", failed="rollout failed", gone="inactive", minutes=20),
    absent="ClusterNotFoundException",
    find=Find(id="value", items=_all),
    retry_create=f"{SPREADS}\nInvalidParameterException:does not have an associated load balancer\n"
    "ClusterNotFoundException",
)
