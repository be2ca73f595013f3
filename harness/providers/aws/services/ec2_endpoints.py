"""EC2: VPC endpoints of both kinds, their route tables, and flow logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.declare import Call, Item, Resource, Update, Wait
from harness.providers.aws.failures import Refusal
from harness.providers.aws.services.ec2_vpc import find, tagging

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_MEMBERSHIP: Final = {
    "routeTableIds": "RouteTableIds",
    "subnetIds": "SubnetIds",
    "securityGroupIds": "SecurityGroupIds",
}


def _refused(answer: Item) -> None:
    """Some EC2 operations answer success and list the failures inside. Raises Refusal."""
    for one in answer.get("Unsuccessful") or []:
        error = one.get("Error", {})
        raise Refusal(f"{error.get('Code')}: {error.get('Message')}", str(error.get("Code", "")))


def _modify(work: Work) -> None:
    params: Item = {}
    for name, member in _MEMBERSHIP.items():
        # Right after an import the old inputs may not hold what the outputs do.
        before = set(work.old.get(name) or work.outputs.get(name) or [])
        after = set(work.inputs.get(name) or [])
        if name in work.inputs and after - before:
            params[f"Add{member}"] = sorted(after - before)
        if name in work.inputs and before - after:
            params[f"Remove{member}"] = sorted(before - after)
    if work.changed("policy"):
        policy = work.inputs.get("policy")
        params.update({"PolicyDocument": policy} if policy else {"ResetPolicy": True})
    if work.changed("privateDnsEnabled"):
        params["PrivateDnsEnabled"] = bool(work.inputs.get("privateDnsEnabled"))
    if work.changed("ipAddressType"):
        params["IpAddressType"] = work.inputs["ipAddressType"]
    if params:
        work.call("ModifyVpcEndpoint", VpcEndpointId=work.id, **params)


def _read_more(work: Work, item: Item, props: Props) -> None:
    if item.get("VpcEndpointType", "Gateway") != "Gateway":
        return
    named = [{"Name": "prefix-list-name", "Values": [item["ServiceName"]]}]
    lists = work.call("DescribePrefixLists", Filters=named)["PrefixLists"]
    if lists:
        props["prefixListId"] = lists[0]["PrefixListId"]
        props["cidrBlocks"] = list(lists[0].get("Cidrs", []))


def _delete(work: Work) -> None:
    _refused(work.call("DeleteVpcEndpoints", VpcEndpointIds=[work.id]))


ENDPOINT = Resource(
    token="aws:ec2/vpcEndpoint:VpcEndpoint",
    service="ec2",
    noun="EC2 VPC endpoint",
    args="vpcId ipAddressType policy privateDnsEnabled routeTableIds securityGroupIds serviceName subnetIds "
    "vpcEndpointType",
    refused="autoAccept dnsOptions resourceConfigurationArn serviceNetworkArn serviceRegion subnetConfigurations",
    required="vpcId serviceName",
    outputs="cidrBlocks dnsEntries networkInterfaceIds ownerId prefixListId requesterManaged state",
    templates={"arn": "arn:{partition}:ec2:{region}:{account}:vpc-endpoint/{id}"},
    create=Call("CreateVpcEndpoint"),
    id="VpcEndpoint.VpcEndpointId",
    read=Call("DescribeVpcEndpoints", {"VpcEndpointIds": ["{id}"]}, at="VpcEndpoints[0]"),
    rename={"policy": "PolicyDocument"},
    reads={"securityGroupIds": "Groups[].GroupId"},
    read_more=_read_more,
    delete_with=_delete,
    updates=(
        Update(f"{' '.join(_MEMBERSHIP)} policy privateDnsEnabled ipAddressType", apply=_modify, on_create=False),
    ),
    json="policy",
    sets="routeTableIds subnetIds securityGroupIds",
    computed="ipAddressType policy privateDnsEnabled routeTableIds securityGroupIds subnetIds",
    untold="securityGroupIds privateDnsEnabled",
    defaults={"vpcEndpointType": "Gateway"},
    tagging=tagging("vpc-endpoint"),
    wait=Wait(
        "State", ready="available pendingAcceptance", failed="failed rejected expired", gone="deleted", minutes=10
    ),
    find=find("DescribeVpcEndpoints", "VpcEndpoints[]", "VpcEndpointId"),
    retry_create="InvalidVpcId.NotFound\nInvalidSubnetId.NotFound\nInvalidRouteTableId.NotFound",
)


def _associate(work: Work) -> str:
    endpoint, table = work.inputs["vpcEndpointId"], work.inputs["routeTableId"]
    work.call("ModifyVpcEndpoint", VpcEndpointId=endpoint, AddRouteTableIds=[table])
    return f"{endpoint}/{table}"


def _both(work: Work) -> tuple[str, str]:
    """Endpoint and table, by the properties, else by the id: that of the official provider holds a number instead."""
    values = work.values()
    return str(values["vpcEndpointId"]), str(values["routeTableId"])


def _read_association(work: Work) -> Item | None:
    endpoint, table = _both(work)
    for one in work.call("DescribeVpcEndpoints", VpcEndpointIds=[endpoint])["VpcEndpoints"]:
        if table in one.get("RouteTableIds", []) and str(one.get("State")).lower() != "deleted":
            return {"VpcEndpointId": endpoint, "RouteTableId": table}
    return None


def _dissociate(work: Work) -> None:
    endpoint, table = _both(work)
    work.call("ModifyVpcEndpoint", VpcEndpointId=endpoint, RemoveRouteTableIds=[table])


ENDPOINT_TABLE = Resource(
    token="aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation",
    service="ec2",
    noun="EC2 VPC endpoint's route table",
    args="routeTableId vpcEndpointId",
    required="routeTableId vpcEndpointId",
    create_with=_associate,
    identity="{vpcEndpointId}/{routeTableId}",
    id_parts="{vpcEndpointId}/{routeTableId}",
    read_with=_read_association,
    delete_with=_dissociate,
)

_WATCHED: Final = {
    "vpcId": "VPC",
    "subnetId": "Subnet",
    "eniId": "NetworkInterface",
    "transitGatewayId": "TransitGateway",
    "transitGatewayAttachmentId": "TransitGatewayAttachment",
}


def _flow_create(work: Work, params: Item) -> None:
    for name, kind in _WATCHED.items():
        if work.inputs.get(name):
            params.update(ResourceIds=[work.inputs[name]], ResourceType=kind)


def _flow_id(work: Work) -> str:
    params: Item = {
        member: work.inputs[name]
        for name, member in _FLOW_MEMBERS.items()
        if work.inputs.get(name) is not None and work.inputs.get(name) != ""
    }
    _flow_create(work, params)
    tags = [{"Key": key, "Value": one} for key, one in (work.inputs.get("tagsAll") or {}).items()]
    if tags:
        params["TagSpecifications"] = [{"ResourceType": "vpc-flow-log", "Tags": tags}]
    answer: Any = work.call("CreateFlowLogs", **params)
    _refused(answer)
    work.id = str(answer["FlowLogIds"][0])
    if tags:  # again: not every target heeds the specifications, and an untagged one could not be found
        work.call("CreateTags", Resources=[work.id], Tags=tags)
    return work.id


_FLOW_MEMBERS: Final = {
    "deliverCrossAccountRole": "DeliverCrossAccountRole",
    "iamRoleArn": "DeliverLogsPermissionArn",
    "logDestination": "LogDestination",
    "logDestinationType": "LogDestinationType",
    "logFormat": "LogFormat",
    "maxAggregationInterval": "MaxAggregationInterval",
    "trafficType": "TrafficType",
}


def _flow_more(work: Work, item: Item, props: Props) -> None:
    watched = str(item.get("ResourceId", ""))
    for start, name in (("vpc-", "vpcId"), ("subnet-", "subnetId"), ("eni-", "eniId"), ("tgw-", "transitGatewayId")):
        if watched.startswith(start):
            props[name] = watched
    if "logDestination" not in props and item.get("LogGroupName"):
        group = f"arn:{work.partition}:logs:{work.region}:{work.account}:log-group:{item['LogGroupName']}"
        props["logDestination"] = group


def _flow_delete(work: Work) -> None:
    _refused(work.call("DeleteFlowLogs", FlowLogIds=[work.id]))


FLOW_LOG = Resource(
    token="aws:ec2/flowLog:FlowLog",
    service="ec2",
    noun="EC2 flow log",
    args=f"{' '.join(_FLOW_MEMBERS)} {' '.join(_WATCHED)}",
    refused="destinationOptions regionalNatGatewayId tagFieldSpecifications",
    rename={"iamRoleArn": "DeliverLogsPermissionArn"},
    create_with=_flow_id,
    templates={"arn": "arn:{partition}:ec2:{region}:{account}:vpc-flow-log/{id}"},
    read=Call("DescribeFlowLogs", {"FlowLogIds": ["{id}"]}, at="FlowLogs[0]"),
    read_more=_flow_more,
    delete_with=_flow_delete,
    defaults={"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
    computed="logDestination logFormat",
    untold="iamRoleArn maxAggregationInterval",
    tagging=tagging("vpc-flow-log"),
    find=find("DescribeFlowLogs", "FlowLogs[]", "FlowLogId"),
    # A role made a moment ago cannot be assumed yet.
    retry_create="InvalidParameter:Access Denied for LogDestination\nInvalidParameter:Unable to assume given IAM role",
)
