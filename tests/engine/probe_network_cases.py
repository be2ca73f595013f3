"""Cases of `vpc-layout`: a network with every sort of way in and out, its table, and ways to break it."""

from __future__ import annotations

from typing import Any

from probe_case import Aws, Case
from probe_tags import REGION


def a_network(aws: Aws) -> dict[str, Any]:
    """Two zones with a public and a private subnet each, a NAT gateway and an endpoint."""
    ec2 = aws.ec2
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    zones = [f"{REGION}a", f"{REGION}b"]
    blocks = iter(range(9))

    def subnets() -> list[str]:
        made = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{next(blocks)}.0/24", AvailabilityZone=zone) for zone in zones
        ]
        return [one["Subnet"]["SubnetId"] for one in made]

    def table(members: list[str], **way: str) -> str:
        made = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=made, DestinationCidrBlock="0.0.0.0/0", **way)
        for one in members:
            ec2.associate_route_table(RouteTableId=made, SubnetId=one)
        return str(made)

    public, private = subnets(), subnets()
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=public[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    tables = {"open": table(public, GatewayId=gateway), "closed": table(private, NatGatewayId=nat)}
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[tables["closed"]]
    )["VpcEndpoint"]["VpcEndpointId"]
    group = ec2.create_security_group(GroupName="endpoints", Description="d", VpcId=vpc)["GroupId"]
    interface = ec2.create_vpc_endpoint(
        VpcId=vpc,
        VpcEndpointType="Interface",
        ServiceName=f"com.amazonaws.{REGION}.ecr.api",
        SubnetIds=private,
        SecurityGroupIds=[group],
        PrivateDnsEnabled=True,
    )["VpcEndpoint"]["VpcEndpointId"]
    made = {"vpc": vpc, "public": public, "private": private, "zones": zones, "nat": nat, "endpoint": endpoint}
    return {**made, **tables, "gateway": gateway, "allocation": address, "interface": interface, "group": group}


def reroute(aws: Aws, table: str, **way: str) -> None:
    """Another default route, or none."""
    aws.ec2.delete_route(RouteTableId=aws[table], DestinationCidrBlock="0.0.0.0/0")
    if way:
        aws.ec2.create_route(RouteTableId=aws[table], DestinationCidrBlock="0.0.0.0/0", **way)


def add_route(aws: Aws, table: str, block: str, **way: str) -> None:
    """One more way, to a block of either version."""
    key = "DestinationIpv6CidrBlock" if ":" in block else "DestinationCidrBlock"
    aws.ec2.create_route(RouteTableId=aws[table], **{key: block}, **way)


def move_nat(aws: Aws) -> None:
    """A NAT gateway in a private subnet reaches nobody."""
    address = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = aws.ec2.create_nat_gateway(SubnetId=aws["private"][0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    reroute(aws, "closed", NatGatewayId=made)


def leave_table(aws: Aws) -> None:
    """What has no table of its own goes by the VPC's main one, which leads nowhere."""
    [table] = aws.ec2.describe_route_tables(RouteTableIds=[aws["closed"]])["RouteTables"]
    aws.ec2.disassociate_route_table(AssociationId=table["Associations"][0]["RouteTableAssociationId"])


NETWORK_CASES = {
    "vpc-layout": Case(
        a_network,
        "vpc = '${vpc}'\npublic = '${public}'\nprivate = '${private}'\nzones = '${zones}'\n"
        "endpoints = ['s3', 'ecr.api']\nendpoint-groups = '${group}'\nendpoint-subnets = '${private}'\n"
        "private-dns = true",
        {
            "public without way": (lambda aws: reroute(aws, "open"), "of public subnets do not lead to igw-"),
            "public through NAT": (lambda aws: reroute(aws, "open", NatGatewayId=aws["nat"]), "do not lead to igw-"),
            "private in the open": (
                lambda aws: reroute(aws, "closed", GatewayId=aws["gateway"]),
                "do not lead to nat-",
            ),
            "private by the main table": (leave_table, "nowhere"),
            "a block in the open": (
                lambda aws: add_route(aws, "closed", "203.0.113.0/24", GatewayId=aws["gateway"]),
                '["203.0.113.0/24 to igw-',
            ),
            "version 6 in the open": (
                lambda aws: add_route(aws, "closed", "::/0", GatewayId=aws["gateway"]),
                "private subnets lead to an internet gateway",
            ),
            "NAT deleted": (lambda aws: aws.ec2.delete_nat_gateway(NatGatewayId=aws["nat"]), "is delet"),
            "NAT not public": (move_nat, "which is not public"),
            "endpoint deleted": (
                lambda aws: aws.ec2.delete_vpc_endpoints(VpcEndpointIds=[aws["endpoint"]]),
                "the endpoints are not as wanted",
            ),
            "endpoint without route": (
                lambda aws: aws.ec2.modify_vpc_endpoint(
                    VpcEndpointId=aws["endpoint"], RemoveRouteTableIds=[aws["closed"]]
                ),
                "s3 is not in the route tables of all private subnets",
            ),
            "endpoint in other subnets": (
                lambda aws: aws.ec2.modify_vpc_endpoint(
                    VpcEndpointId=aws["interface"], RemoveSubnetIds=aws["private"][:1]
                ),
                "the endpoint of ecr.api must stand elsewhere",
            ),
            "a zone more": (lambda aws: aws["zones"].append(f"{REGION}c"), f"one in each of {REGION}a"),
            "subnet of another": (lambda aws: aws["public"].append("subnet-of-another"), "is not in the VPC"),
            "VPC of another": (lambda aws: aws.made.update(vpc="vpc-0123456789abcdef0"), "InvalidVpcID.NotFound"),
        },
    ),
}
