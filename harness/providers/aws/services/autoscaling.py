"""Application Auto Scaling: what may scale, and by which policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.declare import Call, Item, Naming, Resource, Tagging, Update
from harness.providers.aws.sending import parameters
from harness.providers.aws.shapes import to_api

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_WHAT: Final = {
    "ServiceNamespace": "{serviceNamespace}",
    "ResourceId": "{resourceId}",
    "ScalableDimension": "{scalableDimension}",
}
# The role of the scaling service, and the service that is to scale, were made a moment ago.
_SPREADS: Final = (
    "ValidationException:Unable to assume IAM role\nValidationException:ECS service doesn't exist\n"
    "ConcurrentUpdateException\nFailedResourceAccessException"
)


def _target_parts(work: Work) -> tuple[str, str, str]:
    """Namespace, resource and dimension, by the id (`ecs/service/c/s/ecs:service:DesiredCount`) or the properties."""
    if work.get("serviceNamespace"):
        return work.get("serviceNamespace"), work.get("resourceId"), work.get("scalableDimension")
    space, _, rest = work.id.partition("/")
    resource, _, dimension = rest.rpartition("/")
    return space, resource, dimension


def _read_target(work: Work) -> Item | None:
    space, resource, dimension = _target_parts(work)
    for one in work.pages(
        "DescribeScalableTargets",
        "ScalableTargets[]",
        ServiceNamespace=space,
        ResourceIds=[resource],
        ScalableDimension=dimension,
    ):
        if one["ResourceId"] == resource:
            return dict(one)
    return None


def _target_more(work: Work, item: Item, props: Props) -> None:
    del work
    props["arn"] = item.get("ScalableTargetARN")
    suspended = item.get("SuspendedState") or {}
    if not any(suspended.values()):
        props.pop("suspendedState", None)


def _deregister(work: Work) -> None:
    space, resource, dimension = _target_parts(work)
    work.call("DeregisterScalableTarget", ServiceNamespace=space, ResourceId=resource, ScalableDimension=dimension)


def _targets(work: Work) -> list[str]:
    """Ids of the targets of every service that can scale."""
    shape = work.input_shape("DescribeScalableTargets").members["ServiceNamespace"]
    spaces = _LISTED if work.clients.access.endpoint else shape.enum
    return [
        f"{space}/{one['ResourceId']}/{one['ScalableDimension']}"
        for space in spaces
        for one in work.pages("DescribeScalableTargets", "ScalableTargets[]", ServiceNamespace=space)
    ]


_LISTED: Final = ("ecs", "dynamodb", "rds", "lambda")  # what an emulator can have

TARGET = Resource(
    token="aws:appautoscaling/target:Target",
    service="application-autoscaling",
    noun="scalable target",
    args="maxCapacity minCapacity resourceId roleArn scalableDimension serviceNamespace suspendedState",
    required="maxCapacity minCapacity resourceId scalableDimension serviceNamespace",
    outputs="arn",
    create=Call("RegisterScalableTarget"),
    id="{serviceNamespace}/{resourceId}/{scalableDimension}",
    identity="{serviceNamespace}/{resourceId}/{scalableDimension}",
    rename={"arn": "ScalableTargetARN", "roleArn": "RoleARN"},
    read_with=_read_target,
    read_more=_target_more,
    delete_with=_deregister,
    updates=(
        Update(
            "maxCapacity minCapacity roleArn suspendedState", Call("RegisterScalableTarget", _WHAT), on_create=False
        ),
    ),
    computed="roleArn suspendedState",
    untold="roleArn",
    tagging=Tagging(
        tag=Call("TagResource", {"ResourceARN": "{arn}"}),
        untag=Call("UntagResource", {"ResourceARN": "{arn}"}),
        listing=Call("ListTagsForResource", {"ResourceARN": "{arn}"}, at="Tags"),
    ),
    absent="ObjectNotFoundException",
    absent_message="No scalable target",
    retry_create=_SPREADS,
    retry_delete="ConcurrentUpdateException",
)

_TRACKING: Final = "targetTrackingScalingPolicyConfiguration"
_STEP: Final = "stepScalingPolicyConfiguration"
_POLICY: Final = f"policyType {_STEP} {_TRACKING}"


def _put(work: Work) -> None:
    params = parameters(work, "PutScalingPolicy", ["policyType"], {})
    if work.inputs.get(_TRACKING):
        block = _first(work.inputs[_TRACKING])
        shape = work.input_shape("PutScalingPolicy").members["TargetTrackingScalingPolicyConfiguration"]
        params["TargetTrackingScalingPolicyConfiguration"] = to_api(shape, block, {})
    if work.inputs.get(_STEP):
        params["StepScalingPolicyConfiguration"] = _steps(_first(work.inputs[_STEP]))
    work.call(
        "PutScalingPolicy",
        PolicyName=work.inputs["name"],
        ServiceNamespace=work.inputs["serviceNamespace"],
        ResourceId=work.inputs["resourceId"],
        ScalableDimension=work.inputs["scalableDimension"],
        **params,
    )


def _first(block: Any) -> Props:
    return dict(block[0] if isinstance(block, list) else block)


def _steps(block: Props) -> Item:
    """Bounds and numbers come as text where they may be infinite."""
    plain = {"adjustmentType": "AdjustmentType", "metricAggregationType": "MetricAggregationType"}
    numbers = {"cooldown": "Cooldown", "minAdjustmentMagnitude": "MinAdjustmentMagnitude"}
    result: Item = {member: block[name] for name, member in plain.items() if block.get(name)}
    result.update({member: int(block[name]) for name, member in numbers.items() if block.get(name) is not None})
    bounds = {
        "metricIntervalLowerBound": "MetricIntervalLowerBound",
        "metricIntervalUpperBound": "MetricIntervalUpperBound",
    }
    result["StepAdjustments"] = [
        {
            "ScalingAdjustment": int(one["scalingAdjustment"]),
            **{member: float(one[name]) for name, member in bounds.items() if one.get(name) not in (None, "")},
        }
        for one in block.get("stepAdjustments") or []
    ]
    return result


def _create_policy(work: Work) -> str:
    _put(work)
    return "/".join(work.inputs[name] for name in ("serviceNamespace", "resourceId", "scalableDimension", "name"))


def _read_policy(work: Work) -> Item | None:
    space, resource, dimension, name = _policy_parts(work)
    for one in work.pages(
        "DescribeScalingPolicies",
        "ScalingPolicies[]",
        ServiceNamespace=space,
        ResourceId=resource,
        ScalableDimension=dimension,
    ):
        if one["PolicyName"] == name:
            return dict(one)
    return None


def _policy_parts(work: Work) -> tuple[str, str, str, str]:
    """By the id, which is that of an import, or by the properties.

    The official provider's id is the name alone, which names nothing by itself: an orphan could not be asked for.
    """
    if work.get("serviceNamespace"):
        return work.get("serviceNamespace"), work.get("resourceId"), work.get("scalableDimension"), work.get("name")
    space, _, rest = work.id.partition("/")
    rest, _, name = rest.rpartition("/")
    resource, _, dimension = rest.rpartition("/")
    return space, resource, dimension, name


def _policy_more(work: Work, item: Item, props: Props) -> None:
    del work
    props["arn"] = item.get("PolicyARN")
    props["alarmArns"] = [one["AlarmARN"] for one in item.get("Alarms") or []]


def _delete_policy(work: Work) -> None:
    space, resource, dimension, name = _policy_parts(work)
    what = {"ServiceNamespace": space, "ResourceId": resource, "ScalableDimension": dimension}
    work.call("DeleteScalingPolicy", PolicyName=name, **what)


POLICY = Resource(
    token="aws:appautoscaling/policy:Policy",
    service="application-autoscaling",
    noun="scaling policy",
    args=f"{_POLICY} name resourceId scalableDimension serviceNamespace",
    refused="predictiveScalingPolicyConfiguration",
    required="resourceId scalableDimension serviceNamespace",
    outputs="alarmArns arn",
    create_with=_create_policy,
    identity="{serviceNamespace}/{resourceId}/{scalableDimension}/{name}",
    rename={"arn": "PolicyARN", "name": "PolicyName"},
    read_with=_read_policy,
    read_more=_policy_more,
    delete_with=_delete_policy,
    updates=(Update(_POLICY, apply=_put, on_create=False),),
    nested={
        _TRACKING: "customizedMetricSpecification.dimensions.name customizedMetricSpecification.dimensions.value "
        "customizedMetricSpecification.metricName customizedMetricSpecification.namespace "
        "customizedMetricSpecification.statistic customizedMetricSpecification.unit disableScaleIn "
        "predefinedMetricSpecification.predefinedMetricType predefinedMetricSpecification.resourceLabel "
        "scaleInCooldown scaleOutCooldown targetValue",
        _STEP: "adjustmentType cooldown metricAggregationType minAdjustmentMagnitude "
        "stepAdjustments.metricIntervalLowerBound stepAdjustments.metricIntervalUpperBound "
        "stepAdjustments.scalingAdjustment",
    },
    defaults={"policyType": "StepScaling"},
    naming=Naming("name", limit=256, allowed=r"A-Za-z0-9\-_", prefix=""),
    absent="ObjectNotFoundException",
    absent_message="No scaling policy",
    retry_create=f"{_SPREADS}\nObjectNotFoundException",
    retry_delete="ConcurrentUpdateException",
)
