"""Configuration in; an encrypted database platform out. All names are `financial-{resource}-{suffix}`."""

import pulumi
from parts.database import Database, Sizing
from parts.encryption import Encryption
from parts.firewall import POSTGRES
from parts.logs import Logs, cluster_log
from parts.network import Network
from parts.registry import Registry
from parts.settings import POSTGRES_15, read_settings

GROUPS = {
    "clients": "Workloads that use the database",
    "database": "Aurora PostgreSQL",
    "endpoints": "Interface endpoints of ECR",
}

settings = read_settings("financial", cost_center="finance", versions=POSTGRES_15)
encryption = Encryption("encryption", settings)
logs = Logs(
    "logs",
    settings,
    encryption.key,
    {
        "application": settings.name("application"),
        "audit": settings.name("audit"),
        "postgresql": cluster_log(settings),
    },
)
network = Network("network", settings, groups=GROUPS, endpoints=["ecr.api", "ecr.dkr"], users=["clients"])
network.allow(("clients", "database", POSTGRES))
registry = Registry("registry", settings, encryption.key)
database = Database(
    "database",
    settings,
    subnets=network.private,
    security_group=network.firewall["database"],
    key=encryption.key,
    log_group=logs.groups["postgresql"],
    sizing=Sizing(backup_days=30),
)

network.export()
pulumi.export("natGatewayId", network.nats[0].id)
pulumi.export("clientsSecurityGroupId", network.firewall["clients"].id)
database.export()
pulumi.export("repositoryName", registry.repository.name)
pulumi.export("repositoryUrl", registry.repository.repository_url)
pulumi.export("keyArn", encryption.key.arn)
pulumi.export("keyAlias", encryption.alias.name)
pulumi.export("logGroupNames", [group.name for group in logs.groups.values()])
