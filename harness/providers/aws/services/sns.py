"""SNS: topics, their policies and subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.providers.aws import attributes
from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update
from harness.providers.aws.failures import Refusal

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_FEEDBACK: Final = {
    f"{who}{what}": f"{who[0].upper()}{who[1:]}{what}"
    for who in ("application", "firehose", "http", "lambda", "sqs")
    for what in ("FailureFeedbackRoleArn", "SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate")
}
_ATTRIBUTES: Final = {
    **_FEEDBACK,
    "archivePolicy": "ArchivePolicy",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deliveryPolicy": "DeliveryPolicy",
    "displayName": "DisplayName",
    "fifoThroughputScope": "FifoThroughputScope",
    "fifoTopic": "FifoTopic",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}
_CHANGEABLE: Final = " ".join(name for name in _ATTRIBUTES if name != "fifoTopic")


def _create(work: Work) -> str:
    arn = f"arn:{work.partition}:sns:{work.region}:{work.account}:{work.inputs['name']}"
    # AWS answers success for a topic that exists with the same attributes: that would take over another's.
    if work.seek("GetTopicAttributes", TopicArn=arn) is not None:
        raise Refusal(f"creating SNS topic ({work.name}): TopicExists: {arn} exists already", "TopicExists")
    tags = [{"Key": key, "Value": one} for key, one in (work.inputs.get("tagsAll") or {}).items()]
    asked = {key: one for key, one in work.inputs.items() if not (key in _ONLY_FIFO and not one)}
    given = attributes.given(asked, _ATTRIBUTES)
    work.id = str(
        work.call("CreateTopic", Name=work.inputs["name"], Attributes=given, **({"Tags": tags} if tags else {}))[
            "TopicArn"
        ]
    )
    return work.id


_ONLY_FIFO: Final = ("fifoTopic", "contentBasedDeduplication")


def _set(work: Work) -> None:
    names = [name for name in _CHANGEABLE.split() if work.changed(name)]
    for member, text in attributes.to_map(work.inputs, names, _ATTRIBUTES).items():  # one attribute a call
        work.call("SetTopicAttributes", TopicArn=work.id, AttributeName=member, AttributeValue=text)


def _read_more(work: Work, item: Item, props: Props) -> None:
    props.update(attributes.from_map(item, _ATTRIBUTES))
    props["arn"] = work.id
    props["name"] = work.id.rpartition(":")[2]
    props["owner"] = item.get("Owner", "")
    props.setdefault("fifoTopic", False)
    props.setdefault("contentBasedDeduplication", False)
    if item.get("BeginningArchiveTime"):
        props["beginningArchiveTime"] = item["BeginningArchiveTime"]


TOPIC = Resource(
    token="aws:sns/topic:Topic",
    service="sns",
    noun="SNS topic",
    args=f"name {' '.join(_ATTRIBUTES)}",
    refused="maximumMessageSize",
    outputs="arn beginningArchiveTime owner",
    create_with=_create,
    identity="arn:{partition}:sns:{region}:{account}:{name}",
    read=Call("GetTopicAttributes", {"TopicArn": "{id}"}, at="Attributes"),
    read_more=_read_more,
    delete=Call("DeleteTopic", {"TopicArn": "{id}"}),
    updates=(Update(_CHANGEABLE, apply=_set, on_create=False),),
    json="archivePolicy deliveryPolicy policy",
    computed="fifoThroughputScope policy signatureVersion tracingConfig",
    defaults={"contentBasedDeduplication": False, "fifoTopic": False},
    naming=Naming("name", limit=256, end=lambda inputs: ".fifo" if inputs.get("fifoTopic") is True else ""),
    tagging=Tagging(
        tag=Call("TagResource", {"ResourceArn": "{id}"}),
        untag=Call("UntagResource", {"ResourceArn": "{id}"}),
        listing=Call("ListTagsForResource", {"ResourceArn": "{id}"}, at="Tags"),
    ),
    find=Find(
        Call("ListTopics", at="Topics[]"),
        id="TopicArn",
        arn="arn:{partition}:sns:{region}:{account}:{last}",
        whole=True,
    ),
    absent="NotFound",
)


def _put_policy(work: Work) -> None:
    topic, text = work.inputs["arn"], work.inputs["policy"]
    work.call("SetTopicAttributes", TopicArn=topic, AttributeName="Policy", AttributeValue=text)


def _create_policy(work: Work) -> str:
    _put_policy(work)
    return str(work.inputs["arn"])


def _usual_policy(work: Work, topic: str) -> Item:
    """What AWS gives a new topic: its owner may do everything."""
    verbs = (
        "GetTopicAttributes SetTopicAttributes AddPermission RemovePermission DeleteTopic Subscribe "
        "ListSubscriptionsByTopic Publish"
    )
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{verb}" for verb in verbs.split()],
                "Resource": topic,
                "Condition": {"StringEquals": {"AWS:SourceOwner": work.account}},
            }
        ],
    }


def _read_policy(work: Work) -> Item | None:
    item = work.call("GetTopicAttributes", TopicArn=work.id)["Attributes"]
    policy = item.get("Policy")
    if not policy or "__default_policy_ID" in policy:  # the one that every topic has
        return None
    return {"Policy": policy, "Arn": work.id, "Owner": item.get("Owner", "")}


def _reset_policy(work: Work) -> None:
    import json

    text = json.dumps(_usual_policy(work, work.id))
    work.call("SetTopicAttributes", TopicArn=work.id, AttributeName="Policy", AttributeValue=text)


TOPIC_POLICY = Resource(
    token="aws:sns/topicPolicy:TopicPolicy",
    service="sns",
    noun="SNS topic policy",
    args="arn policy",
    required="arn policy",
    outputs="owner",
    create_with=_create_policy,
    identity="{arn}",
    read_with=_read_policy,
    delete_with=_reset_policy,
    updates=(Update("policy", apply=_put_policy, on_create=False),),
    json="policy",
    absent="NotFound",
    retry_create="InvalidParameter:Policy statement action\nInvalidParameter:principal",
)

_SUBSCRIPTION: Final = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "replayPolicy": "ReplayPolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}


def _subscribe(work: Work) -> str:
    answer = work.call(
        "Subscribe",
        TopicArn=work.inputs["topic"],
        Protocol=work.inputs["protocol"],
        Endpoint=work.inputs["endpoint"],
        Attributes=attributes.given(work.inputs, _SUBSCRIPTION),
        ReturnSubscriptionArn=True,
    )
    work.id = str(answer["SubscriptionArn"])
    return work.id


def _set_subscription(work: Work) -> None:
    names = [name for name in _SUBSCRIPTION if work.changed(name)]
    for member, text in attributes.to_map(work.inputs, names, _SUBSCRIPTION).items():
        work.call("SetSubscriptionAttributes", SubscriptionArn=work.id, AttributeName=member, AttributeValue=text)


def _read_subscription(work: Work, item: Item, props: Props) -> None:
    del work
    props.update(attributes.from_map(item, _SUBSCRIPTION))
    props.setdefault("rawMessageDelivery", False)
    for name in ("confirmationWasAuthenticated", "pendingConfirmation"):
        props[name] = str(item.get(name[0].upper() + name[1:], "false")).lower() == "true"


SUBSCRIPTION = Resource(
    token="aws:sns/topicSubscription:TopicSubscription",
    service="sns",
    noun="SNS subscription",
    args=f"confirmationTimeoutInMinutes endpoint endpointAutoConfirms protocol topic {' '.join(_SUBSCRIPTION)}",
    required="endpoint protocol topic",
    outputs="arn confirmationWasAuthenticated ownerId pendingConfirmation",
    create_with=_subscribe,
    rename={"arn": "SubscriptionArn", "ownerId": "Owner", "topic": "TopicArn"},
    read=Call("GetSubscriptionAttributes", {"SubscriptionArn": "{id}"}, at="Attributes"),
    read_more=_read_subscription,
    delete=Call("Unsubscribe", {"SubscriptionArn": "{id}"}),
    updates=(Update(" ".join(_SUBSCRIPTION), apply=_set_subscription, on_create=False),),
    json="deliveryPolicy filterPolicy redrivePolicy replayPolicy",
    inert="confirmationTimeoutInMinutes endpointAutoConfirms",
    computed="filterPolicyScope",
    defaults={"confirmationTimeoutInMinutes": 1, "endpointAutoConfirms": False, "rawMessageDelivery": False},
    absent="NotFound",
)
