"""Private subnets, a security group and a key in; an Aurora PostgreSQL Serverless v2 cluster and its secret out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from parts.settings import ENGINE, Settings

PORT = 5432


@dataclass(frozen=True)
class Sizing:
    """What a cluster may cost and how long its backups stay."""

    fewest_acu: float = 0.5
    most_acu: float = 1.0
    backup_days: int = 7
    readers: int = 0
    insights: bool = False  # Performance Insights; enhanced monitoring would leave a log group of the account's behind


class Database(pulumi.ComponentResource):
    """A writer, and readers, in private subnets; the password is drawn here and is nowhere but in the secret."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        subnets: Sequence[aws.ec2.Subnet],
        security_group: aws.ec2.SecurityGroup,
        key: aws.kms.Key,
        log_group: aws.cloudwatch.LogGroup,
        sizing: Sizing | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("parts:index:Database", name, opts=opts)
        self._name, self._settings, self._key = name, settings, key
        self.sizing = sizing or Sizing()
        self._own = pulumi.ResourceOptions(parent=self)
        self.database_name = settings.project.replace("-", "_")
        user = f"{self.database_name}_admin"
        password = random.RandomPassword(
            f"{name}-password",
            length=32,
            override_special="!#%^*-_=+?",  # RDS refuses / @ " and blanks in a master password
            opts=self._own,
        )
        self.secret = aws.secretsmanager.Secret(
            f"{name}-secret",
            name=settings.name("database"),
            description="Master user of the database",
            kms_key_id=key.arn,
            recovery_window_in_days=0,  # a recovery window would keep the name taken after destroy
            tags=settings.tags,
            opts=self._own,
        )
        self.version = aws.secretsmanager.SecretVersion(
            f"{name}-secret-version",
            secret_id=self.secret.id,
            secret_string=pulumi.Output.json_dumps(
                {
                    "engine": "postgres",
                    "port": PORT,
                    "dbname": self.database_name,
                    "username": user,
                    "password": password.result,
                }
            ),
            opts=self._own,
        )
        # Not before the password can be read somewhere, nor before the log group that Aurora would make by itself.
        after = pulumi.ResourceOptions(parent=self, depends_on=[self.version, log_group])
        self.cluster = self._cluster(user, password.result, subnets, security_group, after)
        self.writer = self._instance("writer", self._own)
        # After the writer: the first instance of a cluster becomes its writer.
        behind = pulumi.ResourceOptions(parent=self, depends_on=[self.writer])
        numbers = range(1, self.sizing.readers + 1)
        self.readers = [self._instance("reader" if number == 1 else f"reader-{number}", behind) for number in numbers]
        self.register_outputs({"endpoint": self.cluster.endpoint})

    def export(self) -> None:
        """Export what probes and users of the database need, as outputs of the stack."""
        pulumi.export("clusterIdentifier", self.cluster.cluster_identifier)
        pulumi.export("clusterEndpoint", self.cluster.endpoint)
        pulumi.export("readerEndpoint", self.cluster.reader_endpoint)
        pulumi.export("clusterPort", self.cluster.port)
        pulumi.export("databaseName", self.database_name)
        pulumi.export("engineVersion", self.cluster.engine_version)
        pulumi.export("secretArn", self.secret.arn)

    def _instance(self, purpose: str, options: pulumi.ResourceOptions) -> aws.rds.ClusterInstance:
        settings, sizing = self._settings, self.sizing
        watched: dict[str, Any] = {}
        if sizing.insights:
            watched = {"performance_insights_enabled": True, "performance_insights_kms_key_id": self._key.arn}
        return aws.rds.ClusterInstance(
            f"{self._name}-{purpose}",
            identifier=settings.name(purpose),
            cluster_identifier=self.cluster.id,
            engine=self.cluster.engine,
            engine_version=self.cluster.engine_version,
            instance_class="db.serverless",
            publicly_accessible=False,
            auto_minor_version_upgrade=False,  # an upgrade by AWS would be drift
            copy_tags_to_snapshot=True,
            tags=settings.tags,
            opts=options,
            **watched,
        )

    def _cluster(
        self,
        user: str,
        password: pulumi.Input[str],
        subnets: Sequence[aws.ec2.Subnet],
        security_group: aws.ec2.SecurityGroup,
        options: pulumi.ResourceOptions,
    ) -> aws.rds.Cluster:
        settings, sizing = self._settings, self.sizing
        subnet_group = aws.rds.SubnetGroup(
            f"{self._name}-subnets",
            name=settings.name("subnets"),
            description="Private subnets of every zone",
            subnet_ids=[subnet.id for subnet in subnets],
            tags=settings.tags,
            opts=self._own,
        )
        parameters = aws.rds.ClusterParameterGroup(
            f"{self._name}-parameters",
            name=settings.name("parameters"),
            family=f"{ENGINE}{settings.engine_version.split('.')[0]}",
            description="TLS only, slow statements logged",
            parameters=[
                aws.rds.ClusterParameterGroupParameterArgs(name="rds.force_ssl", value="1"),
                aws.rds.ClusterParameterGroupParameterArgs(name="log_min_duration_statement", value="1000"),  # ms
            ],
            tags=settings.tags,
            opts=self._own,
        )
        return aws.rds.Cluster(
            f"{self._name}-cluster",
            cluster_identifier=settings.name("cluster"),
            engine=ENGINE,
            engine_mode="provisioned",  # Serverless v2 is a capacity of provisioned clusters
            engine_version=settings.engine_version,
            database_name=self.database_name,
            port=PORT,
            master_username=user,
            master_password=password,
            iam_database_authentication_enabled=True,
            db_subnet_group_name=subnet_group.name,
            db_cluster_parameter_group_name=parameters.name,
            vpc_security_group_ids=[security_group.id],
            serverlessv2_scaling_configuration=aws.rds.ClusterServerlessv2ScalingConfigurationArgs(
                min_capacity=sizing.fewest_acu, max_capacity=sizing.most_acu
            ),
            storage_encrypted=True,
            kms_key_id=self._key.arn,
            backup_retention_period=sizing.backup_days,
            copy_tags_to_snapshot=True,
            skip_final_snapshot=True,
            deletion_protection=False,
            enabled_cloudwatch_logs_exports=["postgresql"],
            apply_immediately=True,
            tags=settings.tags,
            opts=options,
        )
