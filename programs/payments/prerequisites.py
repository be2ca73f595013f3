"""Name of a secret that was there before in; where it is out. It has no suffix, and is not ours to delete."""

from dataclasses import dataclass

import pulumi_aws as aws


@dataclass(frozen=True)
class Secret:
    """Whole ARN: a role that may read `secret:NAME` without its six random characters may read nothing."""

    arn: str
    keys: list[str]
    """ARNs of the key that it is under, which its readers must be allowed to use; none where that is AWS's own."""


def find(name: str) -> Secret:
    """Ask for it. What it is under may be told by id or alias, which no policy understands."""
    found = aws.secretsmanager.get_secret(name=name)
    keys = [aws.kms.get_key(key_id=found.kms_key_id).arn] if found.kms_key_id else []
    return Secret(found.arn, keys)
