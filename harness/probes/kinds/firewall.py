"""`security-groups`: groups by name and the ways between them in; that their rules open these and no others, out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, kind
from harness.probes.model import ProbeFailure

ANYWHERE: Final = "0.0.0.0/0"


def _way(value: object) -> object:
    """As a tuple, with `443` for what says the same in other words."""
    if not isinstance(value, list):
        return value
    *ends, port = value or [None]
    number = port.removeprefix("tcp ") if isinstance(port, str) else ""
    return (*ends, int(number) if number.isdecimal() else port)


Way: TypeAlias = Annotated[tuple[str, str, int | str], BeforeValidator(_way)]
"""Source, target, port: names of groups, "" for anywhere, a CIDR block, or the id of another group or prefix list."""


class GroupsKeys(Keys):
    """`security-groups`."""

    groups: dict[str, str] = Field(description="a table of name = id of a group")
    ways: list[Way] = Field(
        description='lists of source, target and port, and no other ways are open: names of groups, "" for anywhere, '
        'CIDR blocks; 443 means TCP, the others are "udp 53", "tcp 1024-65535", "all"',
    )

    @model_validator(mode="after")
    def _of_a_group(self) -> Self:
        if isinstance(self.groups, dict) and isinstance(self.ways, list):  # not yet, while they refer to outputs
            for source, target, port in self.ways:
                if not {source, target} & self.groups.keys():
                    raise ValueError(f"the way from {source!r} to {target!r} on {port} is of none of the groups")
        return self


@kind("security-groups", "groups")
def security_groups(context: ProbeContext, keys: GroupsKeys) -> Mapping[str, Any]:
    """The rules of the groups open just these ways: out of the source, and into the target.

    Where both are groups, a rule of each is needed; one to or from anywhere on that port, if wanted too, will do.
    """
    ec2: Any = context.client("ec2")
    ids = list(keys.groups.values())
    ec2.describe_security_groups(GroupIds=ids)  # refuses one that is not there; the filter below would find nothing
    pages = ec2.get_paginator("describe_security_group_rules").paginate(Filters=[{"Name": "group-id", "Values": ids}])
    names = {group: name for name, group in keys.groups.items()}
    seen: dict[bool, set[Way]] = {True: set(), False: set()}
    for page in pages:
        for rule in page["SecurityGroupRules"]:
            out = rule["IsEgress"]
            ends = (names[rule["GroupId"]], _other(rule, names))
            source, target = ends if out else ends[::-1]
            seen[out].add((source, target, _port(rule)))
    wanted = set(keys.ways)
    wrong = {
        **_differences("out", seen[True], {way for way in wanted if way[0] in keys.groups}, 1),
        **_differences("in", seen[False], {way for way in wanted if way[1] in keys.groups}, 0),
    }
    if wrong:
        raise ProbeFailure("the security groups do not open what they must", wrong)
    return {"groups": len(ids), "ways": len(wanted)}


def _differences(direction: str, seen: set[Way], wanted: set[Way], other: int) -> dict[str, list[str]]:
    """Ways that lack a rule of this direction, and rules that nobody wants. `other` is where a way's far end stands."""
    needed = {way for way in wanted if not way[other] or _anywhere(way, other) not in wanted}
    found = {f"missing {direction}": needed - seen, f"unwanted {direction}": seen - wanted}
    return {what: sorted(map(_told, ways)) for what, ways in found.items() if ways}


def _anywhere(way: Way, other: int) -> Way:
    return (way[0], "", way[2]) if other else ("", way[1], way[2])


def _told(way: Way) -> str:
    source, target, port = way
    return f"{source or 'anywhere'} to {target or 'anywhere'} on {port}"


def _other(rule: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Who is on the other end: a group by its name or id, a prefix list, a CIDR block; empty for anywhere."""
    group = rule.get("ReferencedGroupInfo", {}).get("GroupId")
    if group:
        return names.get(group, group)
    block: str = rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("PrefixListId", "nobody")
    return "" if block == ANYWHERE else block


def _port(rule: Mapping[str, Any]) -> int | str:
    protocol, first, last = rule["IpProtocol"], rule.get("FromPort", -1), rule.get("ToPort", -1)
    if protocol == "-1":
        return "all"
    if first == last and protocol == "tcp":
        return int(first)
    return f"{protocol} {first}" if first == last else f"{protocol} {first}-{last}"
