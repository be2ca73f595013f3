"""Rules of security groups in any grouping in, single permissions out: one protocol, port range and source each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from harness.providers.aws.declare import Item
    from harness.providers.contract import Props

_PROTOCOLS: Final = {"all": "-1", "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}  # IANA's numbers
_LISTS: Final = {"cidrBlocks": "cidr", "ipv6CidrBlocks": "cidr6", "prefixListIds": "list", "securityGroups": "group"}
_API: Final = {
    "cidr": ("IpRanges", "CidrIp"),
    "cidr6": ("Ipv6Ranges", "CidrIpv6"),
    "list": ("PrefixListIds", "PrefixListId"),
    "group": ("UserIdGroupPairs", "GroupId"),
}


class Permission(NamedTuple):
    """One source that may use one range of ports; `kind` is cidr, cidr6, list or group."""

    protocol: str
    start: int
    end: int
    kind: str
    source: str
    description: str


def protocol(name: Any) -> str:
    """AWS's own spelling of a protocol."""
    text = str(name).lower()
    return _PROTOCOLS.get(text, text)


def of_block(block: Props, group: str) -> set[Permission]:
    """Permissions of one `ingress` or `egress` block; `group` is what `self` means."""
    kind = protocol(block.get("protocol", "-1"))
    ports = (0, 0) if kind == "-1" else (int(block.get("fromPort") or 0), int(block.get("toPort") or 0))
    text = str(block.get("description") or "")
    result = {
        Permission(kind, *ports, api, str(source), text)
        for name, api in _LISTS.items()
        for source in block.get(name) or []
    }
    if block.get("self"):
        result.add(Permission(kind, *ports, "group", group, text))
    return result


def of_blocks(blocks: Iterable[Props] | None, group: str) -> set[Permission]:
    """Permissions of several blocks."""
    return {one for block in blocks or [] for one in of_block(block, group)}


def of_api(items: Iterable[Item]) -> set[Permission]:
    """Permissions of what AWS answers."""
    result = set()
    for item in items:
        kind = protocol(item.get("IpProtocol", "-1"))
        ports = (0, 0) if kind == "-1" else (int(item.get("FromPort", 0)), int(item.get("ToPort", 0)))
        for api, (ranges, key) in _API.items():
            for one in item.get(ranges) or []:
                result.add(Permission(kind, *ports, api, str(one.get(key)), str(one.get("Description") or "")))
    return result


def to_api(permissions: Iterable[Permission]) -> list[Item]:
    """Permissions as parameters of authorize and revoke."""
    result = []
    for one in sorted(permissions):
        ranges, key = _API[one.kind]
        source = {key: one.source, **({"Description": one.description} if one.description else {})}
        ports = {} if one.protocol == "-1" else {"FromPort": one.start, "ToPort": one.end}
        result.append({"IpProtocol": one.protocol, **ports, ranges: [source]})
    return result


def to_blocks(permissions: Iterable[Permission], group: str) -> list[Props]:
    """Permissions as blocks, those that share ports and description in one."""
    blocks: dict[tuple[str, int, int, str], Props] = {}
    names = {api: name for name, api in _LISTS.items()}
    for one in sorted(permissions):
        key = (one.protocol, one.start, one.end, one.description)
        block = blocks.setdefault(key, {"protocol": one.protocol, "fromPort": one.start, "toPort": one.end})
        if one.description:
            block["description"] = one.description
        if one.kind == "group" and one.source == group:
            block["self"] = True
        else:
            block.setdefault(names[one.kind], []).append(one.source)
    return list(blocks.values())
