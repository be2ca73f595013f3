"""SQS queues and their policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.providers.aws import attributes
from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update
from harness.providers.aws.failures import Refusal
from harness.providers.contract import CheckFailure

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_ATTRIBUTES: Final = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "delaySeconds": "DelaySeconds",
    "fifoQueue": "FifoQueue",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
_CHANGEABLE: Final = " ".join(name for name in _ATTRIBUTES if name != "fifoQueue")
_ONLY_FIFO: Final = ("fifoQueue", "contentBasedDeduplication")  # AWS refuses even `false` on a standard queue


def _asked(inputs: Props) -> Props:
    return {key: one for key, one in inputs.items() if not (key in _ONLY_FIFO and not one)}


def _create(work: Work) -> str:
    name = work.inputs["name"]
    # AWS answers success for a queue that exists with the same attributes: that would take over another's.
    if work.seek("GetQueueUrl", QueueName=name) is not None:
        raise Refusal(f"creating SQS queue ({work.name}): QueueNameExists: {name} exists already", "QueueNameExists")
    tags = work.inputs.get("tagsAll") or {}
    asked = attributes.given(_asked(work.inputs), _ATTRIBUTES)
    more = {"tags": dict(tags)} if tags else {}
    return str(work.call("CreateQueue", QueueName=name, Attributes=asked, **more)["QueueUrl"])


def _set(work: Work) -> None:
    names = [name for name in _ATTRIBUTES if name != "fifoQueue" and work.changed(name)]
    work.call("SetQueueAttributes", QueueUrl=work.id, Attributes=attributes.to_map(work.inputs, names, _ATTRIBUTES))


def _read_more(work: Work, item: Item, props: Props) -> None:
    props.update(attributes.from_map(item, _ATTRIBUTES))
    props.setdefault("fifoQueue", False)
    props.setdefault("contentBasedDeduplication", False)
    props["name"] = item["QueueArn"].rsplit(":", 1)[-1]
    props["arn"] = item["QueueArn"]
    props["url"] = work.id


def _check(inputs: Props) -> list[CheckFailure]:
    name = inputs["name"]
    if inputs.get("fifoQueue") is True and isinstance(name, str) and not name.endswith(".fifo"):
        return [CheckFailure("name", f"`{name}`: the name of a FIFO queue ends in `.fifo`")]
    return []


QUEUE = Resource(
    token="aws:sqs/queue:Queue",
    service="sqs",
    noun="SQS queue",
    args=f"name {' '.join(_ATTRIBUTES)}",
    outputs="url arn",
    create_with=_create,
    identity="{endpoint}/{account}/{name}",
    check=_check,
    read=Call("GetQueueAttributes", {"QueueUrl": "{id}", "AttributeNames": ["All"]}, at="Attributes"),
    read_more=_read_more,
    delete=Call("DeleteQueue", {"QueueUrl": "{id}"}),
    updates=(Update(_CHANGEABLE, apply=_set, on_create=False),),
    json="policy redrivePolicy redriveAllowPolicy",
    # As AWS has them, so that a change behind the program's back is seen.
    defaults={
        "delaySeconds": 0,
        "messageRetentionSeconds": 345600,
        "receiveWaitTimeSeconds": 0,
        "visibilityTimeoutSeconds": 30,
        "fifoQueue": False,
        "contentBasedDeduplication": False,
    },
    computed="kmsDataKeyReusePeriodSeconds maxMessageSize sqsManagedSseEnabled deduplicationScope fifoThroughputLimit",
    naming=Naming("name", limit=80, end=lambda inputs: ".fifo" if inputs.get("fifoQueue") is True else ""),
    tagging=Tagging(
        tag=Call("TagQueue", {"QueueUrl": "{id}"}),
        untag=Call("UntagQueue", {"QueueUrl": "{id}"}),
        listing=Call("ListQueueTags", {"QueueUrl": "{id}"}, at="Tags"),
    ),
    find=Find(Call("ListQueues", at="QueueUrls[]"), id="value", arn="arn:{partition}:sqs:{region}:{account}:{last}"),
    retry_create="QueueDeletedRecently\nAWS.SimpleQueueService.QueueDeletedRecently",
)


def _put_policy(work: Work) -> None:
    work.call("SetQueueAttributes", QueueUrl=work.inputs["queueUrl"], Attributes={"Policy": work.inputs["policy"]})


def _create_policy(work: Work) -> str:
    _put_policy(work)
    return str(work.inputs["queueUrl"])


def _read_policy(work: Work) -> Item | None:
    answer = work.call("GetQueueAttributes", QueueUrl=work.id, AttributeNames=["Policy"])
    policy = (answer.get("Attributes") or {}).get("Policy")
    return {"Policy": policy, "QueueUrl": work.id} if policy else None


def _delete_policy(work: Work) -> None:
    work.call("SetQueueAttributes", QueueUrl=work.id, Attributes={"Policy": ""})


QUEUE_POLICY = Resource(
    token="aws:sqs/queuePolicy:QueuePolicy",
    service="sqs",
    noun="SQS queue policy",
    args="queueUrl policy",
    required="queueUrl policy",
    json="policy",
    create_with=_create_policy,
    identity="{queueUrl}",
    read_with=_read_policy,
    delete_with=_delete_policy,
    updates=(Update("policy", apply=_put_policy, on_create=False),),
)
