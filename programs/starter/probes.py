"""What `up` made in, proof of what no declared probe looks at out: the bucket is private, the pet is named."""

# ruff: noqa: S101 - a probe says no by assert; the loader keeps asserts even under `python -O`

from harness.probes.registry import ProbeContext, ProbeFailure, probe


@probe("bucket is there and private")
def bucket_private(context: ProbeContext) -> dict[str, object]:
    """Every kind of public access is blocked."""
    bucket = context.outputs["bucketName"]
    s3 = context.client("s3")
    s3.head_bucket(Bucket=bucket)
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    open_ways = sorted(way for way, closed in blocked.items() if not closed)
    if open_ways or not blocked:
        raise ProbeFailure(f"bucket {bucket} can be made public", {"not blocked": open_ways})
    return {"bucket": bucket, "blocked": sorted(blocked)}


@probe("pet name carries the suffix")
def pet_name(context: ProbeContext) -> str:
    """The random name was drawn, behind the program's prefix."""
    name = context.outputs["petName"]
    assert name.startswith(f"starter-pet-{context.suffix}-"), f"the pet is called {name}"
    return str(name)
