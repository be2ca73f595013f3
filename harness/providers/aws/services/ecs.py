"""ECS: clusters, their capacity providers, and task definitions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update, Wait
from harness.providers.aws.failures import Refusal
from harness.providers.aws.normal import canonical, is_empty
from harness.providers.aws.shapes import to_api

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

TAGGING: Final = Tagging(
    tag=Call("TagResource", {"resourceArn": "{arn}"}),
    untag=Call("UntagResource", {"resourceArn": "{arn}"}),
    listing=Call("ListTagsForResource", {"resourceArn": "{arn}"}, at="tags"),
)
NAME: Final = r"A-Za-z0-9\-_"
# A role made a moment ago cannot be assumed yet; the first cluster of an account waits for ECS's own role.
SPREADS: Final = (
    "InvalidParameterException:Unable to assume\nInvalidParameterException:service linked role\n"
    "ClientException:Unable to assume"
)
_READ_CLUSTER: Final = Call(
    "DescribeClusters", {"clusters": ["{id}"], "include": ["SETTINGS", "CONFIGURATIONS"]}, at="clusters[0]"
)
_USED: Final = "ClusterContainsServicesException\nClusterContainsTasksException\nUpdateInProgressException"


def _before_cluster(work: Work, params: Item) -> None:
    # AWS answers success for a cluster that exists: that would take over another's.
    found = work.call("DescribeClusters", clusters=[params["clusterName"]])["clusters"]
    if any(one.get("status") != "INACTIVE" for one in found):
        message = f"{params['clusterName']} exists already"
        raise Refusal(f"creating ECS cluster ({work.name}): ClusterAlreadyExists: {message}", "ClusterAlreadyExists")


CLUSTER = Resource(
    token="aws:ecs/cluster:Cluster",
    service="ecs",
    noun="ECS cluster",
    args="configuration name serviceConnectDefaults settings",
    outputs="arn",
    create=Call("CreateCluster"),
    before_create=_before_cluster,
    id="cluster.clusterArn",
    identity="arn:{partition}:ecs:{region}:{account}:cluster/{name}",
    rename={"arn": "clusterArn", "name": "clusterName"},
    read=_READ_CLUSTER,
    delete=Call("DeleteCluster", {"cluster": "{id}"}),
    updates=(
        Update(
            "configuration serviceConnectDefaults settings", Call("UpdateCluster", {"cluster": "{id}"}), on_create=False
        ),
    ),
    sets="settings",
    computed="settings",
    naming=Naming("name", allowed=NAME, prefix=""),
    tagging=TAGGING,
    wait=Wait("status", ready="active", failed="failed", gone="inactive", minutes=10),
    find=Find(Call("ListClusters", at="clusterArns[]"), id="value"),
    retry_create=SPREADS,
    retry_delete=f"{_USED}\nClusterContainsContainerInstancesException\nResourceInUseException",
)


def _put_providers(work: Work) -> None:
    shape = work.input_shape("PutClusterCapacityProviders").members["defaultCapacityProviderStrategy"]
    work.patiently(
        lambda: work.call(
            "PutClusterCapacityProviders",
            cluster=work.inputs["clusterName"],
            capacityProviders=work.inputs.get("capacityProviders") or [],
            defaultCapacityProviderStrategy=to_api(
                shape, work.inputs.get("defaultCapacityProviderStrategies") or [], {}
            ),
        ),
        lambda error: "UpdateInProgress" in str(error),
    )


def _make_providers(work: Work) -> str:
    _put_providers(work)
    return str(work.inputs["clusterName"])


def _read_providers(work: Work) -> Item | None:
    item: Item | None = work.ask(_READ_CLUSTER)
    if item is None or item.get("status") == "INACTIVE":
        return None
    return item if item.get("capacityProviders") or item.get("defaultCapacityProviderStrategy") else None


def _no_providers(work: Work) -> None:
    work.call("PutClusterCapacityProviders", cluster=work.id, capacityProviders=[], defaultCapacityProviderStrategy=[])


CAPACITY_PROVIDERS = Resource(
    token="aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
    service="ecs",
    noun="ECS cluster's capacity providers",
    args="capacityProviders clusterName defaultCapacityProviderStrategies",
    required="clusterName",
    create_with=_make_providers,
    identity="{clusterName}",
    read_with=_read_providers,
    delete_with=_no_providers,
    updates=(Update("capacityProviders defaultCapacityProviderStrategies", apply=_put_providers, on_create=False),),
    nested={"defaultCapacityProviderStrategies": "base capacityProvider weight"},
    sets="capacityProviders defaultCapacityProviderStrategies",
    retry_create=SPREADS,
    retry_delete="ResourceInUseException\nUpdateInProgressException",
)

# What ECS fills in, so that a definition with it and one without are the same.
_CONTAINER: Final = {"cpu": "0", "essential": "true"}
_UNORDERED: Final = ("environment", "secrets", "portMappings", "mountPoints", "volumesFrom")


def _port(mapping: Mapping[str, Any]) -> dict[str, Any]:
    result = {"protocol": "tcp", **{key: one for key, one in mapping.items() if not is_empty(one)}}
    if str(result.get("hostPort", 0)) in {"0", str(result.get("containerPort"))}:
        result.pop("hostPort", None)  # with network mode awsvpc both are one
    return result


def containers(value: Any) -> Any:
    """Container definitions in the form in which equal ones are equal; text that is no JSON stays text."""
    try:
        blocks = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
    if not isinstance(blocks, list):
        return value
    result = []
    for block in blocks:
        own = {key: one for key, one in block.items() if not is_empty(one)}
        if "portMappings" in own:
            own["portMappings"] = [_port(one) for one in own["portMappings"]]
        plain = {**_CONTAINER, **canonical(own)}
        for name in _UNORDERED:
            if name in plain:
                plain[name] = sorted(plain[name], key=lambda one: json.dumps(one, sort_keys=True))
        result.append(plain)
    return sorted(result, key=lambda one: str(one.get("name")))


def _read_definition(work: Work) -> Item | None:
    # The id is the family, as with the official provider; which revision is ours, the outputs know.
    item: Item = work.call("DescribeTaskDefinition", taskDefinition=work.outputs.get("arn") or work.id)
    return dict(item["taskDefinition"])


def _definition_more(work: Work, item: Item, props: Props) -> None:
    props["containerDefinitions"] = json.dumps(item.get("containerDefinitions") or [], default=str)
    asked = work.inputs.get("containerDefinitions")
    if isinstance(asked, str) and containers(asked) == containers(props["containerDefinitions"]):
        props["containerDefinitions"] = asked
    props["arnWithoutRevision"] = item["taskDefinitionArn"].rpartition(":")[0]
    props.setdefault("requiresCompatibilities", [])


def _deregister(work: Work) -> None:
    if work.get("skipDestroy") and not work.forced:
        return
    if work.forced:  # of a find only the family is known
        found = work.pages("ListTaskDefinitions", "taskDefinitionArns[]", familyPrefix=work.id, status="ACTIVE")
        family = [arn for arn in found if arn.rpartition("/")[2].rpartition(":")[0] == work.id]
        for arn in family:
            work.seek("DeregisterTaskDefinition", taskDefinition=arn)
        return
    work.call("DeregisterTaskDefinition", taskDefinition=work.outputs.get("arn") or work.id)


TASK_DEFINITION = Resource(
    token="aws:ecs/taskDefinition:TaskDefinition",
    service="ecs",
    noun="ECS task definition",
    args="containerDefinitions cpu enableFaultInjection ephemeralStorage executionRoleArn family ipcMode memory "
    "networkMode pidMode placementConstraints proxyConfiguration requiresCompatibilities runtimePlatform skipDestroy "
    "taskRoleArn trackLatest volumes",
    required="containerDefinitions family",
    outputs="arn arnWithoutRevision revision",
    create=Call("RegisterTaskDefinition"),
    id="taskDefinition.family",
    identity="{family}",
    rename={"arn": "taskDefinitionArn"},
    read_with=_read_definition,
    read_more=_definition_more,
    delete_with=_deregister,
    json="containerDefinitions",
    documents="containerDefinitions",
    forms={"containerDefinitions": containers},
    sets="placementConstraints requiresCompatibilities volumes",
    inert="skipDestroy trackLatest",
    computed="enableFaultInjection networkMode",
    defaults={"skipDestroy": False, "trackLatest": False},
    versions=True,
    tagging=TAGGING,
    wait=Wait("status", ready="active", gone="inactive delete_in_progress", minutes=5),
    find=Find(
        Call("ListTaskDefinitionFamilies", {"status": "ACTIVE"}, at="families[]"),
        id="value",
        arn="arn:{partition}:ecs:{region}:{account}:task-definition/{id}:{last}",
    ),
    absent_message="Unable to describe task definition|The specified task definition does not exist",
    retry_create=SPREADS,
)
