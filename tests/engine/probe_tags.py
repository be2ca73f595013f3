"""What tagged resources of probes' tests share: a region, tags in each of AWS's shapes, a VPC to stand in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

REGION = "eu-central-1"
SUFFIX = "s1x"
PAIRS = {"Environment": "test", "Project": "shop", "CostCenter": "42"}
LOWER = [{"key": key, "value": value} for key, value in PAIRS.items()]
LIST = [{"Key": key, "Value": value} for key, value in PAIRS.items()]
Client = Callable[[str], Any]


def vpc_of(client: Client, name: str) -> dict[str, Any]:
    """A tagged VPC."""
    tags = [*LIST, {"Key": "Name", "Value": name}]
    specification = [{"ResourceType": "vpc", "Tags": tags}]
    made = client("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specification)["Vpc"]["VpcId"]
    return {"id": made, "tagsAll": {**PAIRS, "Name": name}}


def two_subnets(client: Client, name: str) -> list[str]:
    """Of two zones."""
    ec2, vpc = client("ec2"), vpc_of(client, name)["id"]
    made = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        for number, zone in enumerate("ab")
    ]
    return [str(one["SubnetId"]) for one in made]
