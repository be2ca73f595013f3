"""Settings in; where logs of every part go, and the bucket of the balancer's access logs, out."""

import json

import pulumi
import pulumi_aws as aws
from parts.logs import RETENTION_DAYS, cluster_log, insights_log
from parts.settings import Settings


def log_groups(settings: Settings) -> dict[str, str]:
    """Names of the log groups, by who writes."""
    return {
        "application": f"/ecs/{settings.name('application')}",
        "insights": insights_log(settings),
        "flows": f"/vpc/{settings.name('flows')}",
        "postgresql": cluster_log(settings),
        "redis-slow": f"/redis/{settings.name('slow')}",
        "redis-engine": f"/redis/{settings.name('engine')}",
    }


class AccessLogs(pulumi.ComponentResource):
    """A private bucket that load balancers may write to; S3's own encryption, for they take no key of ours."""

    def __init__(self, name: str, settings: Settings) -> None:
        super().__init__("platform:index:AccessLogs", name)
        own = pulumi.ResourceOptions(parent=self)
        self.bucket = aws.s3.Bucket(
            f"{name}-bucket",
            bucket=settings.name(f"access-{settings.account}"),  # names are the world's
            force_destroy=True,
            tags=settings.tags,
            opts=own,
        )
        private = aws.s3.BucketPublicAccessBlock(
            f"{name}-private",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=own,
        )
        encrypted = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="AES256"
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=self.bucket.id,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=encrypted
                )
            ],
            opts=own,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=self.bucket.id,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="expire",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix="alb/"),
                    expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=RETENTION_DAYS),
                )
            ],
            opts=own,
        )
        self.policy = aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=self.bucket.id,
            policy=self.bucket.arn.apply(lambda arn: _policy(settings, arn)),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[private]),
        )
        self.register_outputs({"name": self.bucket.bucket})


def _policy(settings: Settings, arn: str) -> str:
    """Load balancers of this account may write; nobody speaks to it without TLS."""
    write = {
        "Sid": "LoadBalancersOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"{arn}/alb/AWSLogs/{settings.account}/*",
    }
    tls = {
        "Sid": "OnlyByTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [write, tls]})
