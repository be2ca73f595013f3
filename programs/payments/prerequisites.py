"""Name of a secret that was there before in; its ARN out. It has no suffix, and is not ours to delete."""

import pulumi_aws as aws


def find(name: str) -> str:
    """The whole ARN: a role that may read `secret:NAME` without its six random characters may read nothing."""
    return aws.secretsmanager.get_secret(name=name).arn
