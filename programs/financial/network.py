"""Settings in; a VPC with public and private subnets, one way out, and endpoints out."""

import ipaddress

import pulumi
import pulumi_aws as aws
from firewall import Firewall
from settings import Settings

VPC_CIDR = "10.0.0.0/16"
ANYWHERE = "0.0.0.0/0"
_BLOCKS = [str(block) for block in ipaddress.ip_network(VPC_CIDR).subnets(new_prefix=24)]
PUBLIC_BLOCKS, PRIVATE_BLOCKS = _BLOCKS[:16], _BLOCKS[16:32]  # 10.0.0.0/24 …, 10.0.16.0/24 …


class Network(pulumi.ComponentResource):
    """One public and one private subnet per zone; private ones reach out through one NAT gateway, and AWS directly."""

    def __init__(self, name: str, settings: Settings) -> None:
        super().__init__("financial:index:Network", name)
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
        self.public = [self._subnet("public", zone, PUBLIC_BLOCKS[i]) for i, zone in enumerate(settings.zones)]
        self.private = [self._subnet("private", zone, PRIVATE_BLOCKS[i]) for i, zone in enumerate(settings.zones)]
        self._route_public()
        self.nat = self._nat()
        self.private_tables = [self._route_private(i, subnet) for i, subnet in enumerate(self.private)]
        self.firewall = Firewall(f"{name}-firewall", settings, self.vpc.id)
        self.endpoints = self._endpoints()
        self.register_outputs({"vpcId": self.vpc.id})

    def _subnet(self, kind: str, zone: str, block: str) -> aws.ec2.Subnet:
        return aws.ec2.Subnet(
            f"{self._name}-{kind}-{zone}",
            vpc_id=self.vpc.id,
            availability_zone=zone,
            cidr_block=block,
            map_public_ip_on_launch=kind == "public",
            tags={**self._settings.tagged(f"{kind}-{zone}"), "Tier": kind},
            opts=self._own,
        )

    def _route_public(self) -> None:
        table = aws.ec2.RouteTable(
            f"{self._name}-public", vpc_id=self.vpc.id, tags=self._settings.tagged("public"), opts=self._own
        )
        aws.ec2.Route(
            f"{self._name}-public-default",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=self.internet.id,
            opts=self._own,
        )
        for zone, subnet in zip(self._settings.zones, self.public, strict=True):
            aws.ec2.RouteTableAssociation(
                f"{self._name}-public-{zone}", route_table_id=table.id, subnet_id=subnet.id, opts=self._own
            )

    def _nat(self) -> aws.ec2.NatGateway:
        # EC2 refuses both while the VPC has no internet gateway, and nothing they take refers to it.
        after = pulumi.ResourceOptions(parent=self, depends_on=[self.internet])
        address = aws.ec2.Eip(f"{self._name}-nat", domain="vpc", tags=self._settings.tagged("nat"), opts=after)
        return aws.ec2.NatGateway(
            f"{self._name}-nat",
            allocation_id=address.allocation_id,
            subnet_id=self.public[0].id,
            tags=self._settings.tagged("nat"),
            opts=after,
        )

    def _route_private(self, index: int, subnet: aws.ec2.Subnet) -> aws.ec2.RouteTable:
        """Make a table per zone, so that a NAT gateway per zone is a change of one line."""
        zone = self._settings.zones[index]
        table = aws.ec2.RouteTable(
            f"{self._name}-private-{zone}",
            vpc_id=self.vpc.id,
            tags=self._settings.tagged(f"private-{zone}"),
            opts=self._own,
        )
        aws.ec2.Route(
            f"{self._name}-private-{zone}-default",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            nat_gateway_id=self.nat.id,
            opts=self._own,
        )
        aws.ec2.RouteTableAssociation(
            f"{self._name}-private-{zone}", route_table_id=table.id, subnet_id=subnet.id, opts=self._own
        )
        return table

    def _endpoints(self) -> list[aws.ec2.VpcEndpoint]:
        """Keep image pulls off the NAT gateway: ECR answers through its two endpoints, layers come from S3."""
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
                security_group_ids=[self.firewall.endpoints.id],
                private_dns_enabled=True,
                tags=self._settings.tagged(service.replace(".", "-")),
                opts=self._own,
            )
            for service in ("ecr.api", "ecr.dkr")
        ]
        return [gateway, *interfaces]
