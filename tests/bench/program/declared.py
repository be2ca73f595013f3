"""A number and a suffix in; that many resources declared."""

import pulumi
import pulumi_aws as aws

TAGS = {"Environment": "bench", "Project": "bench", "CostCenter": "none"}


def declare(size: int, suffix: str) -> None:
    """Five kinds in turn, none of which depends on another; `size` is 5 at least."""
    for number in range(size):
        name = f"bench-{number}-{suffix}"
        match number % 5:
            case 0:
                queue = aws.sqs.Queue(f"queue-{number}", name=name, tags=TAGS)
            case 1:
                aws.secretsmanager.Secret(f"secret-{number}", name=name, recovery_window_in_days=0, tags=TAGS)
            case 2:
                logs = aws.cloudwatch.LogGroup(f"logs-{number}", name=name, retention_in_days=7, tags=TAGS)
            case 3:
                aws.ssm.Parameter(f"parameter-{number}", name=f"/bench/{name}", type="String", value="v", tags=TAGS)
            case _:
                aws.s3.Bucket(f"bucket-{number}", bucket=name, force_destroy=True, tags=TAGS)
    pulumi.export("queueUrl", queue.url)
    pulumi.export("logGroup", logs.name)
