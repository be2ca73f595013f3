"""A container, a network and a balancer in; a Fargate service with its two roles out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from parts.balancer import Balancer
from parts.logs import Logs
from parts.network import Network
from parts.roles import Role, role
from parts.settings import Settings

ECR_PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


@dataclass(frozen=True)
class Container:
    """What runs. `cpu` is in 1024ths of a processor, `memory` in MiB: a pair that Fargate offers."""

    image: pulumi.Input[str]
    port: int
    cpu: int = 256
    memory: int = 512
    command: Sequence[str] = ()
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Environment variable to the full ARN of a secret, perhaps with `:field::` of its JSON."""
    repository: aws.ecr.Repository | None = None
    """The stack's own, that the image is pulled from."""


@dataclass(frozen=True)
class Rollout:
    """How tasks are placed and replaced. Rolling, with a circuit breaker that goes back by itself."""

    tasks: int = 1
    grace: int = 60  # seconds in which a failed health check does not count
    fewest_percent: int = 100
    most_percent: int = 200
    autoscaled: bool = False  # then the number of tasks is not ours any more
    delivered: bool = False  # by a pipeline: then the revision that runs is not ours any more


class Service(pulumi.ComponentResource):
    """One task definition and the service that keeps it running in private subnets, behind the balancer."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        container: Container,
        network: Network,
        balancer: Balancer,
        key: aws.kms.Key,
        logs: Logs,
        readable: Sequence[pulumi.Input[str]] = (),
        keys: Sequence[pulumi.Input[str]] = (),
        may: Sequence[Mapping[str, Any]] = (),
        rollout: Rollout | None = None,
        after: Sequence[pulumi.Resource] = (),
    ) -> None:
        """`readable` are ARNs of secrets that the execution role reads, `may` the statements of the task's own role.

        `keys` are ARNs of those that the secrets are under, beside `key`.

        The task's log is `application` of `logs`, the cluster's is `insights`. `after` is what must be there before a
        task starts, such as the values of the secrets, and the database's writer: its host name is there before it.
        """
        super().__init__("parts:index:Service", name)
        self._name, self._settings = name, settings
        self._own = pulumi.ResourceOptions(parent=self)
        rollout = rollout or Rollout()
        log_group = logs.groups["application"]
        others = {"desiredCount": rollout.autoscaled, "taskDefinition": rollout.delivered}
        self.cluster = aws.ecs.Cluster(
            f"{name}-cluster",
            name=settings.name("ecs"),
            settings=[aws.ecs.ClusterSettingArgs(name="containerInsights", value="enabled")],
            tags=settings.tags,
            # Made by ECS the log group of Container Insights would never expire, and outlive the stack.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[logs.groups["insights"]]),
        )
        self.execution = self._execution_role(container, [key.arn, *keys], log_group, readable)
        self.task = self._role("task", may)
        self.definition = self._definition(container, log_group)
        self.service = aws.ecs.Service(
            f"{name}-service",
            name=settings.name("service"),
            cluster=self.cluster.arn,
            task_definition=self.definition.arn,
            desired_count=rollout.tasks,
            launch_type="FARGATE",
            network_configuration=aws.ecs.ServiceNetworkConfigurationArgs(
                subnets=[subnet.id for subnet in network.private],
                security_groups=[network.firewall["service"].id],
                assign_public_ip=False,
            ),
            load_balancers=[
                aws.ecs.ServiceLoadBalancerArgs(
                    target_group_arn=balancer.targets.arn, container_name="app", container_port=container.port
                )
            ],
            health_check_grace_period_seconds=rollout.grace,
            deployment_minimum_healthy_percent=rollout.fewest_percent,
            deployment_maximum_percent=rollout.most_percent,
            deployment_circuit_breaker=aws.ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            tags=settings.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                # ECS refuses a target group without a listener; and a task that starts before its role may read the
                # secrets, or before there is a way out to the registry, fails.
                depends_on=[
                    balancer.listener,
                    *self.execution.granted,
                    *self.task.granted,
                    *network.private_ways,
                    *after,
                ],
                ignore_changes=[name for name, changed in others.items() if changed],
            ),
        )
        self.register_outputs({"serviceName": self.service.name})

    def export(self) -> None:
        """Export the service and its roles, as outputs of the stack."""
        pulumi.export("ecsCluster", self.cluster.name)
        pulumi.export("ecsService", self.service.name)
        pulumi.export("taskDefinitionArn", self.definition.arn)
        pulumi.export("executionRoleArn", self.execution.arn)
        pulumi.export("taskRoleArn", self.task.arn)

    def _role(self, purpose: str, statements: Sequence[Mapping[str, Any]]) -> Role:
        return role(
            f"{self._name}-{purpose}",
            self._settings,
            called=f"{purpose}-role",
            service="ecs-tasks.amazonaws.com",
            statements=statements,
            opts=self._own,
        )

    def _execution_role(
        self,
        container: Container,
        keys: Sequence[pulumi.Input[str]],
        log_group: aws.cloudwatch.LogGroup,
        readable: Sequence[pulumi.Input[str]],
    ) -> Role:
        """What ECS itself does for a task: pull the image, read its secrets, write its log."""
        statements: list[dict[str, Any]] = [
            {
                "Sid": "WriteLog",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": [log_group.arn, pulumi.Output.concat(log_group.arn, ":*")],
            },
            {"Sid": "Decrypt", "Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": list(keys)},
        ]
        if container.repository is not None:
            statements += [
                # A token is for the whole registry; there is no narrower resource.
                {"Sid": "Registry", "Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"},
                {"Sid": "Pull", "Effect": "Allow", "Action": ECR_PULL, "Resource": [container.repository.arn]},
            ]
        if readable:
            statements.append(
                {
                    "Sid": "ReadSecrets",
                    "Effect": "Allow",
                    "Action": ["secretsmanager:GetSecretValue"],
                    "Resource": list(readable),
                }
            )
        return self._role("execution", statements)

    def _definition(self, container: Container, log_group: aws.cloudwatch.LogGroup) -> aws.ecs.TaskDefinition:
        environment = [{"name": name, "value": value} for name, value in sorted(container.environment.items())]
        secrets = [{"name": name, "valueFrom": arn} for name, arn in sorted(container.secrets.items())]
        described: dict[str, Any] = {
            "name": "app",
            "image": container.image,
            "essential": True,
            "portMappings": [
                {"containerPort": container.port, "hostPort": container.port, "protocol": "tcp"},
            ],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": log_group.name,
                    "awslogs-region": self._settings.region,
                    "awslogs-stream-prefix": "app",
                },
            },
        }
        # Empty lists are not written: ECS gives them back in some answers and leaves them out in others.
        described |= {"environment": environment} if environment else {}
        described |= {"secrets": secrets} if secrets else {}
        described |= {"command": list(container.command)} if container.command else {}
        return aws.ecs.TaskDefinition(
            f"{self._name}-definition",
            family=self._settings.name("task"),
            cpu=str(container.cpu),
            memory=str(container.memory),
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            execution_role_arn=self.execution.arn,
            task_role_arn=self.task.arn,
            runtime_platform=aws.ecs.TaskDefinitionRuntimePlatformArgs(
                operating_system_family="LINUX", cpu_architecture="X86_64"
            ),
            container_definitions=pulumi.Output.json_dumps([described]),
            tags=self._settings.tags,
            opts=self._own,
        )
