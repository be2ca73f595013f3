"""Configuration in; a three-tier web service out: load balancer, containers, database.

Names are `webapp-{resource}-{suffix}`.
"""

import pulumi
from parts.balancer import Balancer, Check
from parts.database import Database
from parts.encryption import Encryption
from parts.firewall import HTTP, POSTGRES
from parts.logs import Logs, cluster_log, insights_log
from parts.network import Network
from parts.scaling import CPU, MEMORY, Scaling
from parts.service import Container, Rollout, Service
from parts.settings import POSTGRES_16, read_settings

IMAGE = "public.ecr.aws/nginx/nginx:alpine"  # listens on 80 by itself
GROUPS = {
    "balancer": "Load balancer, open to the internet",
    "service": "Containers, reached from the load balancer only",
    "database": "Aurora PostgreSQL, reached from the containers only",
}
FEWEST_TASKS, MOST_TASKS = 2, 6

settings = read_settings("webapp", cost_center="web", versions=POSTGRES_16, zones=2)
encryption = Encryption("encryption", settings)
groups = {
    "application": f"/ecs/{settings.name('application')}",
    "postgresql": cluster_log(settings),
    "insights": insights_log(settings),
}
logs = Logs("logs", settings, encryption.key, groups)

network = Network("network", settings, groups=GROUPS, users=["service"])
network.allow(("", "balancer", HTTP), ("balancer", "service", HTTP), ("service", "database", POSTGRES))

database = Database(
    "database",
    settings,
    subnets=network.private,
    security_group=network.firewall["database"],
    key=encryption.key,
    log_group=logs.groups["postgresql"],
)
balancer = Balancer("balancer", settings, network, Check(port=HTTP, path="/"))
service = Service(
    "service",
    settings,
    container=Container(
        image=pulumi.Config().get("image") or IMAGE,
        port=HTTP,
        environment={"DATABASE_HOST": database.cluster.endpoint, "DATABASE_NAME": database.database_name},
        secrets={
            "DATABASE_USER": pulumi.Output.concat(database.secret.arn, ":username::"),
            "DATABASE_PASSWORD": pulumi.Output.concat(database.secret.arn, ":password::"),
        },
    ),
    network=network,
    balancer=balancer,
    key=encryption.key,
    logs=logs,
    readable=[database.secret.arn],
    rollout=Rollout(tasks=FEWEST_TASKS, autoscaled=True),
    after=[database.version, database.writer],
)
Scaling("scaling", settings, service, fewest=FEWEST_TASKS, most=MOST_TASKS, follow={CPU: 60, MEMORY: 70})

network.export()
balancer.export()
service.export()
database.export()
pulumi.export("keyArn", encryption.key.arn)
pulumi.export("keyAlias", encryption.alias.name)
pulumi.export("logGroupNames", [group.name for group in logs.groups.values()])
