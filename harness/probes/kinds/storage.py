"""`s3-round-trip`: a bucket in; that what is put there comes back out. Nothing stays behind."""

from __future__ import annotations

import secrets
from typing import Any

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, kind
from harness.probes.model import ProbeFailure


class BucketKeys(Keys):
    """`s3-round-trip`."""

    bucket: str = Field(description="name of the bucket")
    prefix: str = Field(default="", description="what the object's key begins with")


@kind("s3-round-trip", "bucket")
def s3_round_trip(context: ProbeContext, keys: BucketKeys) -> str:
    """An object that is put into the bucket comes back as it was; it is removed again."""
    s3: Any = context.client("s3")
    body = secrets.token_hex(32).encode()
    key = f"{keys.prefix}harness-probe-{context.suffix}-{body[:8].decode()}"
    put = s3.put_object(Bucket=keys.bucket, Key=key, Body=body)
    version = {"VersionId": put["VersionId"]} if put.get("VersionId") else {}
    try:
        got = s3.get_object(Bucket=keys.bucket, Key=key)["Body"].read()
    finally:
        # By version, where there are any: a delete marker would keep the bucket from being deleted.
        s3.delete_object(Bucket=keys.bucket, Key=key, **version)
    if got != body:
        raise ProbeFailure(f"bucket {keys.bucket}: {len(body)} bytes were put, {len(got)} others came back")
    return f"bucket {keys.bucket}: {len(got)} bytes there and back"
