"""Kinesis: data streams, and consumers with throughput of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update, Wait

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_NAME: Final = r"A-Za-z0-9_.\-"
_HOURS: Final = 24  # retention of a new stream
_BUSY: Final = "ResourceInUseException\nLimitExceededException"


def _changing(work: Work, operation: str, **params: Any) -> None:
    """A stream takes one change at a time, and none until it is active again."""
    work.patiently(
        lambda: work.call(operation, StreamName=_name(work), **params),
        lambda error: "ResourceInUse" in str(error),
    )


def _name(work: Work) -> str:
    return work.id.rpartition("/")[2]


def _stream_id(work: Work) -> str:
    """The ARN, which the create operation does not tell."""
    params: Item = {"StreamName": work.inputs["name"]}
    mode = (work.inputs.get("streamModeDetails") or {}).get("streamMode") or "PROVISIONED"
    if work.inputs.get("streamModeDetails"):
        params["StreamModeDetails"] = {"StreamMode": mode}
    if mode == "PROVISIONED":
        params["ShardCount"] = int(work.inputs.get("shardCount") or 1)
    for name, member in (("maxRecordSizeInKib", "MaxRecordSizeInKiB"), ("warmThroughputMibPs", "WarmThroughputMiBps")):
        if work.inputs.get(name) is not None:
            params[member] = int(work.inputs[name])
    if work.inputs.get("tagsAll"):  # while it is being made it takes none; again later: not every target heeds these
        params["Tags"] = dict(work.inputs["tagsAll"])
    work.call("CreateStream", **params)
    work.id = f"arn:{work.partition}:kinesis:{work.region}:{work.account}:stream/{work.inputs['name']}"
    return work.id


def _mode(work: Work) -> None:
    mode = (work.inputs.get("streamModeDetails") or {}).get("streamMode") or "PROVISIONED"
    work.call("UpdateStreamMode", StreamARN=work.id, StreamModeDetails={"StreamMode": mode})


def _retention(work: Work) -> None:
    hours = int(work.inputs.get("retentionPeriod") or _HOURS)
    before = _HOURS if work.creating else int(work.old.get("retentionPeriod") or _HOURS)
    if hours != before:
        verb = "Increase" if hours > before else "Decrease"
        _changing(work, f"{verb}StreamRetentionPeriod", RetentionPeriodHours=hours)


def _encryption(work: Work) -> None:
    if work.inputs.get("encryptionType") == "KMS":
        _changing(work, "StartStreamEncryption", EncryptionType="KMS", KeyId=work.inputs["kmsKeyId"])
    elif work.old.get("kmsKeyId"):
        _changing(work, "StopStreamEncryption", EncryptionType="KMS", KeyId=work.old["kmsKeyId"])


def _shards(work: Work) -> None:
    if work.inputs.get("shardCount"):
        target = int(work.inputs["shardCount"])
        _changing(work, "UpdateShardCount", TargetShardCount=target, ScalingType="UNIFORM_SCALING")


def _metrics(work: Work) -> None:
    before, after = (set(one.get("shardLevelMetrics") or []) for one in (work.old, work.inputs))
    if before - after:
        _changing(work, "DisableEnhancedMonitoring", ShardLevelMetrics=sorted(before - after))
    if after - before:
        _changing(work, "EnableEnhancedMonitoring", ShardLevelMetrics=sorted(after - before))


def _read_more(work: Work, item: Item, props: Props) -> None:
    metrics = [one for each in item.get("EnhancedMonitoring") or [] for one in each.get("ShardLevelMetrics") or []]
    if metrics or not work.clients.access.endpoint:
        props["shardLevelMetrics"] = metrics
    if props.get("streamModeDetails", {}).get("streamMode") == "ON_DEMAND":
        props.pop("shardCount", None)


def _delete(work: Work) -> None:
    force = work.forces("enforceConsumerDeletion")
    work.call("DeleteStream", StreamName=_name(work), **({"EnforceConsumerDeletion": True} if force else {}))


STREAM = Resource(
    token="aws:kinesis/stream:Stream",
    service="kinesis",
    noun="Kinesis stream",
    args="encryptionType enforceConsumerDeletion kmsKeyId maxRecordSizeInKib name retentionPeriod shardCount "
    "shardLevelMetrics streamModeDetails warmThroughputMibPs",
    refused="arn",
    create_with=_stream_id,
    identity="arn:{partition}:kinesis:{region}:{account}:stream/{name}",
    id_parts="arn:{partition}:kinesis:{zone}:{owner}:stream/{streamName}",
    templates={"arn": "{id}"},
    rename={
        "kmsKeyId": "KeyId",
        "maxRecordSizeInKib": "MaxRecordSizeInKiB",
        "name": "StreamName",
        "retentionPeriod": "RetentionPeriodHours",
        "shardCount": "OpenShardCount",
    },
    read=Call("DescribeStreamSummary", {"StreamName": "{streamName}"}, at="StreamDescriptionSummary"),
    read_more=_read_more,
    delete_with=_delete,
    updates=(
        Update("retentionPeriod", apply=_retention),
        Update("encryptionType kmsKeyId", apply=_encryption),
        Update("shardCount", apply=_shards, on_create=False),
        Update("shardLevelMetrics", apply=_metrics),
        Update("streamModeDetails", apply=_mode, on_create=False),
    ),
    nested={"streamModeDetails": "streamMode"},
    sets="shardLevelMetrics",
    inert="enforceConsumerDeletion",
    untold="maxRecordSizeInKib shardLevelMetrics warmThroughputMibPs",
    computed="maxRecordSizeInKib shardCount streamModeDetails warmThroughputMibPs",
    defaults={"encryptionType": "NONE", "enforceConsumerDeletion": False, "retentionPeriod": _HOURS},
    initial={"encryptionType": "NONE", "retentionPeriod": _HOURS},
    naming=Naming("name", limit=128, allowed=_NAME, prefix=""),
    tagging=Tagging(
        tag=Call("AddTagsToStream", {"StreamName": "{streamName}"}),
        untag=Call("RemoveTagsFromStream", {"StreamName": "{streamName}"}),
        listing=Call("ListTagsForStream", {"StreamName": "{streamName}"}, at="Tags"),
    ),
    wait=Wait("StreamStatus", ready="active", minutes=10),
    find=Find(Call("ListStreams", at="StreamSummaries[]"), id="StreamARN"),
    retry_create="LimitExceededException",
    retry_delete=_BUSY,
)

CONSUMER = Resource(
    token="aws:kinesis/streamConsumer:StreamConsumer",
    service="kinesis",
    noun="Kinesis consumer",
    args="name streamArn",
    required="streamArn",
    outputs="arn creationTimestamp",
    create=Call("RegisterStreamConsumer"),
    id="Consumer.ConsumerARN",
    rename={
        "arn": "ConsumerARN",
        "creationTimestamp": "ConsumerCreationTimestamp",
        "name": "ConsumerName",
    },
    read=Call("DescribeStreamConsumer", {"ConsumerARN": "{id}"}, at="ConsumerDescription"),
    delete=Call("DeregisterStreamConsumer", {"ConsumerARN": "{id}"}),
    naming=Naming("name", limit=128, allowed=_NAME, prefix=""),
    tagging=Tagging(
        tag=Call("TagResource", {"ResourceARN": "{id}"}),
        untag=Call("UntagResource", {"ResourceARN": "{id}"}),
        listing=Call("ListTagsForResource", {"ResourceARN": "{id}"}, at="Tags"),
    ),
    wait=Wait("ConsumerStatus", ready="active", minutes=5),
    retry_create=_BUSY,
    retry_delete=_BUSY,
)
