"""A VPC in; three security groups out: clients may reach the database and the endpoints, nobody else may."""

import pulumi
import pulumi_aws as aws
from settings import Settings

POSTGRES, HTTPS = 5432, 443


class Firewall(pulumi.ComponentResource):
    """Groups without inline rules; each permission is a rule resource of its own, from group to group."""

    def __init__(self, name: str, settings: Settings, vpc_id: pulumi.Input[str]) -> None:
        super().__init__("financial:index:Firewall", name)
        self._name, self._settings, self._vpc_id = name, settings, vpc_id
        self._own = pulumi.ResourceOptions(parent=self)
        self.clients = self._group("clients", "Workloads that use the database")
        self.database = self._group("database", "Aurora PostgreSQL")
        self.endpoints = self._group("endpoints", "Interface endpoints of ECR")

        self._admit("database", self.database, POSTGRES)
        self._admit("endpoints", self.endpoints, HTTPS)
        self._release("database", POSTGRES, referenced_security_group_id=self.database.id)
        # The S3 gateway endpoint is a route to S3's public addresses, which no group stands for.
        self._release("https", HTTPS, cidr_ipv4="0.0.0.0/0")
        self.register_outputs({"clientsId": self.clients.id})

    def _group(self, purpose: str, description: str) -> aws.ec2.SecurityGroup:
        return aws.ec2.SecurityGroup(
            f"{self._name}-{purpose}",
            name=self._settings.name(f"{purpose}-sg"),
            description=description,
            vpc_id=self._vpc_id,
            tags=self._settings.tagged(f"{purpose}-sg"),
            opts=self._own,
        )

    def _admit(self, purpose: str, group: aws.ec2.SecurityGroup, port: int) -> None:
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-{purpose}-from-clients",
            security_group_id=group.id,
            referenced_security_group_id=self.clients.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=f"{purpose} from clients",
            tags=self._settings.tagged(f"{purpose}-from-clients"),
            opts=self._own,
        )

    def _release(self, purpose: str, port: int, **destination: pulumi.Input[str]) -> None:
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-clients-to-{purpose}",
            security_group_id=self.clients.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=f"clients to {purpose}",
            tags=self._settings.tagged(f"clients-to-{purpose}"),
            opts=self._own,
            **destination,
        )
