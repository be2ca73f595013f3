"""Name of a secret that was there before in; where it is, and under which key, out. It is not ours to delete."""

import pulumi_aws as aws


def find(name: str) -> tuple[str, list[str]]:
    """ARN of the secret, and of the key that it is under, unless that is AWS's own.

    The whole ARN: a role that may read `secret:NAME` without its six random characters may read nothing. And AWS tells
    the key by id or alias, which no policy understands.
    """
    found = aws.secretsmanager.get_secret(name=name)
    return found.arn, [aws.kms.get_key(key_id=found.kms_key_id).arn] if found.kms_key_id else []
