"""Configuration in; six chains of queues, buckets, groups and secrets out, made over some seconds: much to cut into."""

import time

import pulumi
import pulumi_aws as aws

suffix = pulumi.Config().require("environmentSuffix")
CHAINS = 6
PAUSE = 0.15  # seconds between two links of a chain, so that creates go on for a while


def after(resource: pulumi.CustomResource) -> pulumi.Output[str]:
    """Something that is known a while after the resource exists."""

    def wait(_: str) -> str:
        if not pulumi.runtime.is_dry_run():
            time.sleep(PAUSE)
        return suffix

    return resource.id.apply(wait)


for number in range(CHAINS):
    name = f"slow-{number}"
    bucket = aws.s3.Bucket(name, bucket=f"{name}-{suffix}", force_destroy=True)
    queue = aws.sqs.Queue(name, name=after(bucket).apply(lambda text, name=name: f"{name}-{text}"))
    group = aws.cloudwatch.LogGroup(
        name, name=after(queue).apply(lambda text, name=name: f"/{name}/{text}"), retention_in_days=1
    )
    secret = aws.secretsmanager.Secret(
        name,
        name=after(group).apply(lambda text, name=name: f"{name}-{text}"),
        recovery_window_in_days=0,
    )
    aws.secretsmanager.SecretVersion(
        name, secret_id=secret.id, secret_string=after(secret).apply(lambda text: f"word of {text}")
    )

pulumi.export("chains", CHAINS)
