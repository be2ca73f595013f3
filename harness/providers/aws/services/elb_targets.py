"""Elastic Load Balancing: targets that are named one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.declare import Item, Resource
from harness.providers.contract import ProviderError

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_ATTACHED: Final = ("targetGroupArn", "targetId", "port", "availabilityZone")


def _attached(work: Work) -> list[Any]:
    """Group, target, port, zone, by the properties, else by the id: the official provider's tells the group only."""
    if work.get("targetGroupArn") and work.get("targetId"):
        return [work.get(name) or None for name in _ATTACHED]
    parts = [one or None for one in work.id.split(",")]
    if len(parts) < 2:  # noqa: PLR2004 - group and target
        raise ProviderError(f"`{work.id}` is not an id of the form GROUP,TARGET[,PORT[,ZONE]]")
    return [*parts, None, None][: len(_ATTACHED)]


def _target(work: Work) -> Item:
    _, target, port, zone = _attached(work)
    found: Item = {"Id": target}
    if port:
        found["Port"] = int(port)
    if zone:
        found["AvailabilityZone"] = zone
    return found


def _register(work: Work) -> str:
    target = _target(work)
    work.call("RegisterTargets", TargetGroupArn=work.inputs["targetGroupArn"], Targets=[target])
    return _attachment_id(work.inputs)


def _attachment_id(inputs: Props) -> str:
    parts = [inputs["targetGroupArn"], inputs["targetId"], *(inputs.get(name) for name in _ATTACHED[2:])]
    return ",".join("" if one is None else str(one) for one in parts).rstrip(",")


def _read_target(work: Work) -> Item | None:
    group, target, port, _ = _attached(work)
    for one in work.pages("DescribeTargetHealth", "TargetHealthDescriptions[]", TargetGroupArn=group):
        same_port = not port or str(one["Target"].get("Port")) == str(port)
        state = str(one.get("TargetHealth", {}).get("State"))
        if one["Target"]["Id"] == target and same_port and state != "draining":
            told = {"TargetGroupArn": group, "TargetId": target}
            return {**told, **({"Port": one["Target"].get("Port")} if port else {})}
    return None


def _deregister(work: Work) -> None:
    work.call("DeregisterTargets", TargetGroupArn=_attached(work)[0], Targets=[_target(work)])


ATTACHMENT = Resource(
    token="aws:lb/targetGroupAttachment:TargetGroupAttachment",
    aliases="aws:alb/targetGroupAttachment:TargetGroupAttachment",
    service="elbv2",
    noun="target",
    args="availabilityZone port targetGroupArn targetId",
    refused="quicServerId",
    required="targetGroupArn targetId",
    create_with=_register,
    identity_with=_attachment_id,
    read_with=_read_target,
    delete_with=_deregister,
    untold="availabilityZone",
    retry_create="InvalidTarget",
)
