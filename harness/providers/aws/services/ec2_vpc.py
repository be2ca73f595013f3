"""EC2 networks: VPCs, subnets, internet gateways, addresses, NAT gateways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.providers.aws.declare import Call, Find, Item, Resource, Tagging, Update, Wait
from harness.providers.aws.failures import says_absent

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

DEPENDENCY: Final = "DependencyViolation"  # passes when what is inside is gone, network interfaces last


def tagging(spec: str) -> Tagging:
    """EC2 tags everything alike; `spec` is its name for the type."""
    target = {"Resources": ["{id}"]}
    return Tagging(tag=Call("CreateTags", target), untag=Call("DeleteTags", target), spec=spec)


def find(operation: str, at: str, id: str) -> Find:  # noqa: A002 - AWS's word
    """EC2's describe operations filter by tag."""
    return Find(Call(operation, at=at), id=id, by_tag_filter=True)


_VPC_SWITCHES: Final = ("enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics")


def _vpc_switches(work: Work) -> None:
    for name in _VPC_SWITCHES:  # one attribute a call; host names need support, so the order matters
        known = VPC.initial.get(name) if work.creating else work.old.get(name)
        if work.inputs.get(name) is not None and work.inputs.get(name) != known:
            member = name[0].upper() + name[1:]
            work.call("ModifyVpcAttribute", VpcId=work.id, **{member: {"Value": bool(work.inputs[name])}})


def _read_vpc(work: Work, item: Item, props: Props) -> None:
    del item
    for name in _VPC_SWITCHES:
        answer = work.call("DescribeVpcAttribute", VpcId=work.id, Attribute=name)
        props[name] = bool(answer.get(name[0].upper() + name[1:], {}).get("Value"))
    inside = [{"Name": "vpc-id", "Values": [work.id]}]
    main = work.call("DescribeRouteTables", Filters=[*inside, {"Name": "association.main", "Values": ["true"]}])
    groups = work.call("DescribeSecurityGroups", Filters=[*inside, {"Name": "group-name", "Values": ["default"]}])
    lists = work.call("DescribeNetworkAcls", Filters=[*inside, {"Name": "default", "Values": ["true"]}])
    if main["RouteTables"]:
        props["mainRouteTableId"] = props["defaultRouteTableId"] = main["RouteTables"][0]["RouteTableId"]
    if groups["SecurityGroups"]:
        props["defaultSecurityGroupId"] = groups["SecurityGroups"][0]["GroupId"]
    if lists["NetworkAcls"]:
        props["defaultNetworkAclId"] = lists["NetworkAcls"][0]["NetworkAclId"]


VPC = Resource(
    token="aws:ec2/vpc:Vpc",
    service="ec2",
    noun="EC2 VPC",
    args="cidrBlock enableDnsHostnames enableDnsSupport enableNetworkAddressUsageMetrics instanceTenancy "
    "ipv4IpamPoolId "
    "ipv4NetmaskLength",
    refused="assignGeneratedIpv6CidrBlock ipv6CidrBlock ipv6CidrBlockNetworkBorderGroup ipv6IpamPoolId "
    "ipv6NetmaskLength",
    outputs="defaultNetworkAclId defaultRouteTableId defaultSecurityGroupId dhcpOptionsId mainRouteTableId ownerId",
    templates={"arn": "arn:{partition}:ec2:{region}:{account}:vpc/{id}"},
    create=Call("CreateVpc"),
    id="Vpc.VpcId",
    read=Call("DescribeVpcs", {"VpcIds": ["{id}"]}, at="Vpcs[0]"),
    read_more=_read_vpc,
    delete=Call("DeleteVpc", {"VpcId": "{id}"}),
    updates=(Update(" ".join(_VPC_SWITCHES), apply=_vpc_switches),),
    defaults={"enableDnsSupport": True, "instanceTenancy": "default"},
    initial={"enableDnsSupport": True, "enableDnsHostnames": False, "enableNetworkAddressUsageMetrics": False},
    computed="cidrBlock enableDnsHostnames enableNetworkAddressUsageMetrics",
    write_only="ipv4IpamPoolId ipv4NetmaskLength",
    tagging=tagging("vpc"),
    wait=Wait("State", ready="available", minutes=10),
    find=find("DescribeVpcs", "Vpcs[]", "VpcId"),
    retry_delete=DEPENDENCY,
)

_SUBNET_SWITCHES: Final = {
    "mapPublicIpOnLaunch": "MapPublicIpOnLaunch",
    "assignIpv6AddressOnCreation": "AssignIpv6AddressOnCreation",
    "enableDns64": "EnableDns64",
    "enableResourceNameDnsARecordOnLaunch": "EnableResourceNameDnsARecordOnLaunch",
    "enableResourceNameDnsAaaaRecordOnLaunch": "EnableResourceNameDnsAAAARecordOnLaunch",
}


def _subnet_switches(work: Work) -> None:
    for name, member in _SUBNET_SWITCHES.items():
        before = work.old.get(name) or False
        if bool(work.inputs.get(name)) != before:
            work.call("ModifySubnetAttribute", SubnetId=work.id, **{member: {"Value": bool(work.inputs.get(name))}})
    kind = work.inputs.get("privateDnsHostnameTypeOnLaunch")
    if kind and kind != work.old.get("privateDnsHostnameTypeOnLaunch"):
        work.call("ModifySubnetAttribute", SubnetId=work.id, PrivateDnsHostnameTypeOnLaunch=kind)


SUBNET = Resource(
    token="aws:ec2/subnet:Subnet",
    service="ec2",
    noun="EC2 subnet",
    args="vpcId assignIpv6AddressOnCreation availabilityZone availabilityZoneId cidrBlock enableDns64 "
    "enableResourceNameDnsARecordOnLaunch enableResourceNameDnsAaaaRecordOnLaunch ipv6CidrBlock mapPublicIpOnLaunch "
    "privateDnsHostnameTypeOnLaunch",
    refused="customerOwnedIpv4Pool enableLniAtDeviceIndex ipv4IpamPoolId ipv4NetmaskLength ipv6IpamPoolId ipv6Native "
    "ipv6NetmaskLength mapCustomerOwnedIpOnLaunch outpostArn",
    required="vpcId",
    outputs="ipv6CidrBlockAssociationId ownerId",
    templates={"arn": "arn:{partition}:ec2:{region}:{account}:subnet/{id}"},
    create=Call("CreateSubnet"),
    id="Subnet.SubnetId",
    read=Call("DescribeSubnets", {"SubnetIds": ["{id}"]}, at="Subnets[0]"),
    reads={
        "privateDnsHostnameTypeOnLaunch": "PrivateDnsNameOptionsOnLaunch.HostnameType",
        "enableResourceNameDnsARecordOnLaunch": "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord",
        "enableResourceNameDnsAaaaRecordOnLaunch": "PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsAAAARecord",
        "ipv6CidrBlock": "Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock",
        "ipv6CidrBlockAssociationId": "Ipv6CidrBlockAssociationSet[0].AssociationId",
    },
    delete=Call("DeleteSubnet", {"SubnetId": "{id}"}),
    updates=(Update(f"{' '.join(_SUBNET_SWITCHES)} privateDnsHostnameTypeOnLaunch", apply=_subnet_switches),),
    defaults=dict.fromkeys(_SUBNET_SWITCHES, False),
    initial=dict.fromkeys(_SUBNET_SWITCHES, False),
    computed="availabilityZone availabilityZoneId cidrBlock privateDnsHostnameTypeOnLaunch",
    tagging=tagging("subnet"),
    wait=Wait("State", ready="available", minutes=10),
    find=find("DescribeSubnets", "Subnets[]", "SubnetId"),
    retry_create="InvalidVpcID.NotFound",
    retry_delete=DEPENDENCY,
)


def _attach(work: Work) -> None:
    before, after = work.old.get("vpcId"), work.inputs.get("vpcId")
    if before and before != after:
        _detach(work, str(before))
    if after:
        work.call("AttachInternetGateway", InternetGatewayId=work.id, VpcId=after)


def _detach(work: Work, vpc: str) -> None:
    try:
        work.call("DetachInternetGateway", InternetGatewayId=work.id, VpcId=vpc)
    except Exception as error:
        if not says_absent(error, IGW) and "Gateway.NotAttached" not in str(error):
            raise


def _delete_gateway(work: Work) -> None:
    if work.get("vpcId"):
        _detach(work, str(work.get("vpcId")))
    work.call("DeleteInternetGateway", InternetGatewayId=work.id)


IGW = Resource(
    token="aws:ec2/internetGateway:InternetGateway",
    service="ec2",
    noun="EC2 internet gateway",
    args="vpcId",
    outputs="ownerId",
    templates={"arn": "arn:{partition}:ec2:{region}:{account}:internet-gateway/{id}"},
    create=Call("CreateInternetGateway"),
    id="InternetGateway.InternetGatewayId",
    read=Call("DescribeInternetGateways", {"InternetGatewayIds": ["{id}"]}, at="InternetGateways[0]"),
    reads={"vpcId": "Attachments[0].VpcId"},
    delete_with=_delete_gateway,
    updates=(Update("vpcId", apply=_attach),),
    computed="vpcId",
    tagging=tagging("internet-gateway"),
    find=find("DescribeInternetGateways", "InternetGateways[]", "InternetGatewayId"),
    retry_create="InvalidInternetGatewayID.NotFound\nInvalidVpcID.NotFound",
    retry_delete=DEPENDENCY,
)


def _create_attachment(work: Work) -> str:
    gateway, vpc = work.inputs["internetGatewayId"], work.inputs["vpcId"]
    work.call("AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    return f"{gateway}:{vpc}"


def _read_attachment(work: Work) -> Item | None:
    gateway, _, vpc = work.id.partition(":")
    found = work.call("DescribeInternetGateways", InternetGatewayIds=[gateway])["InternetGateways"]
    attached = any(one["VpcId"] == vpc for gw in found for one in gw.get("Attachments", []))
    return {"InternetGatewayId": gateway, "VpcId": vpc} if attached else None


IGW_ATTACHMENT = Resource(
    token="aws:ec2/internetGatewayAttachment:InternetGatewayAttachment",
    service="ec2",
    noun="EC2 internet gateway attachment",
    args="internetGatewayId vpcId",
    required="internetGatewayId vpcId",
    create_with=_create_attachment,
    identity="{internetGatewayId}:{vpcId}",
    id_parts="{internetGatewayId}:{vpcId}",
    read_with=_read_attachment,
    delete=Call("DetachInternetGateway", {"InternetGatewayId": "{internetGatewayId}", "VpcId": "{vpcId}"}),
    absent="Gateway.NotAttached",
    retry_create="InvalidInternetGatewayID.NotFound\nInvalidVpcID.NotFound",
    retry_delete=DEPENDENCY,
    exclusive=True,
)


def _read_address(work: Work, item: Item, props: Props) -> None:
    if item.get("PrivateIpAddress"):
        props["privateIp"] = item["PrivateIpAddress"]
    props.setdefault("allocationId", work.id)
    props.pop("instance", None)


EIP = Resource(
    token="aws:ec2/eip:Eip",
    service="ec2",
    noun="EC2 address",
    args="address domain networkBorderGroup publicIpv4Pool",
    refused="associateWithPrivateIp customerOwnedIpv4Pool instance ipamPoolId networkInterface",
    outputs="allocationId associationId carrierIp customerOwnedIp networkInterface privateIp publicIp",
    templates={
        "arn": "arn:{partition}:ec2:{region}:{account}:elastic-ip/{id}",
    },
    create=Call("AllocateAddress"),
    id="AllocationId",
    read=Call("DescribeAddresses", {"AllocationIds": ["{id}"]}, at="Addresses[0]"),
    reads={"networkInterface": "NetworkInterfaceId"},
    read_more=_read_address,
    delete=Call("ReleaseAddress", {"AllocationId": "{id}"}),
    defaults={"domain": "vpc"},
    computed="networkBorderGroup publicIpv4Pool",
    write_only="address",
    tagging=tagging("elastic-ip"),
    find=find("DescribeAddresses", "Addresses[]", "AllocationId"),
    retry_delete="InvalidIPAddress.InUse\nAuthFailure",  # AuthFailure while a NAT gateway still lets go of it
)

NAT = Resource(
    token="aws:ec2/natGateway:NatGateway",
    service="ec2",
    noun="EC2 NAT gateway",
    args="allocationId connectivityType privateIp subnetId",
    refused="availabilityMode availabilityZoneAddresses secondaryAllocationIds secondaryPrivateIpAddressCount "
    "secondaryPrivateIpAddresses vpcId",
    required="subnetId",
    outputs="associationId networkInterfaceId publicIp",
    create=Call("CreateNatGateway"),
    id="NatGateway.NatGatewayId",
    read=Call("DescribeNatGateways", {"NatGatewayIds": ["{id}"]}, at="NatGateways[0]"),
    rename={"privateIp": "PrivateIpAddress"},
    reads={
        "allocationId": "NatGatewayAddresses[0].AllocationId",
        "associationId": "NatGatewayAddresses[0].AssociationId",
        "networkInterfaceId": "NatGatewayAddresses[0].NetworkInterfaceId",
        "privateIp": "NatGatewayAddresses[0].PrivateIp",
        "publicIp": "NatGatewayAddresses[0].PublicIp",
    },
    delete=Call("DeleteNatGateway", {"NatGatewayId": "{id}"}),
    defaults={"connectivityType": "public"},
    computed="privateIp",
    untold="allocationId connectivityType",
    tagging=tagging("natgateway"),
    wait=Wait("State", ready="available", failed="failed", gone="deleted", minutes=30),
    find=find("DescribeNatGateways", "NatGateways[]", "NatGatewayId"),
    retry_create="InvalidElasticIpID.NotFound\nInvalidSubnetID.NotFound\nInvalidAllocationID.NotFound",
)
