"""Settings in; a key that encrypts what is at rest, for the services that may use it, out."""

import json
from collections.abc import Iterable
from typing import Any

import pulumi
import pulumi_aws as aws

from parts.settings import Settings

DELETION_DAYS = 7  # the shortest that KMS allows
_USE = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]


class Encryption(pulumi.ComponentResource):
    """A customer-managed key with yearly rotation, and its alias.

    The account decides through IAM who may use it; the logs service may, for this account's log groups only, and so may
    the `services` that act by themselves (such as `cloudwatch`), for this account only.
    """

    def __init__(
        self, name: str, settings: Settings, *, purpose: str = "", what: str = "", services: Iterable[str] = ()
    ) -> None:
        super().__init__("parts:index:Encryption", name)
        own = pulumi.ResourceOptions(parent=self)
        called = f"{purpose}-key" if purpose else "key"
        self.key = aws.kms.Key(
            f"{name}-key",
            description=what or f"Everything at rest of {settings.name('platform')}",
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_DAYS,
            policy=key_policy(settings, services),
            tags=settings.tagged(called),
            opts=own,
        )
        self.alias = aws.kms.Alias(
            f"{name}-alias", name=f"alias/{settings.name(called)}", target_key_id=self.key.key_id, opts=own
        )
        self.register_outputs({"keyArn": self.key.arn})


def key_policy(settings: Settings, services: Iterable[str] = ()) -> str:
    """The account through IAM; the logs service for log groups of this account; further services for this account."""
    context = f"arn:{settings.partition}:logs:{settings.region}:{settings.account}:log-group:*"
    statements: list[dict[str, Any]] = [
        {
            "Sid": "AccountThroughIam",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{settings.partition}:iam::{settings.account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "LogsOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{settings.region}.{settings.dns_suffix}"},
            "Action": _USE,
            "Resource": "*",
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": context}},
        },
    ]
    statements += [
        {
            "Sid": f"{service.title()}OfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": settings.account}},
        }
        for service in services
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
