"""A network in; a load balancer whose listener forwards to healthy targets of a service, out."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from parts.firewall import HTTP
from parts.network import Network
from parts.settings import Settings


@dataclass(frozen=True)
class Check:
    """What the load balancer asks a target, and how often; seconds."""

    port: int
    path: str
    interval: int = 15
    timeout: int = 5
    healthy: int = 2
    unhealthy: int = 3
    matcher: str = "200"


class Balancer(pulumi.ComponentResource):
    """An application load balancer in public subnets. Its targets are tasks, by their addresses."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        network: Network,
        check: Check,
        *,
        log_bucket: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`check.port` is where the container listens: targets are reached and asked on it."""
        super().__init__("parts:index:Balancer", name, opts=opts)
        own = pulumi.ResourceOptions(parent=self)
        logs = None
        if log_bucket is not None:
            logs = aws.lb.LoadBalancerAccessLogsArgs(bucket=log_bucket, enabled=True, prefix="alb")
        self.balancer = aws.lb.LoadBalancer(
            f"{name}-balancer",
            name=settings.name("alb"),
            load_balancer_type="application",
            internal=False,
            security_groups=[network.firewall["balancer"].id],
            subnets=[subnet.id for subnet in network.public],
            drop_invalid_header_fields=True,
            enable_deletion_protection=False,
            idle_timeout=60,  # seconds
            access_logs=logs,
            tags=settings.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[network.internet]),
        )
        self.targets = aws.lb.TargetGroup(
            f"{name}-targets",
            name=settings.name("tg"),
            port=check.port,
            protocol="HTTP",
            target_type="ip",
            vpc_id=network.vpc.id,
            deregistration_delay=30,  # seconds; the usual 300 only make a destroy wait
            health_check=aws.lb.TargetGroupHealthCheckArgs(
                enabled=True,
                path=check.path,
                port=str(check.port),
                protocol="HTTP",
                matcher=check.matcher,
                interval=check.interval,
                timeout=check.timeout,
                healthy_threshold=check.healthy,
                unhealthy_threshold=check.unhealthy,
            ),
            tags=settings.tags,
            opts=own,
        )
        self.listener = aws.lb.Listener(
            f"{name}-listener",
            load_balancer_arn=self.balancer.arn,
            port=HTTP,
            protocol="HTTP",
            default_actions=[
                aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=self.targets.arn),
            ],
            tags=settings.tags,
            opts=own,
        )
        self.url = self.balancer.dns_name.apply(lambda host: f"http://{host}")
        self.register_outputs({"url": self.url})

    def export(self) -> None:
        """Export the chain from the outside to the targets, as outputs of the stack."""
        pulumi.export("url", self.url)
        pulumi.export("loadBalancerArn", self.balancer.arn)
        pulumi.export("listenerArn", self.listener.arn)
        pulumi.export("targetGroupArn", self.targets.arn)
