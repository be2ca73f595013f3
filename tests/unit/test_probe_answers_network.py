"""What AWS tells of networks and no emulator does, by botocore's own stubs: what `vpc-layout` says of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from probe_stubs import Aws

VPC, SUBNET = "vpc-0123456789abcdef0", "subnet-0123456789abcdef0"
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
S3 = {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1", "State": "active"}
LAYOUT = f"kind = 'vpc-layout'\nvpc = '{VPC}'\nprivate = '{SUBNET}'\n"


@pytest.fixture
def aws() -> Iterator[Aws]:
    """Without any answer yet."""
    made = Aws()
    yield made
    made.context.close()


def network(aws: Aws, *routes: dict[str, Any]) -> None:
    """One subnet whose table has these routes beside its own."""
    table = {"RouteTableId": "rtb-1", "Associations": [{"SubnetId": SUBNET}], "Routes": [LOCAL, *routes]}
    aws.answer(
        "ec2",
        ("describe_vpcs", {"Vpcs": [{"VpcId": VPC}]}),
        ("describe_subnets", {"Subnets": [{"SubnetId": SUBNET, "AvailabilityZone": "eu-central-1a"}]}),
        ("describe_route_tables", {"RouteTables": [table]}),
    )


def test_a_gateway_endpoint_is_no_way_out(aws: Aws) -> None:
    """Its route leads to a service, by a list of that service's addresses."""
    network(aws, S3)
    result = aws.ask(f"{LAYOUT}nat = false\n")
    assert result.status == "passed", result.detail


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ({"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1"}, "::/0 to eigw-1"),
        ({"DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": "pcx-1"}, "10.1.0.0/16 to pcx-1"),
        ({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "vpce-2"}, "0.0.0.0/0 to vpce-2"),
        ({"DestinationPrefixListId": "pl-2", "TransitGatewayId": "tgw-1"}, "pl-2 to tgw-1"),
        ({"DestinationCidrBlock": "0.0.0.0/0", "CoreNetworkArn": "arn:core"}, "0.0.0.0/0 to elsewhere"),
        ({"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "blackhole"}, "to a blackhole"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_every_other_way_leads_out(aws: Aws, route: dict[str, Any], said: str) -> None:
    """To other networks, to a firewall behind an endpoint, or where nothing is any more."""
    network(aws, S3, {"State": "active", **route})
    result = aws.ask(f"{LAYOUT}nat = false\n")
    assert result.status == "failed", result.detail
    assert said in result.detail


INTERFACE = {
    "ServiceName": "com.amazonaws.eu-central-1.ecr.api",
    "VpcEndpointType": "Interface",
    "State": "available",
    "Groups": [{"GroupId": "sg-1"}],
    "SubnetIds": [SUBNET],
    "PrivateDnsEnabled": True,
}
ENDPOINTS = f"{LAYOUT}nat = false\nendpoints = 'ecr.api'\nendpoint-groups = 'sg-1'\nprivate-dns = true\n"


def endpoint(aws: Aws, **other: Any) -> None:
    """The network with an interface endpoint."""
    network(aws)
    aws.answer("ec2", ("describe_vpc_endpoints", {"VpcEndpoints": [{**INTERFACE, **other}]}))


def test_an_endpoint_stands_behind_its_groups_and_has_the_name_of_its_service(aws: Aws) -> None:
    """Else nobody reaches it, or nobody asks it."""
    endpoint(aws)
    result = aws.ask(ENDPOINTS)
    assert result.status == "passed", result.detail


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"Groups": [{"GroupId": "sg-2"}]}, "must stand elsewhere"),
        ({"Groups": []}, "must stand elsewhere"),
        ({"PrivateDnsEnabled": False}, "the endpoint of ecr.api has private DNS off, wanted on"),
    ],
)
def test_an_endpoint_that_nobody_uses_is_caught(aws: Aws, other: dict[str, Any], said: str) -> None:
    """On AWS, which tells both."""
    endpoint(aws, **other)
    result = aws.ask(ENDPOINTS)
    assert (result.status, said in result.detail) == ("failed", True), result.detail
