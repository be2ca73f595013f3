"""EC2 routing: route tables with their routes inside or beside them, and what they are associated with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.declare import Call, Item, Resource, Update, Wait
from harness.providers.aws.services.ec2_vpc import DEPENDENCY, find, tagging

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_DESTINATIONS: Final = {
    "destinationCidrBlock": "DestinationCidrBlock",
    "destinationIpv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}
_INLINE: Final = {
    "cidrBlock": "DestinationCidrBlock",
    "ipv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}
_TARGETS: Final = {
    "carrierGatewayId": "CarrierGatewayId",
    "coreNetworkArn": "CoreNetworkArn",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
    "gatewayId": "GatewayId",
    "localGatewayId": "LocalGatewayId",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "transitGatewayId": "TransitGatewayId",
    "vpcEndpointId": "VpcEndpointId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}
# What a route leads to may not be visible yet to the part of EC2 that checks routes.
_SLOW: Final = (
    "InvalidGatewayID.NotFound\nInvalidNatGatewayID.NotFound\nNatGatewayNotFound\nInvalidRouteTableID.NotFound\n"
    "InvalidVpcEndpointId.NotFound\nInvalidTransitGatewayID.NotFound"
)


def _params(block: Props, destinations: dict[str, str]) -> Item:
    names = {**destinations, **_TARGETS}
    return {names[key]: one for key, one in block.items() if key in names and one}


def _from_route(route: Item, destinations: dict[str, str]) -> Props:
    """Pulumi's view of a route; a gateway endpoint hides in AWS's gateway id."""
    result = {own: route[member] for own, member in {**destinations, **_TARGETS}.items() if route.get(member)}
    if str(route.get("GatewayId", "")).startswith("vpce-"):
        result["vpcEndpointId"] = result.pop("gatewayId")
    return result


def _destination(route: Item) -> str:
    return str(next((route[member] for member in _INLINE.values() if route.get(member)), ""))


def _own(route: Item) -> bool:
    """Neither the VPC's own route, nor one that a gateway endpoint or a virtual gateway put there."""
    if route.get("Origin", "CreateRoute") != "CreateRoute" or route.get("GatewayId") == "local":
        return False
    return not (route.get("DestinationPrefixListId") and str(route.get("GatewayId", "")).startswith("vpce-"))


def _table(work: Work, table: str) -> Item | None:
    answer = work.seek("DescribeRouteTables", RouteTableIds=[table])
    tables = (answer or {}).get("RouteTables") or [None]
    return None if tables[0] is None else dict(tables[0])


def _routes(work: Work) -> None:
    """Bring the table's own routes to the list in the program."""
    table = _table(work, work.id) or {}
    there = {_destination(one): one for one in table.get("Routes", []) if _own(one)}
    wanted = {_destination(_params(one, _INLINE)): _params(one, _INLINE) for one in work.inputs.get("routes") or []}
    for destination, route in there.items():
        if destination not in wanted:
            keys = {member: route[member] for member in _INLINE.values() if route.get(member)}
            work.call("DeleteRoute", RouteTableId=work.id, **keys)
    for destination, params in wanted.items():
        if destination not in there:
            work.call("CreateRoute", RouteTableId=work.id, **params)
        elif any(there[destination].get(key) != one for key, one in params.items() if key not in _INLINE.values()):
            work.call("ReplaceRoute", RouteTableId=work.id, **params)


def _read_table(work: Work, item: Item, props: Props) -> None:
    props["routes"] = [_from_route(one, _INLINE) for one in item.get("Routes", []) if _own(one)]
    props["propagatingVgws"] = [one["GatewayId"] for one in item.get("PropagatingVgws", [])]
    del work


def _detach_all(work: Work) -> None:
    for one in (_table(work, work.id) or {}).get("Associations", []):
        if not one.get("Main"):
            work.seek("DisassociateRouteTable", AssociationId=one["RouteTableAssociationId"])


TABLE = Resource(
    token="aws:ec2/routeTable:RouteTable",
    service="ec2",
    noun="EC2 route table",
    args="vpcId routes",
    refused="propagatingVgws",
    required="vpcId",
    outputs="ownerId propagatingVgws",
    templates={"arn": "arn:{partition}:ec2:{region}:{account}:route-table/{id}"},
    create=Call("CreateRouteTable"),
    id="RouteTable.RouteTableId",
    read=Call("DescribeRouteTables", {"RouteTableIds": ["{id}"]}, at="RouteTables[0]"),
    read_more=_read_table,
    before_delete=_detach_all,
    delete=Call("DeleteRouteTable", {"RouteTableId": "{id}"}),
    updates=(Update("routes", apply=_routes),),
    nested={"routes": " ".join((*_INLINE, *_TARGETS))},
    sets="routes",
    computed="routes",
    tagging=tagging("route-table"),
    find=find("DescribeRouteTables", "RouteTables[]", "RouteTableId"),
    retry_create=f"InvalidVpcID.NotFound\n{_SLOW}",
    retry_delete=DEPENDENCY,
)


def _route(work: Work) -> Item:
    """Key and target of the one route."""
    return {"RouteTableId": work.inputs["routeTableId"], **_params(work.inputs, _DESTINATIONS)}


def _create_route(work: Work) -> str:
    work.call("CreateRoute", **_route(work))
    return _route_id(work.inputs)


def _route_id(inputs: Props) -> str:
    return f"{inputs['routeTableId']}_{_destination(_params(inputs, _DESTINATIONS))}"


def _replace_route(work: Work) -> None:
    work.call("ReplaceRoute", **_route(work))


def _key(work: Work) -> tuple[str, str]:
    """Table and destination, by the properties, else by the id: that of the official provider tells neither."""
    values = work.values()
    destination = _destination(_params({name: work.get(name) for name in _DESTINATIONS}, _DESTINATIONS))
    return str(values["routeTableId"]), destination or str(values["destination"])


def _read_route(work: Work) -> Item | None:
    table, destination = _key(work)
    for route in (_table(work, table) or {}).get("Routes", []):
        if _destination(route) == destination and _own(route):
            return {**route, "RouteTableId": table}
    return None


def _route_more(work: Work, item: Item, props: Props) -> None:
    del work
    for name in _TARGETS:
        props.pop(name, None)
    props.update(_from_route(item, _DESTINATIONS))


def _delete_route(work: Work) -> None:
    table, destination = _key(work)
    key = "DestinationPrefixListId" if destination.startswith("pl-") else "DestinationCidrBlock"
    key = "DestinationIpv6CidrBlock" if ":" in destination else key
    work.call("DeleteRoute", RouteTableId=table, **{key: destination})


ROUTE = Resource(
    token="aws:ec2/route:Route",
    service="ec2",
    noun="EC2 route",
    args=f"routeTableId {' '.join((*_DESTINATIONS, *_TARGETS))}",
    refused="odbNetworkArn",
    required="routeTableId",
    outputs="instanceId instanceOwnerId origin state",
    create_with=_create_route,
    identity_with=_route_id,
    id_parts="{routeTableId}_{destination}",
    read_with=_read_route,
    read_more=_route_more,
    delete_with=_delete_route,
    updates=(Update(" ".join(_TARGETS), apply=_replace_route, on_create=False),),
    computed="networkInterfaceId",
    retry_create=_SLOW,
    absent="InvalidRoute.NotFound",
    exclusive=True,
)


def _associations(work: Work) -> list[Item]:
    """By its id, or, when its answer was lost, by the table and what was to be associated with it.

    On AWS there is one at most; some emulators make another at each attempt.
    """
    table, _, other = work.id.partition("+")
    name, value = ("route-table-id", table) if other else ("association.route-table-association-id", work.id)
    tables = work.call("DescribeRouteTables", Filters=[{"Name": name, "Values": [value]}])["RouteTables"]
    there = [one for found in tables for one in found.get("Associations", [])]
    return [one for one in there if (other in _sides(one) if other else one.get("RouteTableAssociationId") == work.id)]


def _sides(association: Item) -> set[Any]:
    return {association.get("SubnetId"), association.get("GatewayId")}


def _association_id(inputs: Props) -> str:
    """The id itself is only told in the answer; this finds it again. A subnet or gateway has one table."""
    return f"{inputs['routeTableId']}+{inputs.get('subnetId') or inputs['gatewayId']}"


def _read_association(work: Work) -> Item | None:
    for one in _associations(work):
        return {"State": one.get("AssociationState", {}).get("State", "associated"), **_plain(one)}
    return None


def _dissociate(work: Work) -> None:
    for one in _associations(work):
        work.call("DisassociateRouteTable", AssociationId=one["RouteTableAssociationId"])


def _plain(association: Item) -> dict[str, Any]:
    return {key: one for key, one in association.items() if key in {"RouteTableId", "SubnetId", "GatewayId"}}


ASSOCIATION = Resource(
    token="aws:ec2/routeTableAssociation:RouteTableAssociation",
    service="ec2",
    noun="EC2 route table association",
    args="routeTableId gatewayId subnetId",
    required="routeTableId",
    create=Call("AssociateRouteTable"),
    id="AssociationId",
    identity_with=_association_id,
    read_with=_read_association,
    delete_with=_dissociate,
    wait=Wait("State", ready="associated", failed="failed", gone="disassociated", minutes=5),
    exclusive=True,
    retry_create=f"InvalidSubnetID.NotFound\n{_SLOW}",
)
