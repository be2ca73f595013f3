"""The key that something is under, by any of its names, and the one that is wanted in; whether they differ out."""

from __future__ import annotations

from harness.probes.context import ProbeContext


def not_under(context: ProbeContext, seen: str | None, wanted: str, region: str | None = None) -> str:
    """`is under …, wanted …`; empty where both are the same key.

    Raises:
        ClientError: there is no such key as the wanted one.
    """
    if not seen:
        return f"is under no key of ours, wanted {wanted}"
    if seen == wanted:
        return ""
    found, ours = _arn(context, seen, region), _described(context, wanted, region)
    return "" if found == ours else f"is under {found}, wanted {ours}"


def _arn(context: ProbeContext, key: str, region: str | None) -> str:
    """A key of somebody else cannot be asked about, nor one that is gone: such are told as they are called."""
    from botocore.exceptions import ClientError

    try:
        return _described(context, key, region)
    except ClientError:
        return key


def _described(context: ProbeContext, key: str, region: str | None) -> str:
    arn: str = context.client("kms", region).describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    return arn
