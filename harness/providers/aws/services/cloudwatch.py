"""CloudWatch: alarms on metrics, and dashboards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.providers.aws import tags
from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update
from harness.providers.aws.failures import Refusal
from harness.providers.aws.sending import parameters
from harness.providers.aws.shapes import to_api

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_ALARM = (
    "actionsEnabled alarmActions alarmDescription comparisonOperator datapointsToAlarm dimensions "
    "evaluateLowSampleCountPercentiles evaluationPeriods extendedStatistic insufficientDataActions metricName "
    "metricQueries namespace okActions period statistic threshold thresholdMetricId treatMissingData unit"
)


def _put(work: Work) -> None:
    """One operation makes and changes; whatever it is not told, it takes away."""
    plain = [name for name in _ALARM.split() if name not in {"dimensions", "metricQueries"}]
    params = parameters(work, "PutMetricAlarm", plain, ALARM.rename)
    params["AlarmName"] = work.inputs["name"]
    dimensions = work.inputs.get("dimensions") or {}
    if dimensions:
        params["Dimensions"] = [{"Name": key, "Value": str(one)} for key, one in dimensions.items()]
    if work.inputs.get("metricQueries"):
        params["Metrics"] = [_query(work, block) for block in work.inputs["metricQueries"]]
    if work.creating:
        tags.put_in_create(work, "PutMetricAlarm", params)
    work.call("PutMetricAlarm", **params)


def _query(work: Work, block: Props) -> Item:
    shape = work.input_shape("PutMetricAlarm").members["Metrics"].member
    plain = {key: one for key, one in block.items() if key != "metric"}
    item: Item = to_api(shape, plain, {})
    metric = block.get("metric")
    if metric:
        named = [{"Name": key, "Value": str(one)} for key, one in (metric.get("dimensions") or {}).items()]
        item["MetricStat"] = {
            "Metric": {"Namespace": metric.get("namespace"), "MetricName": metric["metricName"], "Dimensions": named},
            "Period": int(metric["period"]),
            "Stat": metric["stat"],
            **({"Unit": metric["unit"]} if metric.get("unit") else {}),
        }
    return item


def _query_block(item: Item) -> Props:
    names = {"Id": "id", "Expression": "expression", "Label": "label", "Period": "period", "ReturnData": "returnData"}
    block: Props = {own: item[name] for name, own in names.items() if item.get(name) is not None}
    stat = item.get("MetricStat")
    if stat:
        metric = stat["Metric"]
        block["metric"] = {
            "namespace": metric.get("Namespace"),
            "metricName": metric.get("MetricName"),
            "dimensions": {one["Name"]: one["Value"] for one in metric.get("Dimensions") or []},
            "period": stat.get("Period"),
            "stat": stat.get("Stat"),
            **({"unit": stat["Unit"]} if stat.get("Unit") else {}),
        }
    return block


def _create(work: Work) -> str:
    name = work.inputs["name"]
    if work.pages("DescribeAlarms", "MetricAlarms[]", AlarmNames=[name]):  # the operation would change another's
        raise Refusal(f"creating CloudWatch alarm ({work.name}): AlarmExists: {name} exists already", "AlarmExists")
    _put(work)
    return str(name)


def _read_more(work: Work, item: Item, props: Props) -> None:
    props["dimensions"] = {one["Name"]: one["Value"] for one in item.get("Dimensions") or []}
    props["metricQueries"] = [_query_block(one) for one in item.get("Metrics") or []]
    if item.get("Metrics"):  # emulators tell a default beside them
        for name in ("statistic", "period"):
            if name not in work.inputs:
                props.pop(name, None)
    if props.get("extendedStatistic") and "statistic" not in work.inputs:
        props.pop("statistic", None)


ALARM = Resource(
    token="aws:cloudwatch/metricAlarm:MetricAlarm",
    service="cloudwatch",
    noun="CloudWatch alarm",
    args=f"{_ALARM} name",
    refused="evaluationCriteria evaluationInterval evaluationWindow warmUpConfiguration",
    outputs="arn",
    create_with=_create,
    identity="{name}",
    rename={
        "arn": "AlarmArn",
        "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
        "name": "AlarmName",
        "okActions": "OKActions",
    },
    read=Call("DescribeAlarms", {"AlarmNames": ["{id}"], "AlarmTypes": ["MetricAlarm"]}, at="MetricAlarms[0]"),
    read_more=_read_more,
    delete=Call("DeleteAlarms", {"AlarmNames": ["{id}"]}),
    updates=(Update(_ALARM, apply=_put, on_create=False),),
    nested={
        "metricQueries": "accountId expression id label metric.dimensions.* metric.metricName metric.namespace "
        "metric.period metric.stat metric.unit period returnData",
        "dimensions": "*",
    },
    sets="alarmActions insufficientDataActions metricQueries okActions",
    computed="evaluateLowSampleCountPercentiles",
    defaults={"actionsEnabled": True, "treatMissingData": "missing"},
    naming=Naming("name", allowed=r"A-Za-z0-9_.\-", prefix=""),
    tagging=Tagging(
        tag=Call("TagResource", {"ResourceARN": "{arn}"}),
        untag=Call("UntagResource", {"ResourceARN": "{arn}"}),
        listing=Call("ListTagsForResource", {"ResourceARN": "{arn}"}, at="Tags"),
    ),
    find=Find(
        Call("DescribeAlarms", at="MetricAlarms[]"),
        id="AlarmName",
        arn="arn:{partition}:cloudwatch:{region}:{account}:alarm:{id}",
    ),
)

_BOARD = {"DashboardName": "{id}"}


def _create_board(work: Work) -> str:
    name = work.inputs["dashboardName"]
    if work.seek("GetDashboard", DashboardName=name) is not None:
        raise Refusal(f"creating CloudWatch dashboard ({work.name}): {name} exists already", "DashboardExists")
    _put_board(work)
    return str(name)


def _put_board(work: Work) -> None:
    work.call("PutDashboard", DashboardName=work.inputs["dashboardName"], DashboardBody=work.inputs["dashboardBody"])


DASHBOARD = Resource(
    token="aws:cloudwatch/dashboard:Dashboard",
    service="cloudwatch",
    noun="CloudWatch dashboard",
    args="dashboardBody dashboardName",
    required="dashboardBody dashboardName",
    outputs="dashboardArn",
    create_with=_create_board,
    identity="{dashboardName}",
    read=Call("GetDashboard", _BOARD),
    delete=Call("DeleteDashboards", {"DashboardNames": ["{id}"]}),
    updates=(Update("dashboardBody", apply=_put_board, on_create=False),),
    json="dashboardBody",
)
