"""Private subnets, a security group and a key in; an Aurora PostgreSQL Serverless v2 cluster and its secret out."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
import pulumi_random as random
from settings import ENGINE, Settings

DATABASE, USER = "financial", "financial_admin"
FEWEST_ACU, MOST_ACU = 0.5, 1.0
BACKUP_DAYS = 30
PORT = 5432


class Database(pulumi.ComponentResource):
    """One writer in private subnets; the password is drawn here and is nowhere but in the secret."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        subnets: Sequence[aws.ec2.Subnet],
        security_group: aws.ec2.SecurityGroup,
        key: aws.kms.Key,
        log_group: aws.cloudwatch.LogGroup,
    ) -> None:
        super().__init__("financial:index:Database", name)
        self._name, self._settings, self._key = name, settings, key
        self._own = pulumi.ResourceOptions(parent=self)
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
        version = aws.secretsmanager.SecretVersion(
            f"{name}-secret-version",
            secret_id=self.secret.id,
            secret_string=pulumi.Output.json_dumps(
                {
                    "engine": "postgres",
                    "port": PORT,
                    "dbname": DATABASE,
                    "username": USER,
                    "password": password.result,
                }
            ),
            opts=self._own,
        )
        # Not before the password can be read somewhere, nor before the log group that Aurora would make by itself.
        after = pulumi.ResourceOptions(parent=self, depends_on=[version, log_group])
        self.cluster = self._cluster(password.result, subnets, security_group, after)
        self.writer = aws.rds.ClusterInstance(
            f"{name}-writer",
            identifier=settings.name("writer"),
            cluster_identifier=self.cluster.id,
            engine=self.cluster.engine,
            engine_version=self.cluster.engine_version,
            instance_class="db.serverless",
            publicly_accessible=False,
            auto_minor_version_upgrade=False,  # an upgrade by AWS would be drift
            copy_tags_to_snapshot=True,
            tags=settings.tags,
            opts=self._own,
        )
        self.register_outputs({"endpoint": self.cluster.endpoint})

    def _cluster(
        self,
        password: pulumi.Input[str],
        subnets: Sequence[aws.ec2.Subnet],
        security_group: aws.ec2.SecurityGroup,
        options: pulumi.ResourceOptions,
    ) -> aws.rds.Cluster:
        settings = self._settings
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
            database_name=DATABASE,
            port=PORT,
            master_username=USER,
            master_password=password,
            iam_database_authentication_enabled=True,
            db_subnet_group_name=subnet_group.name,
            db_cluster_parameter_group_name=parameters.name,
            vpc_security_group_ids=[security_group.id],
            serverlessv2_scaling_configuration=aws.rds.ClusterServerlessv2ScalingConfigurationArgs(
                min_capacity=FEWEST_ACU, max_capacity=MOST_ACU
            ),
            storage_encrypted=True,
            kms_key_id=self._key.arn,
            backup_retention_period=BACKUP_DAYS,
            copy_tags_to_snapshot=True,
            skip_final_snapshot=True,
            deletion_protection=False,
            enabled_cloudwatch_logs_exports=["postgresql"],
            apply_immediately=True,
            tags=settings.tags,
            opts=options,
        )
