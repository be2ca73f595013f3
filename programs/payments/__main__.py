"""Configuration in; a container service and the pipeline that delivers it out.

Names are `payments-{resource}-{suffix}`. With `stage` = `service` the pipeline is left for later.
"""

import prerequisites
import pulumi
from delivery import Delivery
from parts.balancer import Balancer, Check
from parts.encryption import Encryption
from parts.firewall import HTTP
from parts.flows import Flows
from parts.logs import Logs, insights_log
from parts.network import Network
from parts.registry import Registry
from parts.service import Container, Rollout, Service
from parts.settings import read_settings

IMAGE = "public.ecr.aws/nginx/nginx:alpine"  # until the pipeline has built another; listens on 80 by itself
GROUPS = {
    "balancer": "Load balancer, open to the internet",
    "service": "Containers, reached from the load balancer only",
}
SERVICE_STAGE = "service"

config = pulumi.Config()
stage = config.get("stage")
if stage not in {None, "", SERVICE_STAGE}:
    raise pulumi.RunError(f"stage is {stage!r}; it is {SERVICE_STAGE!r}, or left out for everything.")

settings = read_settings("payments", cost_center="payments")
connection, keys = prerequisites.find("db-connection")
encryption = Encryption("encryption", settings)
groups = {
    "application": f"/ecs/{settings.name('application')}",
    "flows": f"/vpc/{settings.name('flows')}",
    "build": f"/aws/codebuild/{settings.name('build')}",
    "insights": insights_log(settings),
}
logs = Logs("logs", settings, encryption.key, groups)

network = Network("network", settings, groups=GROUPS, users=["service"], data=True)
network.allow(("", "balancer", HTTP), ("balancer", "service", HTTP))
flows = Flows("flows", settings, network.vpc, logs.groups["flows"])

registry = Registry("registry", settings, encryption.key)
balancer = Balancer("balancer", settings, network, Check(port=HTTP, path="/"))
service = Service(
    "service",
    settings,
    container=Container(
        image=config.get("image") or IMAGE,
        port=HTTP,
        secrets={"DB_CONNECTION": connection},
        repository=registry.repository,  # the pipeline's images come from there
    ),
    network=network,
    balancer=balancer,
    key=encryption.key,
    logs=logs,
    readable=[connection],
    keys=keys,
    rollout=Rollout(tasks=1, grace=120, delivered=True),
)

network.export()
balancer.export()
service.export()
pulumi.export("flowLogId", flows.log.id)
pulumi.export("flowRoleArn", flows.role.arn)
pulumi.export("flowLogGroupArn", logs.groups["flows"].arn)
pulumi.export("repositoryName", registry.repository.name)
pulumi.export("repositoryArn", registry.repository.arn)
pulumi.export("repositoryUrl", registry.repository.repository_url)
pulumi.export("keyArn", encryption.key.arn)
pulumi.export("keyAlias", encryption.alias.name)
pulumi.export("logGroupNames", [group.name for group in logs.groups.values()])
pulumi.export("buildLogGroupArn", logs.groups["build"].arn)
pulumi.export("connectionSecretArn", connection)

if stage != SERVICE_STAGE:
    Delivery(
        "delivery",
        settings,
        registry=registry,
        service=service,
        key=encryption.key,
        log_group=logs.groups["build"],
    ).export()
