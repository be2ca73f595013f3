"""A VPC's endpoints in; that they are those wanted, that their users reach them, and would ask them, out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, Texts
from harness.probes.model import ProbeFailure
from harness.probes.placing import judge


class EndpointKeys(Keys):
    """What `vpc-layout` takes of them."""

    endpoints: Texts = Field(default=[], description="services (s3, ecr.api) of exactly the VPC's endpoints")
    endpoint_groups: Texts = Field(
        default=[], min_length=1, description="ids of exactly the security groups of each interface endpoint"
    )
    endpoint_subnets: Texts = Field(
        default=[], min_length=1, description="ids of exactly the subnets that each interface endpoint stands in"
    )
    private_dns: bool | None = Field(
        default=None, description="true: a service's own name leads to its interface endpoint; false: it does not"
    )


def judge_endpoints(context: ProbeContext, keys: EndpointKeys, found: list[dict[str, Any]]) -> dict[str, Any]:
    """An emulator may not tell groups and private DNS: then they are told as not looked at.

    Raises:
        ProbeFailure: there are others, or they are not as wanted.
    """
    states = {_service(each): each["State"].lower() for each in found}
    if states != dict.fromkeys(keys.endpoints, "available"):
        raise ProbeFailure("the endpoints are not as wanted", {"seen": states, "wanted": sorted(keys.endpoints)})
    unseen = set()
    for each in found:
        if each["VpcEndpointType"] == "Interface":
            unseen |= _judge_interface(keys, each, excused=context.endpoint is not None)
    return {"endpoints": sorted(states), **({"not told by this emulator": sorted(unseen)} if unseen else {})}


def judge_reach(endpoints: list[dict[str, Any]], tables: Mapping[str, str]) -> None:
    """A gateway endpoint is a route: a subnet whose table lacks it goes through NAT, or nowhere."""
    for each in endpoints:
        if each["VpcEndpointType"] == "Gateway":
            without = {one: table for one, table in tables.items() if table not in each["RouteTableIds"]}
            if without:
                raise ProbeFailure(
                    f"the gateway endpoint of {_service(each)} is not in the route tables of all private subnets",
                    without,
                )


def _judge_interface(keys: EndpointKeys, endpoint: Mapping[str, Any], *, excused: bool) -> set[str]:
    """What could not be looked at."""
    called = f"the endpoint of {_service(endpoint)}"
    unseen = {part for part in ("Groups", "PrivateDnsEnabled") if excused and part not in endpoint}
    places = {
        "security groups": (keys.endpoint_groups, [one["GroupId"] for one in endpoint.get("Groups", [])]),
        "subnets": (keys.endpoint_subnets, endpoint.get("SubnetIds", [])),
    }
    if "Groups" in unseen:
        del places["security groups"]
    judge(called, {part: (wanted, seen) for part, (wanted, seen) in places.items() if wanted})
    private = endpoint.get("PrivateDnsEnabled", False)
    if keys.private_dns is not None and private != keys.private_dns and "PrivateDnsEnabled" not in unseen:
        seen, wanted = ("on" if one else "off" for one in (private, keys.private_dns))
        raise ProbeFailure(f"{called} has private DNS {seen}, wanted {wanted}")
    asked = {"Groups": bool(keys.endpoint_groups), "PrivateDnsEnabled": keys.private_dns is not None}
    return {part for part in unseen if asked[part]}


def _service(endpoint: Mapping[str, Any]) -> str:
    """com.amazonaws.REGION.SERVICE, where SERVICE may hold dots of its own."""
    name: str = endpoint["ServiceName"]
    return name.split(".", 3)[-1]
