"""A network and a key in; an encrypted Redis replication group over two zones, and its token's secret, out."""

import pulumi
import pulumi_aws as aws
import pulumi_random as random
from parts.firewall import REDIS
from parts.network import Network
from parts.settings import Settings

NODE = "cache.t4g.micro"
VERSION, FAMILY = "7.1", "redis7"
NODES = 2
SNAPSHOT_DAYS = 1


class Cache(pulumi.ComponentResource):
    """A primary and a replica, failing over by themselves; TLS and a token on every connection."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        network: Network,
        key: aws.kms.Key,
        *,
        slow: aws.cloudwatch.LogGroup,
        engine: aws.cloudwatch.LogGroup,
    ) -> None:
        super().__init__("platform:index:Cache", name)
        self.members = [
            f"{settings.name('redis')}-{number:03}" for number in range(1, NODES + 1)
        ]  # ElastiCache's names
        own = pulumi.ResourceOptions(parent=self)
        token = random.RandomPassword(f"{name}-token", length=48, special=False, opts=own)
        self.secret = aws.secretsmanager.Secret(
            f"{name}-secret",
            name=settings.name("redis"),
            description="Token of the Redis replication group",
            kms_key_id=key.arn,
            recovery_window_in_days=0,
            tags=settings.tags,
            opts=own,
        )
        self.version = aws.secretsmanager.SecretVersion(
            f"{name}-secret-version", secret_id=self.secret.id, secret_string=token.result, opts=own
        )
        subnets = aws.elasticache.SubnetGroup(
            f"{name}-subnets",
            name=settings.name("cache"),
            description="Data subnets of every zone",
            subnet_ids=[subnet.id for subnet in network.data],
            tags=settings.tags,
            opts=own,
        )
        parameters = aws.elasticache.ParameterGroup(
            f"{name}-parameters",
            name=settings.name("redis"),
            family=FAMILY,
            description="Least recently used keys go first",
            parameters=[aws.elasticache.ParameterGroupParameterArgs(name="maxmemory-policy", value="allkeys-lru")],
            tags=settings.tags,
            opts=own,
        )
        self.group = aws.elasticache.ReplicationGroup(
            f"{name}-group",
            replication_group_id=settings.name("redis"),
            description="Cache of the platform",
            engine="redis",
            engine_version=VERSION,
            node_type=NODE,
            num_cache_clusters=NODES,
            port=REDIS,
            parameter_group_name=parameters.name,
            subnet_group_name=subnets.name,
            security_group_ids=[network.firewall["cache"].id],
            at_rest_encryption_enabled=True,
            kms_key_id=key.arn,
            transit_encryption_enabled=True,
            auth_token=token.result,
            automatic_failover_enabled=True,
            multi_az_enabled=True,
            snapshot_retention_limit=SNAPSHOT_DAYS,
            auto_minor_version_upgrade=False,  # an upgrade by AWS would be drift
            apply_immediately=True,
            log_delivery_configurations=[
                aws.elasticache.ReplicationGroupLogDeliveryConfigurationArgs(
                    destination=group.name, destination_type="cloudwatch-logs", log_format="json", log_type=kind
                )
                for kind, group in (("slow-log", slow), ("engine-log", engine))
            ],
            tags=settings.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.version]),
        )
        self.register_outputs({"endpoint": self.group.primary_endpoint_address})

    def export(self) -> None:
        """Export group, endpoints and secret, as outputs of the stack."""
        pulumi.export("cacheGroup", self.group.replication_group_id)
        pulumi.export("cacheEndpoint", self.group.primary_endpoint_address)
        pulumi.export("cacheReaderEndpoint", self.group.reader_endpoint_address)
        pulumi.export("cacheSecretArn", self.secret.arn)
