"""In: an operation that neither ministack nor moto has. Out: what AWS would answer, as far as a deployment can tell.

- CodeStar Connections (also as CodeConnections): connections are made, described, listed, tagged and deleted. As on AWS
  a new one is PENDING, and stays so: there is no console here in which somebody could complete it. Hosts, repository
  links and sync configurations are not there.
- Kinesis: tags of consumers, and those of streams by ARN.
- Application Auto Scaling: tags of scalable targets, which moto ignores.
- Secrets Manager: CancelRotateSecret.

Run by the emulator's own interpreter: it imports nothing of the harness.
"""

# What it imports is not installed where it is type-checked.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Said: TypeAlias = dict[str, Any]


class RefusedError(Exception):
    """AWS would refuse; `code` is its own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Kept:
    """State of one account in one region."""

    account: str
    region: str
    connections: dict[str, Said] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    """By ARN."""


def _pairs(tags: dict[str, str]) -> list[Said]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _mapped(pairs: list[Said] | None) -> dict[str, str]:
    return {one["Key"]: one.get("Value", "") for one in pairs or []}


# --- connections ------------------------------------------------------------------------------------------------------


def _connection(kept: Kept, arn: str) -> Said:
    found = kept.connections.get(arn)
    if found is None:
        raise RefusedError("ResourceNotFoundException", f"Connection {arn} not found")
    return found


def _create_connection(service: str) -> Callable[[Kept, Said], Said]:
    def create(kept: Kept, asked: Said) -> Said:
        arn = f"arn:aws:{service}:{kept.region}:{kept.account}:connection/{uuid.uuid4()}"
        host = {"HostArn": asked["HostArn"]} if asked.get("HostArn") else {}
        kept.connections[arn] = {
            "ConnectionName": asked["ConnectionName"],
            "ConnectionArn": arn,
            "ProviderType": asked.get("ProviderType", ""),
            "OwnerAccountId": kept.account,
            "ConnectionStatus": "PENDING",
            **host,
        }
        kept.tags[arn] = _mapped(asked.get("Tags"))
        return {"ConnectionArn": arn, "Tags": _pairs(kept.tags[arn])}

    return create


def _get_connection(kept: Kept, asked: Said) -> Said:
    return {"Connection": _connection(kept, asked["ConnectionArn"])}


def _list_connections(kept: Kept, asked: Said) -> Said:
    wanted = asked.get("ProviderTypeFilter")
    return {"Connections": [one for one in kept.connections.values() if wanted in (None, one["ProviderType"])]}


def _delete_connection(kept: Kept, asked: Said) -> Said:
    _connection(kept, asked["ConnectionArn"])
    del kept.connections[asked["ConnectionArn"]]
    kept.tags.pop(asked["ConnectionArn"], None)
    return {}


def _tag_connection(kept: Kept, asked: Said) -> Said:
    _connection(kept, asked["ResourceArn"])
    kept.tags.setdefault(asked["ResourceArn"], {}).update(_mapped(asked.get("Tags")))
    return {}


def _untag_connection(kept: Kept, asked: Said) -> Said:
    _connection(kept, asked["ResourceArn"])
    for key in asked.get("TagKeys") or []:
        kept.tags.get(asked["ResourceArn"], {}).pop(key, None)
    return {}


def _connection_tags(kept: Kept, asked: Said) -> Said:
    _connection(kept, asked["ResourceArn"])
    return {"Tags": _pairs(kept.tags.get(asked["ResourceArn"], {}))}


# --- tags by ARN ------------------------------------------------------------------------------------------------------


def _plain_tags(kept: Kept, arn: str) -> dict[str, str]:
    return kept.tags.setdefault(arn, {})


def _kinesis_tags(kept: Kept, arn: str) -> dict[str, str]:
    """Those of a stream are ministack's."""
    from ministack.services import kinesis

    if ":consumer" in arn.partition(":stream/")[2] or "/consumer/" in arn:
        if arn not in kinesis._consumers:  # noqa: SLF001 - its state has no other door in this process
            raise RefusedError("ResourceNotFoundException", f"Consumer {arn} not found")
        return kept.tags.setdefault(arn, {})
    stream = kinesis._streams.get(arn.rpartition("/")[2])  # noqa: SLF001 - the same
    if stream is None:
        raise RefusedError("ResourceNotFoundException", f"Stream {arn} not found")
    tags: dict[str, str] = stream["tags"]
    return tags


TagsOf: TypeAlias = Callable[[Kept, str], dict[str, str]]


def _tag(tags_of: TagsOf) -> Callable[[Kept, Said], Said]:
    def tag(kept: Kept, asked: Said) -> Said:
        tags_of(kept, asked["ResourceARN"]).update(asked.get("Tags") or {})
        return {}

    return tag


def _untag(tags_of: TagsOf) -> Callable[[Kept, Said], Said]:
    def untag(kept: Kept, asked: Said) -> Said:
        tags = tags_of(kept, asked["ResourceARN"])
        for key in asked.get("TagKeys") or []:
            tags.pop(key, None)
        return {}

    return untag


def _stream_tags(kept: Kept, asked: Said) -> Said:
    return {"Tags": _pairs(_kinesis_tags(kept, asked["ResourceARN"]))}


def _target_tags(kept: Kept, asked: Said) -> Said:
    return {"Tags": dict(_plain_tags(kept, asked["ResourceARN"]))}


def _consumer_made(kept: Kept, asked: Said, said: Said) -> None:
    kept.tags[said["Consumer"]["ConsumerARN"]] = dict(asked.get("Tags") or {})


def _target_made(kept: Kept, asked: Said, said: Said) -> None:
    if asked.get("Tags"):  # AWS takes them with a new target only
        kept.tags.setdefault(said["ScalableTargetARN"], dict(asked["Tags"]))


# --- rotation ---------------------------------------------------------------------------------------------------------


def _cancel_rotation(kept: Kept, asked: Said) -> Said:
    from ministack.services import secretsmanager

    del kept
    _, secret = secretsmanager._resolve(asked["SecretId"])  # noqa: SLF001 - its state has no other door in this process
    if not secret:
        raise RefusedError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    secret["RotationEnabled"] = False
    secret.pop("RotationRules", None)
    return {"ARN": secret["ARN"], "Name": secret["Name"]}


_CONNECTIONS: dict[str, Callable[[Kept, Said], Said]] = {
    "GetConnection": _get_connection,
    "ListConnections": _list_connections,
    "DeleteConnection": _delete_connection,
    "TagResource": _tag_connection,
    "UntagResource": _untag_connection,
    "ListTagsForResource": _connection_tags,
}

ANSWERS: dict[tuple[str, str], Callable[[Kept, Said], Said]] = {
    **{
        (service, operation): answers
        for service in ("codestar-connections", "codeconnections")
        for operation, answers in {**_CONNECTIONS, "CreateConnection": _create_connection(service)}.items()
    },
    ("application-autoscaling", "TagResource"): _tag(_plain_tags),
    ("application-autoscaling", "UntagResource"): _untag(_plain_tags),
    ("application-autoscaling", "ListTagsForResource"): _target_tags,
    ("kinesis", "TagResource"): _tag(_kinesis_tags),
    ("kinesis", "UntagResource"): _untag(_kinesis_tags),
    ("kinesis", "ListTagsForResource"): _stream_tags,
    ("secretsmanager", "CancelRotateSecret"): _cancel_rotation,
}
"""By the service of a request's signature and the operation of its target."""

LISTENS: dict[tuple[str, str], Callable[[Kept, Said, Said], None]] = {
    ("application-autoscaling", "RegisterScalableTarget"): _target_made,
    ("kinesis", "RegisterStreamConsumer"): _consumer_made,
}
"""Operations that others serve, and what is kept of their requests and answers."""
