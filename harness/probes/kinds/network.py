"""`vpc-layout`: a VPC, its subnets and zones in; that they lie and lead where they must out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Self

from pydantic import Field, model_validator

from harness.probes.context import ProbeContext
from harness.probes.declaring import Texts, kind
from harness.probes.endpoints import EndpointKeys, judge_endpoints, judge_reach
from harness.probes.model import ProbeFailure

ANYWHERE: Final = "0.0.0.0/0"


class NetworkKeys(EndpointKeys):
    """`vpc-layout`."""

    vpc: str = Field(description="id of the VPC")
    public: Texts = Field(default=[], description="ids of subnets whose default route leads to an internet gateway")
    private: Texts = Field(default=[], description="ids of subnets that have no way in from the internet")
    zones: Texts = Field(default=[], description="names of the zones in each of which one subnet of each sort stands")
    nat: bool = Field(
        default=True,
        description="true: private ones go out through an available NAT gateway, and no route of theirs leads to an "
        "internet gateway; false: no route of theirs leads out of the VPC, but to gateway endpoints",
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not {"public", "private", "endpoints"} & self.model_fields_set:
            raise ValueError("needs `public`, `private` or `endpoints`")
        for name in ("endpoint_groups", "endpoint_subnets", "private_dns"):
            if name in self.model_fields_set and "endpoints" not in self.model_fields_set:
                raise ValueError(f"`{name.replace('_', '-')}` needs `endpoints`")
        return self


@kind("vpc-layout", "vpc")
def vpc_layout(context: ProbeContext, keys: NetworkKeys) -> Mapping[str, Any]:
    """Subnets stand in their zones and lead where they must; NAT gateways and endpoints are available and in reach."""
    ec2: Any = context.client("ec2")
    ec2.describe_vpcs(VpcIds=[keys.vpc])  # refuses one that is not there; the filters below would find nothing wrong
    ours = [{"Name": "vpc-id", "Values": [keys.vpc]}]
    zones = {each["SubnetId"]: each["AvailabilityZone"] for each in ec2.describe_subnets(Filters=ours)["Subnets"]}
    tables = _tables(zones, ec2.describe_route_tables(Filters=ours)["RouteTables"])
    ways = {subnet: _default_way(table) for subnet, table in tables.items()}
    wanted = keys.zones or sorted({zones[one] for one in (*keys.public, *keys.private) if one in zones})
    for sort, subnets in (("public", keys.public), ("private", keys.private)):
        _judge_zones(sort, subnets, zones, wanted)
    _judge_ways("public", keys.public, ways, "igw-")
    if keys.nat:
        _judge_ways("private", keys.private, ways, "nat-")
    _judge_routes({one: tables[one].get("Routes", []) for one in keys.private}, nat=keys.nat)
    seen: dict[str, Any] = {"zones": wanted, "public": len(keys.public), "private": len(keys.private)}
    if keys.nat and keys.private:
        seen["NAT"] = _judge_gateways(ec2, {ways[one] for one in keys.private}, keys.public)
    if "endpoints" in keys.model_fields_set:
        found = ec2.describe_vpc_endpoints(Filters=ours)["VpcEndpoints"]
        seen |= judge_endpoints(context, keys, found)
        judge_reach(found, {one: tables[one].get("RouteTableId", "no route table") for one in keys.private})
    return seen


def _judge_zones(sort: str, subnets: Iterable[str], zones: Mapping[str, str], wanted: list[str]) -> None:
    placed = sorted(zones.get(one, f"{one} is not in the VPC") for one in subnets)
    if placed and placed != sorted(wanted):
        raise ProbeFailure(f"{sort} subnets stand in {', '.join(placed)}, wanted one in each of {', '.join(wanted)}")


def _judge_ways(sort: str, subnets: Iterable[str], ways: Mapping[str, str], start: str) -> None:
    astray = {one: ways[one] or "nowhere" for one in subnets if not ways[one].startswith(start)}
    if astray:
        raise ProbeFailure(f"default routes of {sort} subnets do not lead to {start}…", astray)


def _judge_routes(routes: Mapping[str, list[dict[str, Any]]], *, nat: bool) -> None:
    """Every route counts: two halves of the internet, a part of it, and that of version 6 are ways like the default."""
    told = {
        subnet: [f"{_block(route)} to {_way(route)}" for route in own if (_in_the_open if nat else _leads_out)(route)]
        for subnet, own in routes.items()
    }
    astray = {subnet: found for subnet, found in told.items() if found}
    if astray:
        where = "to an internet gateway" if nat else "out of the VPC"
        raise ProbeFailure(f"private subnets lead {where}", astray)


def _in_the_open(route: Mapping[str, Any]) -> bool:
    return _way(route).startswith("igw-")


def _leads_out(route: Mapping[str, Any]) -> bool:
    """A gateway endpoint stands behind a service's list of addresses; behind a block an endpoint is a firewall."""
    way = _way(route)
    return way != "local" and not (way.startswith("vpce-") and route.get("DestinationPrefixListId"))


def _block(route: Mapping[str, Any]) -> str:
    named = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    return next((route[name] for name in named if route.get(name)), "a block that is not told")


def _judge_gateways(ec2: Any, gateways: set[str], public: list[str]) -> list[str]:
    for each in ec2.describe_nat_gateways(NatGatewayIds=sorted(gateways))["NatGateways"]:
        if each["State"] != "available":
            raise ProbeFailure(f"NAT gateway {each['NatGatewayId']} is {each['State']}")
        if public and each["SubnetId"] not in public:
            raise ProbeFailure(f"NAT gateway {each['NatGatewayId']} stands in {each['SubnetId']}, which is not public")
    return sorted(gateways)


def _tables(subnets: Iterable[str], tables: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The route table of each subnet: its own, else the VPC's main one."""
    main: dict[str, Any] = {}
    own: dict[str, dict[str, Any]] = {}
    for table in tables:
        for each in table["Associations"]:
            if each.get("Main"):
                main = table
            if each.get("SubnetId"):
                own[each["SubnetId"]] = table
    return {subnet: own.get(subnet, main) for subnet in subnets}


def _default_way(table: Mapping[str, Any]) -> str:
    """Where its default route leads; empty without any."""
    routes = table.get("Routes", [])
    return next((_way(route) for route in routes if route.get("DestinationCidrBlock") == ANYWHERE), "")


def _way(route: Mapping[str, Any]) -> str:
    if route.get("State", "active") != "active":
        return f"a {route['State']}"
    named = (
        *("NatGatewayId", "GatewayId", "EgressOnlyInternetGatewayId", "TransitGatewayId", "VpcPeeringConnectionId"),
        *("NetworkInterfaceId", "InstanceId"),
    )
    return next((route[name] for name in named if route.get(name)), "elsewhere")
