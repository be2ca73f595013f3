"""A repository that holds the image in; everything that runs it out, declared and exported."""

import pulumi
import pulumi_aws as aws
import pulumi_random as random
from parts.alarms import Alarms, balancer_measures, database_measures, service_measures
from parts.balancer import Balancer, Check
from parts.database import Database
from parts.encryption import Encryption
from parts.firewall import HTTP, POSTGRES
from parts.flows import Flows
from parts.logs import Logs, cluster_log, insights_log
from parts.network import Network
from parts.scaling import CPU, Scaling
from parts.service import Container, Rollout, Service
from parts.settings import Settings

PORT = 5000  # where app/ listens
GROUPS = {
    "balancer": "Load balancer, open to the internet",
    "service": "Flask containers, reached from the load balancer only",
    "database": "Aurora PostgreSQL, reached from the containers only",
    "endpoints": "Interface endpoints of AWS services",
}


def declare_api(settings: Settings, encryption: Encryption, repository: aws.ecr.Repository, tag: str) -> None:
    """Network, database, secrets, service, auto scaling, alarms."""
    groups = {
        "application": f"/ecs/{settings.name('application')}",
        "flows": f"/vpc/{settings.name('flows')}",
        "postgresql": cluster_log(settings),
        "insights": insights_log(settings),
    }
    logs = Logs("logs", settings, encryption.key, groups)
    network = Network(
        "network",
        settings,
        groups=GROUPS,
        endpoints=["ecr.api", "ecr.dkr", "logs", "secretsmanager"],
        users=["service"],
        data=True,
    )
    network.allow(("", "balancer", HTTP), ("balancer", "service", PORT), ("service", "database", POSTGRES))
    flows = Flows("flows", settings, network.vpc, logs.groups["flows"])
    database = Database(
        "database",
        settings,
        subnets=network.data,
        security_group=network.firewall["database"],
        key=encryption.key,
        log_group=logs.groups["postgresql"],
    )
    session = SessionKey("session", settings, encryption.key)
    balancer = Balancer("balancer", settings, network, Check(port=PORT, path="/health"))
    service = Service(
        "service",
        settings,
        container=Container(
            image=pulumi.Output.concat(repository.repository_url, ":", tag),
            port=PORT,
            environment={"DATABASE_HOST": database.cluster.endpoint, "DATABASE_NAME": database.database_name},
            secrets={
                "DATABASE_USER": pulumi.Output.concat(database.secret.arn, ":username::"),
                "DATABASE_PASSWORD": pulumi.Output.concat(database.secret.arn, ":password::"),
                "SECRET_KEY": session.secret.arn,
            },
            repository=repository,
        ),
        network=network,
        balancer=balancer,
        key=encryption.key,
        logs=logs,
        readable=[database.secret.arn, session.secret.arn],
        rollout=Rollout(tasks=2, grace=90, autoscaled=True),
        after=[database.version, database.writer, session.version],
    )
    Scaling("scaling", settings, service, fewest=2, most=4, follow={CPU: 60})
    alarms = Alarms(
        "alarms",
        settings,
        encryption.key,
        [
            *balancer_measures(balancer.balancer.arn_suffix, balancer.targets.arn_suffix),
            *service_measures(service.cluster.name, service.service.name),
            *database_measures(database.cluster.cluster_identifier),
        ],
    )

    network.export()
    balancer.export()
    service.export()
    database.export()
    alarms.export()
    pulumi.export("flowLogId", flows.log.id)
    pulumi.export("flowRoleArn", flows.role.arn)
    pulumi.export("flowLogGroupArn", logs.groups["flows"].arn)
    pulumi.export("sessionSecretArn", session.secret.arn)
    pulumi.export("logGroupNames", [group.name for group in logs.groups.values()])


class SessionKey(pulumi.ComponentResource):
    """The key that Flask signs its sessions with, drawn here and nowhere but in its secret."""

    def __init__(self, name: str, settings: Settings, key: aws.kms.Key) -> None:
        super().__init__("flask:index:SessionKey", name)
        own = pulumi.ResourceOptions(parent=self)
        drawn = random.RandomPassword(f"{name}-value", length=48, special=False, opts=own)
        self.secret = aws.secretsmanager.Secret(
            f"{name}-secret",
            name=settings.name("session"),
            description="Key of Flask's signed sessions",
            kms_key_id=key.arn,
            recovery_window_in_days=0,
            tags=settings.tags,
            opts=own,
        )
        self.version = aws.secretsmanager.SecretVersion(
            f"{name}-secret-version", secret_id=self.secret.id, secret_string=drawn.result, opts=own
        )
        self.register_outputs({"arn": self.secret.arn})
