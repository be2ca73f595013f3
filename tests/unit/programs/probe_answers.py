"""A function of a system's `probes.py` in, what AWS answers to it when all is well and when it is not, out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mocked_programs import SUFFIX

Bad = tuple[tuple[Any, ...], object, str]
"""Where something else is laid down (a path from `outputs` or `answers`), what, and the words that refuse it."""


@dataclass(frozen=True)
class Case:
    """A healthy world of one probe: the stack's outputs, answers by `service.operation`; and what breaks it."""

    program: str
    probe: str
    outputs: Mapping[str, Any]
    answers: Mapping[str, Any] = field(default_factory=dict)
    bad: tuple[Bad, ...] = ()
    evidence: str = ""
    emulator: bool = False


def lifecycle(*counts: int) -> dict[str, str]:
    """ECR's answer."""
    rules = [{"selection": {"countNumber": count}} for count in counts]
    return {"lifecyclePolicyText": json.dumps({"rules": rules})}


FINANCIAL = [
    Case(
        "financial",
        "registry keeps ten images",
        {"repositoryName": "r"},
        {"ecr.get_lifecycle_policy": lifecycle(10)},
        (
            (("answers", "ecr.get_lifecycle_policy"), lifecycle(9), "images kept: [9]"),
            (("answers", "ecr.get_lifecycle_policy"), lifecycle(10, 10), "images kept: [10, 10]"),
            (("answers", "ecr.get_lifecycle_policy"), lifecycle(), "images kept: []"),
        ),
        "r keeps 10",
    )
]

CLOSED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
BLOCK = ("answers", "s3.get_public_access_block", "PublicAccessBlockConfiguration")
STARTER = [
    Case(
        "starter",
        "bucket is there and private",
        {"bucketName": "b"},
        {"s3.head_bucket": {}, "s3.get_public_access_block": {"PublicAccessBlockConfiguration": CLOSED}},
        (
            ((*BLOCK, "BlockPublicPolicy"), False, "bucket b can be made public"),
            (BLOCK, {}, "bucket b can be made public"),
        ),
        "BlockPublicAcls",
    ),
    Case(
        "starter",
        "pet name carries the suffix",
        {"petName": f"starter-pet-{SUFFIX}-sure-gull"},
        bad=((("outputs", "petName"), "starter-pet-other-sure-gull", "called starter-pet-other-sure-gull"),),
        evidence="sure-gull",
    ),
]


def action(provider: str, **configuration: str) -> dict[str, Any]:
    """The only action of a stage."""
    return {"actionTypeId": {"provider": provider}, "configuration": configuration}


def pipeline(source: dict[str, Any]) -> dict[str, Any]:
    """CodePipeline's answer."""
    build, deploy = action("CodeBuild", ProjectName="build"), action("ECS", ServiceName="service")
    stages = {"Source": source, "Build": build, "Deploy": deploy}
    return {
        "pipeline": {
            "stages": [{"name": name, "actions": [one]} for name, one in stages.items()],
            "artifactStore": {"location": "bucket"},
        }
    }


DELIVERED = {"pipelineName": "p", "buildProject": "build", "ecsService": "service", "artifactBucket": "bucket"}
STAGES = ("answers", "codepipeline.get_pipeline", "pipeline", "stages")
PIPELINE: tuple[Bad, ...] = (
    ((*STAGES, 1, "actions", 0, "actionTypeId", "provider"), "Jenkins", "stages: {"),
    ((*STAGES, 2), {"name": "Approval", "actions": [action("Manual")]}, "stages: {"),
)
PAYMENTS = [
    Case(
        "payments",
        "pipeline goes from source over build to deployment",
        DELIVERED,
        {"codepipeline.get_pipeline": pipeline(action("GitHub", PollForSourceChanges="false"))},
        (
            *PIPELINE,
            ((*STAGES, 0, "actions", 0, "configuration", "PollForSourceChanges"), "true", "a push would start"),
            ((*STAGES, 1, "actions", 0, "configuration", "ProjectName"), "other", ""),
            ((*STAGES, 2, "actions", 0, "configuration", "ServiceName"), "other", "it deploys to other"),
            (("answers", "codepipeline.get_pipeline", "pipeline", "artifactStore", "location"), "other", ""),
        ),
        "GitHub → CodeBuild → ECS",
    ),
    Case(
        "payments",
        "pipeline goes from source over build to deployment",
        DELIVERED,
        {"codepipeline.get_pipeline": pipeline(action("CodeStarSourceConnection", DetectChanges="false"))},
        (
            *PIPELINE,
            ((*STAGES, 0, "actions", 0, "configuration", "DetectChanges"), "true", "a push would start"),
        ),
        "CodeStarSourceConnection → CodeBuild → ECS",
    ),
    Case(
        "payments",
        "pipeline may pass the roles of the service, to ECS only",
        {"pipelineRoleArn": "arn:role/pipeline", "executionRoleArn": "arn:execution", "taskRoleArn": "arn:task"},
        {
            "iam.list_role_policies": {"PolicyNames": ["policy"]},
            "iam.get_role_policy": {
                "PolicyDocument": {
                    "Statement": [
                        {"Action": ["s3:GetObject"], "Resource": "*"},
                        {
                            "Action": ["iam:PassRole"],
                            "Resource": ["arn:task", "arn:execution"],
                            "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
                        },
                    ]
                }
            },
        },
        (
            (
                ("answers", "iam.get_role_policy", "PolicyDocument", "Statement", 1, "Resource"),
                ["*"],
                "it passes ['*']",
            ),
            (
                ("answers", "iam.get_role_policy", "PolicyDocument", "Statement", 1, "Condition", "StringEquals"),
                {"iam:PassedToService": "ec2.amazonaws.com"},
                "it passes them to ec2.amazonaws.com",
            ),
        ),
        "2 roles, to ecs-tasks.amazonaws.com",
    ),
]

BUILD = {
    "environment": {"environmentVariables": [{"name": "GITHUB_TOKEN", "type": "SECRETS_MANAGER"}]},
    "logsConfig": {"cloudWatchLogs": {"groupName": "/build"}},
}
PROJECT = ("answers", "codebuild.batch_get_projects", "projects", 0)
TOKEN: Bad = ((*PROJECT, "environment", "environmentVariables", 0, "type"), "PLAINTEXT", "the token is not a reference")
PAYMENTS += [
    Case(
        "payments",
        "build logs where logs expire, with the token by reference",
        {"buildProject": "build", "logGroupNames": ["/application", "/build"]},
        {"codebuild.batch_get_projects": {"projects": [BUILD]}},
        (
            TOKEN,
            ((*PROJECT, "environment", "environmentVariables"), [], "the token is not a reference"),
            ((*PROJECT, "logsConfig", "cloudWatchLogs", "groupName"), "/aws/codebuild/build", "it logs to /aws/codeb"),
        ),
        "build logs to /build",
    ),
    Case(
        "payments",
        "build logs where logs expire, with the token by reference",
        {"buildProject": "build", "logGroupNames": ["/application", "/build"]},
        {"codebuild.batch_get_projects": {"projects": [{"environment": BUILD["environment"]}]}},
        (TOKEN,),
        "this emulator does not tell where it logs",
        emulator=True,
    ),
    Case(
        "payments",
        "artefact bucket keeps versions and is closed",
        {"artifactBucket": "b"},
        {
            "s3.get_bucket_versioning": {"Status": "Enabled"},
            "s3.get_public_access_block": {"PublicAccessBlockConfiguration": CLOSED},
        },
        (
            (("answers", "s3.get_bucket_versioning"), {}, "no versions"),
            (("answers", "s3.get_bucket_versioning", "Status"), "Suspended", "no versions"),
            ((*BLOCK, "BlockPublicAcls"), False, "open: {"),
        ),
        "b is versioned and closed",
    ),
]


def gateways(*subnets: str, state: str = "available") -> dict[str, Any]:
    """EC2's answer."""
    return {"NatGateways": [{"SubnetId": one, "State": state} for one in subnets]}


def redrive(arn: str) -> list[dict[str, Any]]:
    """SQS's two answers: where dead letters go, and the ARN of that queue."""
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    return [{"Attributes": {"RedrivePolicy": policy}}, {"Attributes": {"QueueArn": "arn:dead"}}]


def admitted(**effects: str) -> dict[str, str]:
    """S3's answer: the effect of each statement."""
    return {"Policy": json.dumps({"Statement": [{"Sid": sid, "Effect": one} for sid, one in effects.items()]})}


PLATFORM = [
    Case(
        "platform",
        "every zone has a NAT gateway of its own",
        {"natGatewayIds": ["nat-1", "nat-2"], "publicSubnetIds": ["a", "b"]},
        {"ec2.describe_nat_gateways": gateways("a", "b")},
        (
            (("answers", "ec2.describe_nat_gateways"), gateways("a", "a"), "NAT gateways stand in ['a']"),
            (("answers", "ec2.describe_nat_gateways"), gateways("a", "b", state="failed"), "NAT gateways stand in []"),
        ),
        "2 NAT gateways",
    ),
    Case(
        "platform",
        "dead letters have a queue",
        {"queueUrl": "https://queue", "deadLetterQueueUrl": "https://dead"},
        {"sqs.get_queue_attributes": redrive("arn:dead")},
        ((("answers", "sqs.get_queue_attributes"), redrive("arn:other"), "dead letters: {"),),
        "after 5 tries",
    ),
    Case(
        "platform",
        "access logs may be written by load balancers only",
        {"accessLogBucket": "b"},
        {"s3.get_bucket_policy": admitted(LoadBalancersOfThisAccount="Allow", OnlyByTls="Deny")},
        (
            (("answers", "s3.get_bucket_policy"), admitted(LoadBalancersOfThisAccount="Allow"), "statements: {"),
            (("answers", "s3.get_bucket_policy"), admitted(Everybody="Allow", OnlyByTls="Deny"), "statements: {"),
        ),
        "plain HTTP refused",
    ),
]
CASES = [*FINANCIAL, *STARTER, *PAYMENTS, *PLATFORM]
