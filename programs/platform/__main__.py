"""Configuration in; a large application platform out. All names are `platform-{resource}-{suffix}`."""

import pulumi
from cache import Cache
from events import Events
from keys import Keys
from measures import Watched, measures
from observed import AccessLogs, log_groups
from parts.alarms import Alarms
from parts.balancer import Balancer, Check
from parts.database import Database, Sizing
from parts.firewall import HTTP, POSTGRES, REDIS
from parts.flows import Flows
from parts.logs import Logs
from parts.network import Network
from parts.registry import Registry
from parts.scaling import CPU, MEMORY, Scaling
from parts.service import Container, Rollout, Service
from parts.settings import POSTGRES_15, read_settings

IMAGE = "public.ecr.aws/nginx/nginx:alpine"  # listens on 80 by itself
GROUPS = {
    "balancer": "Load balancer, open to the internet",
    "service": "Containers, reached from the load balancer only",
    "database": "Aurora PostgreSQL, reached from the containers only",
    "cache": "Redis, reached from the containers only",
    "endpoints": "Interface endpoints of AWS services",
}
ENDPOINTS = ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "kinesis-streams", "kms", "monitoring"]

settings = read_settings("platform", cost_center="platform", versions=POSTGRES_15)
keys = Keys("keys", settings)
logs = Logs("logs", settings, keys.logs, log_groups(settings))
access_logs = AccessLogs("access", settings)

network = Network(
    "network", settings, groups=GROUPS, endpoints=ENDPOINTS, users=["service"], data=True, nat_per_zone=True
)
network.allow(
    ("", "balancer", HTTP),
    ("balancer", "service", HTTP),
    ("service", "database", POSTGRES),
    ("service", "cache", REDIS),
)
flows = Flows("flows", settings, network.vpc, logs.groups["flows"])

database = Database(
    "database",
    settings,
    subnets=network.data,
    security_group=network.firewall["database"],
    key=keys.data,
    log_group=logs.groups["postgresql"],
    sizing=Sizing(most_acu=2.0, backup_days=30, readers=1, insights=True),
)
cache = Cache("cache", settings, network, keys.data, slow=logs.groups["redis-slow"], engine=logs.groups["redis-engine"])
events = Events("events", settings, keys.messages)

registry = Registry("registry", settings, keys.data)
balancer = Balancer(
    "balancer",
    settings,
    network,
    Check(port=HTTP, path="/"),
    log_bucket=access_logs.bucket.bucket,
    opts=pulumi.ResourceOptions(depends_on=[access_logs.policy]),
)
service = Service(
    "service",
    settings,
    container=Container(
        image=pulumi.Config().get("image") or IMAGE,
        port=HTTP,
        cpu=512,
        memory=1024,
        environment={
            "DATABASE_HOST": database.cluster.endpoint,
            "DATABASE_READER": database.cluster.reader_endpoint,
            "DATABASE_NAME": database.database_name,
            "REDIS_HOST": cache.group.primary_endpoint_address,
            "STREAM": events.stream.name,
            "TOPIC": events.topic.arn,
        },
        secrets={
            "DATABASE_USER": pulumi.Output.concat(database.secret.arn, ":username::"),
            "DATABASE_PASSWORD": pulumi.Output.concat(database.secret.arn, ":password::"),
            "REDIS_TOKEN": cache.secret.arn,
        },
        repository=registry.repository,
    ),
    network=network,
    balancer=balancer,
    key=keys.data,
    logs=logs,
    readable=[database.secret.arn, cache.secret.arn],
    may=events.use(),
    rollout=Rollout(tasks=2, autoscaled=True),
    after=[database.version, database.writer, cache.version],
)
Scaling("scaling", settings, service, fewest=2, most=8, follow={CPU: 60, MEMORY: 70})
watched = Watched(network, balancer, service, database, cache, events)
alarms = Alarms("alarms", settings, keys.messages, measures(watched))

network.export()
balancer.export()
service.export()
database.export()
cache.export()
events.export()
alarms.export()
keys.export()
pulumi.export("flowLogId", flows.log.id)
pulumi.export("flowRoleArn", flows.role.arn)
pulumi.export("flowLogGroupArn", logs.groups["flows"].arn)
pulumi.export("accessLogBucket", access_logs.bucket.bucket)
pulumi.export("repositoryName", registry.repository.name)
pulumi.export("repositoryArn", registry.repository.arn)
pulumi.export("repositoryUrl", registry.repository.repository_url)
pulumi.export("logGroupNames", [group.name for group in logs.groups.values()])
