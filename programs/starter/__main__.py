"""Configuration in; a bucket, a queue and a pet name out. All names carry the suffix."""

import os

import pulumi
import pulumi_aws as aws
import pulumi_random as random

config = pulumi.Config()
suffix = config.get("environmentSuffix") or os.environ.get("ENVIRONMENT_SUFFIX")
if not suffix:
    raise pulumi.RunError(
        "no environment suffix: every name needs one. Say `pulumi config set environmentSuffix dev-1`, "
        "or set ENVIRONMENT_SUFFIX."
    )

tags = {
    "Environment": config.get("environment") or "test",
    "Project": "starter",
    "CostCenter": config.get("costCenter") or "engineering",
}

pet = random.RandomPet("pet", prefix=f"starter-pet-{suffix}", length=2)

bucket = aws.s3.Bucket(
    "bucket",
    bucket=f"starter-bucket-{suffix}",
    force_destroy=True,  # what was put in meanwhile must not block destroy
    tags=tags,
)
aws.s3.BucketPublicAccessBlock(
    "bucket-private",
    bucket=bucket.id,
    block_public_acls=True,
    block_public_policy=True,
    ignore_public_acls=True,
    restrict_public_buckets=True,
)

queue = aws.sqs.Queue(
    "queue",
    name=f"starter-queue-{suffix}",
    message_retention_seconds=3600,  # nobody reads an ephemeral queue an hour later
    sqs_managed_sse_enabled=True,
    tags=tags,
)

pulumi.export("bucketName", bucket.bucket)
pulumi.export("queueUrl", queue.url)
pulumi.export("petName", pet.id)
