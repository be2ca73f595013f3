"""Functions of no service in particular: who and where we are, availability zones, networks that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.providers.aws.failures import Refusal
from harness.providers.aws.registry import function

if TYPE_CHECKING:
    from harness.providers.aws.asking import Asking
    from harness.providers.contract import Props


@function("aws:index/getCallerIdentity:getCallerIdentity")
def get_caller_identity(asking: Asking, args: Props) -> Props:
    """Account and identity that the calls are made as."""
    del args
    answer = asking.client("sts").get_caller_identity()
    account = answer["Account"]
    return {"id": account, "accountId": account, "arn": answer["Arn"], "userId": answer["UserId"]}


@function("aws:index/getRegion:getRegion", "name endpoint")
def get_region(asking: Asking, args: Props) -> Props:
    """The region, by name, or by the host name of its EC2 endpoint."""
    from botocore.session import Session

    name = args.get("name") or str(args.get("endpoint") or "").removeprefix("ec2.").split(".")[0] or asking.region
    data = Session().get_component("endpoint_resolver")  # its partition data names every region
    described = name
    for partition in data._endpoint_data["partitions"]:  # noqa: SLF001 - botocore offers no public way to the names
        described = partition["regions"].get(name, {}).get("description", described)
    return {"id": name, "name": name, "region": name, "endpoint": f"ec2.{name}.amazonaws.com", "description": described}


@function("aws:index/getPartition:getPartition")
def get_partition(asking: Asking, args: Props) -> Props:
    """The partition, and the domain of its services."""
    del args
    partition = asking.clients.partition
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return {
        "id": partition,
        "partition": partition,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


def filters(args: Props, *more: tuple[str, Any]) -> list[dict[str, Any]]:
    """Filters of a call: those of the program, those of its tags, and more of ours that have a value."""
    asked = [{"Name": one["name"], "Values": list(one["values"])} for one in args.get("filters") or []]
    tagged = [{"Name": f"tag:{key}", "Values": [one]} for key, one in (args.get("tags") or {}).items()]
    ours = [{"Name": name, "Values": [str(one).lower() if isinstance(one, bool) else one]} for name, one in more if one]
    return [*asked, *tagged, *ours]


@function(
    "aws:index/getAvailabilityZones:getAvailabilityZones",
    "allAvailabilityZones excludeNames excludeZoneIds filters state",
)
def get_availability_zones(asking: Asking, args: Props) -> Props:
    """Zones of the region in the order of their names."""
    answer = asking.client("ec2").describe_availability_zones(
        AllAvailabilityZones=bool(args.get("allAvailabilityZones")), Filters=filters(args, ("state", args.get("state")))
    )
    zones = sorted(answer["AvailabilityZones"], key=lambda zone: str(zone["ZoneName"]))
    kept = [
        zone
        for zone in zones
        if zone["ZoneName"] not in (args.get("excludeNames") or [])
        and zone.get("ZoneId") not in (args.get("excludeZoneIds") or [])
    ]
    return {
        **args,
        "id": asking.region,
        "names": [zone["ZoneName"] for zone in kept],
        "zoneIds": [zone.get("ZoneId", "") for zone in kept],
        "groupNames": sorted({zone.get("GroupName") or asking.region for zone in kept}),
    }


@function("aws:ec2/getVpc:getVpc", "cidrBlock default dhcpOptionsId filters id state tags")
def get_vpc(asking: Asking, args: Props) -> Props:
    """The one VPC that fits."""
    client = asking.client("ec2")
    wanted = filters(
        args,
        ("cidr", args.get("cidrBlock")),
        ("is-default", args.get("default")),
        ("dhcp-options-id", args.get("dhcpOptionsId")),
        ("state", args.get("state")),
        ("vpc-id", args.get("id")),
    )
    found = client.describe_vpcs(Filters=wanted)["Vpcs"]
    if len(found) != 1:
        raise Refusal(f"{len(found)} VPCs fit; exactly one must", "InvalidVpcID.NotFound")
    vpc = found[0]
    name = vpc["VpcId"]
    main = [{"Name": "vpc-id", "Values": [name]}, {"Name": "association.main", "Values": ["true"]}]
    tables = client.describe_route_tables(Filters=main)["RouteTables"]
    switches = {
        one: bool(client.describe_vpc_attribute(VpcId=name, Attribute=one)[one[0].upper() + one[1:]]["Value"])
        for one in ("enableDnsSupport", "enableDnsHostnames")
    }
    owner = vpc.get("OwnerId") or asking.clients.account
    return {
        **args,
        **switches,
        "id": name,
        "arn": f"arn:{asking.clients.partition}:ec2:{asking.region}:{owner}:vpc/{name}",
        "cidrBlock": vpc["CidrBlock"],
        "cidrBlockAssociations": [
            {
                "associationId": one["AssociationId"],
                "cidrBlock": one["CidrBlock"],
                "state": one["CidrBlockState"]["State"],
            }
            for one in vpc.get("CidrBlockAssociationSet", [])
        ],
        "default": bool(vpc.get("IsDefault")),
        "dhcpOptionsId": vpc.get("DhcpOptionsId", ""),
        "instanceTenancy": vpc.get("InstanceTenancy", "default"),
        "mainRouteTableId": tables[0]["RouteTableId"] if tables else "",
        "ownerId": owner,
        "state": vpc["State"],
        "tags": {one["Key"]: one["Value"] for one in vpc.get("Tags", [])},
    }


@function("aws:ec2/getSubnets:getSubnets", "filters tags")
def get_subnets(asking: Asking, args: Props) -> Props:
    """Ids of the subnets that fit."""
    found = asking.pages("ec2", "describe_subnets", "Subnets[]", Filters=filters(args))
    return {**args, "id": asking.region, "ids": [one["SubnetId"] for one in found], "tags": args.get("tags") or {}}
