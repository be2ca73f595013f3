"""Settings, a key and names in; log groups that expire and are encrypted by it, out."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from parts.settings import Settings

RETENTION_DAYS = 30


class Logs(pulumi.ComponentResource):
    """Log groups by their purpose. What a service would make by itself would never expire, and outlive the stack."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        key: aws.kms.Key,
        groups: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("parts:index:Logs", name, opts=opts)
        self.groups = {
            purpose: aws.cloudwatch.LogGroup(
                f"{name}-{purpose}",
                name=group,
                retention_in_days=RETENTION_DAYS,
                kms_key_id=key.arn,
                tags=settings.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for purpose, group in groups.items()
        }
        self.register_outputs({"names": [group.name for group in self.groups.values()]})


def insights_log(settings: Settings) -> str:
    """The name under which ECS would make one for the cluster's Container Insights by itself."""
    return f"/aws/ecs/containerinsights/{settings.name('ecs')}/performance"


def cluster_log(settings: Settings, cluster: str = "cluster") -> str:
    """Aurora's own name for the log of a cluster."""
    return f"/aws/rds/cluster/{settings.name(cluster)}/postgresql"
