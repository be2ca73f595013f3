"""Settings in; a VPC with tiers of subnets, ways out, and endpoints out."""

import ipaddress
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from parts.firewall import ANYWHERE, HTTPS, Firewall
from parts.settings import Settings

VPC_CIDR = "10.0.0.0/16"
_BLOCKS = [str(block) for block in ipaddress.ip_network(VPC_CIDR).subnets(new_prefix=24)]
# Sixteen blocks a tier: 10.0.0.0/24 …, 10.0.16.0/24 …, 10.0.32.0/24 …
TIERS = ("public", "private", "data")
BLOCKS = {tier: _BLOCKS[16 * place : 16 * place + 16] for place, tier in enumerate(TIERS)}


class Network(pulumi.ComponentResource):
    """One subnet per zone and tier: public ones reach the internet, private ones through NAT, data ones nobody.

    The gateway endpoint of S3 and the interface `endpoints` let private ones reach AWS directly. `groups` are the
    security groups; the interface endpoints need one that is called `endpoints`. Members of the groups `users` may use
    the endpoints, and reach the internet by HTTPS.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        groups: Mapping[str, str],
        endpoints: Sequence[str] = (),
        users: Sequence[str] = (),
        data: bool = False,
        nat_per_zone: bool = False,
    ) -> None:
        super().__init__("parts:index:Network", name)
        self._name, self._settings = name, settings
        self._own = pulumi.ResourceOptions(parent=self)
        self.vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=VPC_CIDR,
            enable_dns_support=True,
            enable_dns_hostnames=True,  # private DNS of the interface endpoints needs both
            tags=settings.tagged("vpc"),
            opts=self._own,
        )
        self.internet = aws.ec2.InternetGateway(
            f"{name}-igw", vpc_id=self.vpc.id, tags=settings.tagged("igw"), opts=self._own
        )
        self.public, self.private = self._subnets("public"), self._subnets("private")
        self.data = self._subnets("data") if data else []
        self._route_public()
        self.nats = [self._nat(i) for i in range(len(settings.zones) if nat_per_zone else 1)]
        self.private_ways: list[pulumi.Resource] = []  # what a task needs to reach anything, and to be reached
        self.private_tables = [self._route_private(i, subnet) for i, subnet in enumerate(self.private)]
        if data:
            self._route_data()
        self.firewall = Firewall(f"{name}-firewall", settings, self.vpc.id, groups, self._own)
        self.endpoints = self._endpoints(endpoints) if endpoints else []
        self.private_ways += self.endpoints
        for user in users:
            self.private_ways.append(self.firewall.release(user, HTTPS))
            if endpoints:
                self.private_ways.append(self.firewall.admit("endpoints", HTTPS, user))
        self.register_outputs({"vpcId": self.vpc.id})

    def export(self) -> None:
        """Export what probes and users of the network need, as outputs of the stack."""
        pulumi.export("region", self._settings.region)
        pulumi.export("availabilityZones", list(self._settings.zones))
        pulumi.export("vpcId", self.vpc.id)
        pulumi.export("publicSubnetIds", [subnet.id for subnet in self.public])
        pulumi.export("privateSubnetIds", [subnet.id for subnet in self.private])
        if self.data:
            pulumi.export("dataSubnetIds", [subnet.id for subnet in self.data])
        pulumi.export("natGatewayIds", [nat.id for nat in self.nats])
        pulumi.export("vpcEndpointIds", [endpoint.id for endpoint in self.endpoints])
        pulumi.export("securityGroupIds", {purpose: group.id for purpose, group in self.firewall.groups.items()})

    def _subnets(self, tier: str) -> list[aws.ec2.Subnet]:
        return [
            aws.ec2.Subnet(
                f"{self._name}-{tier}-{zone}",
                vpc_id=self.vpc.id,
                availability_zone=zone,
                cidr_block=block,
                map_public_ip_on_launch=tier == "public",
                tags={**self._settings.tagged(f"{tier}-{zone}"), "Tier": tier},
                opts=self._own,
            )
            for zone, block in zip(self._settings.zones, BLOCKS[tier], strict=False)
        ]

    def _table(self, purpose: str) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(
            f"{self._name}-{purpose}", vpc_id=self.vpc.id, tags=self._settings.tagged(purpose), opts=self._own
        )

    def _associate(
        self, purpose: str, table: aws.ec2.RouteTable, subnet: aws.ec2.Subnet
    ) -> aws.ec2.RouteTableAssociation:
        return aws.ec2.RouteTableAssociation(
            f"{self._name}-{purpose}", route_table_id=table.id, subnet_id=subnet.id, opts=self._own
        )

    def _route_public(self) -> None:
        table = self._table("public")
        aws.ec2.Route(
            f"{self._name}-public-default",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=self.internet.id,
            opts=self._own,
        )
        for zone, subnet in zip(self._settings.zones, self.public, strict=True):
            self._associate(f"public-{zone}", table, subnet)

    def _nat(self, index: int) -> aws.ec2.NatGateway:
        # EC2 refuses both while the VPC has no internet gateway, and nothing they take refers to it.
        after = pulumi.ResourceOptions(parent=self, depends_on=[self.internet])
        called = "nat" if index == 0 else f"nat-{self._settings.zones[index]}"
        address = aws.ec2.Eip(f"{self._name}-{called}", domain="vpc", tags=self._settings.tagged(called), opts=after)
        return aws.ec2.NatGateway(
            f"{self._name}-{called}",
            allocation_id=address.allocation_id,
            subnet_id=self.public[index].id,
            tags=self._settings.tagged(called),
            opts=after,
        )

    def _route_private(self, index: int, subnet: aws.ec2.Subnet) -> aws.ec2.RouteTable:
        """Make a table per zone, so that each can have a NAT gateway of its own."""
        called = f"private-{self._settings.zones[index]}"
        table = self._table(called)
        out = aws.ec2.Route(
            f"{self._name}-{called}-default",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            nat_gateway_id=self.nats[index % len(self.nats)].id,
            opts=self._own,
        )
        self.private_ways += [out, self._associate(called, table, subnet)]
        return table

    def _route_data(self) -> None:
        """Nowhere: no default route."""
        table = self._table("data")
        for zone, subnet in zip(self._settings.zones, self.data, strict=True):
            self._associate(f"data-{zone}", table, subnet)

    def _endpoints(self, services: Sequence[str]) -> list[aws.ec2.VpcEndpoint]:
        """Keep image pulls and logs off the NAT gateway: ECR answers through its two endpoints, layers come from S3."""
        gateway = aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self.vpc.id,
            service_name=f"com.amazonaws.{self._settings.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in self.private_tables],
            tags=self._settings.tagged("s3"),
            opts=self._own,
        )
        interfaces = [
            aws.ec2.VpcEndpoint(
                f"{self._name}-{service.replace('.', '-')}",
                vpc_id=self.vpc.id,
                service_name=f"com.amazonaws.{self._settings.region}.{service}",
                vpc_endpoint_type="Interface",
                subnet_ids=[subnet.id for subnet in self.private],
                security_group_ids=[self.firewall["endpoints"].id],
                private_dns_enabled=True,
                tags=self._settings.tagged(service.replace(".", "-")),
                opts=self._own,
            )
            for service in services
        ]
        return [gateway, *interfaces]

    def allow(self, *ways: tuple[str, str, int]) -> None:
        """Let groups reach each other: (source, target, port), of which one may be empty for anywhere."""
        for source, target, port in ways:
            if source and target:
                self.private_ways += self.firewall.connect(source, target, port)
            elif source:
                self.private_ways.append(self.firewall.release(source, port))
            else:
                self.firewall.admit(target, port)
