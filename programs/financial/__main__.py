"""Configuration in; an encrypted database platform out. All names are `financial-{resource}-{suffix}`."""

import pulumi
from database import DATABASE, Database
from encryption import Encryption, Logs
from network import Network
from registry import Registry
from settings import read_settings

settings = read_settings()
encryption = Encryption("encryption", settings)
logs = Logs("logs", settings, encryption.key)
network = Network("network", settings)
registry = Registry("registry", settings, encryption.key)
database = Database(
    "database",
    settings,
    subnets=network.private,
    security_group=network.firewall.database,
    key=encryption.key,
    log_group=logs.groups["postgresql"],
)

pulumi.export("region", settings.region)
pulumi.export("availabilityZones", list(settings.zones))
pulumi.export("vpcId", network.vpc.id)
pulumi.export("publicSubnetIds", [subnet.id for subnet in network.public])
pulumi.export("privateSubnetIds", [subnet.id for subnet in network.private])
pulumi.export("natGatewayId", network.nat.id)
pulumi.export("vpcEndpointIds", [endpoint.id for endpoint in network.endpoints])
pulumi.export("clientsSecurityGroupId", network.firewall.clients.id)
pulumi.export("clusterIdentifier", database.cluster.cluster_identifier)
pulumi.export("clusterEndpoint", database.cluster.endpoint)
pulumi.export("readerEndpoint", database.cluster.reader_endpoint)
pulumi.export("clusterPort", database.cluster.port)
pulumi.export("databaseName", DATABASE)
pulumi.export("engineVersion", database.cluster.engine_version)
pulumi.export("secretArn", database.secret.arn)
pulumi.export("repositoryName", registry.repository.name)
pulumi.export("repositoryUrl", registry.repository.repository_url)
pulumi.export("keyArn", encryption.key.arn)
pulumi.export("keyAlias", encryption.alias.name)
pulumi.export("logGroupNames", [group.name for group in logs.groups.values()])
