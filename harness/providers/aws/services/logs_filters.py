"""CloudWatch Logs: filters that make metrics of what is logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.providers.aws.declare import Item, Naming, Resource, Update
from harness.providers.aws.shapes import from_api

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_FIELDS = {
    "defaultValue": "defaultValue",
    "name": "metricName",
    "namespace": "metricNamespace",
    "unit": "unit",
    "value": "metricValue",
}


def _put(work: Work) -> None:
    block: Props = work.inputs["metricTransformation"]
    metric: Item = {member: block[name] for name, member in _FIELDS.items() if block.get(name) not in (None, "")}
    if "defaultValue" in metric:
        metric["defaultValue"] = float(metric["defaultValue"])
    if block.get("dimensions"):
        metric["dimensions"] = dict(block["dimensions"])
    work.call(
        "PutMetricFilter",
        logGroupName=work.inputs["logGroupName"],
        filterName=work.inputs["name"],
        filterPattern=work.inputs["pattern"],
        metricTransformations=[metric],
    )


def _create(work: Work) -> str:
    _put(work)
    return f"{work.inputs['logGroupName']}:{work.inputs['name']}"


def _key(work: Work) -> tuple[str, str]:
    """Group and name, by the properties, else by the id: that of the official provider is the name alone."""
    values = work.values()
    return str(values["logGroupName"]), str(values["name"])


def _read(work: Work) -> Item | None:
    group, name = _key(work)
    for one in work.pages("DescribeMetricFilters", "metricFilters[]", logGroupName=group, filterNamePrefix=name):
        if one["filterName"] == name:
            return dict(one)
    return None


def _read_more(work: Work, item: Item, props: Props) -> None:
    props["logGroupName"] = _key(work)[0]
    names = {member: name for name, member in _FIELDS.items()}
    props["metricTransformation"] = {
        names.get(key, key): from_api(one, {}) for key, one in item["metricTransformations"][0].items()
    }


def _delete(work: Work) -> None:
    group, name = _key(work)
    work.call("DeleteMetricFilter", logGroupName=group, filterName=name)


METRIC_FILTER = Resource(
    token="aws:cloudwatch/logMetricFilter:LogMetricFilter",
    service="logs",
    noun="CloudWatch metric filter",
    args="logGroupName metricTransformation name pattern",
    refused="applyOnTransformedLogs",
    required="logGroupName metricTransformation pattern",
    create_with=_create,
    identity="{logGroupName}:{name}",
    id_parts="{logGroupName}:{name}",
    rename={"name": "filterName", "pattern": "filterPattern"},
    read_with=_read,
    read_more=_read_more,
    delete_with=_delete,
    updates=(Update("metricTransformation pattern", apply=_put, on_create=False),),
    nested={"metricTransformation": f"{' '.join(_FIELDS)} dimensions.*"},
    naming=Naming("name", limit=512, allowed=r"A-Za-z0-9_/.\-#", prefix=""),
    retry_create="OperationAbortedException\nResourceNotFoundException",
    retry_delete="OperationAbortedException",
)
