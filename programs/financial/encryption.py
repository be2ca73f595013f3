"""Settings in; the key that encrypts everything at rest, and log groups encrypted by it, out."""

import json

import pulumi
import pulumi_aws as aws
from settings import Settings

RETENTION_DAYS = 30
DELETION_DAYS = 7  # the shortest that KMS allows


class Encryption(pulumi.ComponentResource):
    """A customer-managed key with yearly rotation, and its alias."""

    def __init__(self, name: str, settings: Settings) -> None:
        super().__init__("financial:index:Encryption", name)
        own = pulumi.ResourceOptions(parent=self)
        self.key = aws.kms.Key(
            f"{name}-key",
            description=f"Everything at rest of {settings.name('platform')}",
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_DAYS,
            policy=key_policy(settings),
            tags=settings.tagged("key"),
            opts=own,
        )
        self.alias = aws.kms.Alias(
            f"{name}-alias", name=f"alias/{settings.name('key')}", target_key_id=self.key.key_id, opts=own
        )
        self.register_outputs({"keyArn": self.key.arn})


class Logs(pulumi.ComponentResource):
    """Log groups that expire: the application's, the audit trail, and the one that Aurora writes to."""

    def __init__(self, name: str, settings: Settings, key: aws.kms.Key) -> None:
        super().__init__("financial:index:Logs", name)
        groups = {
            "application": settings.name("application"),
            "audit": settings.name("audit"),
            # Aurora's own name for it; made by RDS it would never expire and outlive the stack.
            "postgresql": f"/aws/rds/cluster/{settings.name('cluster')}/postgresql",
        }
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


def key_policy(settings: Settings) -> str:
    """The account decides through IAM who may use the key; the logs service, for this account's log groups only."""
    account = aws.get_caller_identity().account_id
    partition = aws.get_partition()
    arn = f"arn:{partition.partition}"
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "AccountThroughIam",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"{arn}:iam::{account}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Sid": "LogsOfThisAccount",
                    "Effect": "Allow",
                    "Principal": {"Service": f"logs.{settings.region}.{partition.dns_suffix}"},
                    "Action": [
                        "kms:Encrypt*",
                        "kms:Decrypt*",
                        "kms:ReEncrypt*",
                        "kms:GenerateDataKey*",
                        "kms:Describe*",
                    ],
                    "Resource": "*",
                    "Condition": {
                        "ArnLike": {
                            "kms:EncryptionContext:aws:logs:arn": f"{arn}:logs:{settings.region}:{account}:log-group:*"
                        }
                    },
                },
            ],
        }
    )
