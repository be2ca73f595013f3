"""A VPC and names in; security groups out, and one way to let the one reach the other."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from parts.settings import Settings

HTTP, HTTPS, POSTGRES, REDIS = 80, 443, 5432, 6379
ANYWHERE = "0.0.0.0/0"


class Firewall(pulumi.ComponentResource):
    """Groups without inline rules; each permission is a rule resource of its own, from group to group."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        vpc_id: pulumi.Input[str],
        groups: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`groups` are purposes, each with what it is for."""
        super().__init__("parts:index:Firewall", name, opts=opts)
        self._name, self._settings = name, settings
        self._own = pulumi.ResourceOptions(parent=self)
        self.groups = {
            purpose: aws.ec2.SecurityGroup(
                f"{name}-{purpose}",
                name=settings.name(f"{purpose}-sg"),
                description=description,
                vpc_id=vpc_id,
                tags=settings.tagged(f"{purpose}-sg"),
                opts=self._own,
            )
            for purpose, description in groups.items()
        }
        self.register_outputs({f"{purpose}Id": group.id for purpose, group in self.groups.items()})

    def __getitem__(self, purpose: str) -> aws.ec2.SecurityGroup:
        """The group of that purpose."""
        return self.groups[purpose]

    def connect(self, source: str, target: str, port: int) -> list[pulumi.Resource]:
        """`source` may open connections to `target` on this port: out of the one, and into the other. Both rules."""
        return [self.admit(target, port, source), self.release(source, port, target)]

    def admit(self, target: str, port: int, source: str = "") -> aws.vpc.SecurityGroupIngressRule:
        """Into `target` from the group `source`, or from anywhere. The rule."""
        origin: dict[str, pulumi.Input[str]] = (
            {"referenced_security_group_id": self.groups[source].id} if source else {"cidr_ipv4": ANYWHERE}
        )
        called = f"{target}-from-{source or 'anywhere'}"
        return aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-{called}",
            security_group_id=self.groups[target].id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=f"{target} from {source or 'anywhere'}",
            tags=self._settings.tagged(called),
            opts=self._own,
            **origin,
        )

    def release(self, source: str, port: int, target: str = "") -> aws.vpc.SecurityGroupEgressRule:
        """Out of `source` to the group `target`, or to anywhere. The rule.

        A gateway endpoint needs the second, too: it is a route to S3's public addresses, for which no group stands.
        """
        destination: dict[str, pulumi.Input[str]] = (
            {"referenced_security_group_id": self.groups[target].id} if target else {"cidr_ipv4": ANYWHERE}
        )
        called = f"{source}-to-{target or 'anywhere'}"
        return aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-{called}",
            security_group_id=self.groups[source].id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=f"{source} to {target or 'anywhere'}",
            tags=self._settings.tagged(called),
            opts=self._own,
            **destination,
        )
