"""What AWS answers to the probes of `payments`, when all is well and when it is not; out as cases."""

from __future__ import annotations

from typing import Any

from probe_answers import BLOCK, CLOSED, Bad, Case


def action(provider: str, **configuration: str) -> dict[str, Any]:
    """The only action of a stage."""
    return {"actionTypeId": {"provider": provider}, "configuration": configuration}


def pipeline(source: dict[str, Any]) -> dict[str, Any]:
    """CodePipeline's answer."""
    build, deploy = action("CodeBuild", ProjectName="build"), action("ECS", ClusterName="c", ServiceName="s")
    stages = {"Source": source, "Build": build, "Deploy": deploy}
    return {
        "pipeline": {
            "stages": [{"name": name, "actions": [one]} for name, one in stages.items()],
            "artifactStore": {"location": "bucket"},
        }
    }


DELIVERED = {
    "pipelineName": "p",
    "buildProject": "build",
    "artifactBucket": "bucket",
    "ecsCluster": "c",
    "ecsService": "s",
}
STAGES = ("answers", "codepipeline.get_pipeline", "pipeline", "stages")
PIPELINE: tuple[Bad, ...] = (
    ((*STAGES, 1, "actions", 0, "actionTypeId", "provider"), "Jenkins", "stages: {"),
    ((*STAGES, 2), {"name": "Approval", "actions": [action("Manual")]}, "stages: {"),
)


def passing(to: str = "ecs-tasks.amazonaws.com") -> dict[str, Any]:
    """The statement that lets the pipeline pass the service's roles to one of AWS's."""
    condition = {"StringEquals": {"iam:PassedToService": to}}
    return {"Action": ["iam:PassRole"], "Resource": ["arn:task", "arn:execution"], "Condition": condition}


def passes() -> dict[str, Any]:
    """IAM's answer."""
    return {"PolicyDocument": {"Statement": [{"Action": ["s3:GetObject"], "Resource": "*"}, passing()]}}


STATEMENTS = ("answers", "iam.get_role_policy", "PolicyDocument", "Statement")
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
            ((*STAGES, 2, "actions", 0, "configuration", "ClusterName"), "other", "it deploys to cluster other"),
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
        {"iam.list_role_policies": {"PolicyNames": ["policy"]}, "iam.get_role_policy": passes()},
        (
            (("answers", "iam.list_role_policies", "PolicyNames"), ["policy", "other"], "['policy', 'other']"),
            (("answers", "iam.list_role_policies", "PolicyNames"), [], "its policies: []"),
            ((*STATEMENTS, 0), passing(), "2 statements let it pass roles"),
            ((*STATEMENTS, 1), {"Action": ["s3:PutObject"]}, "0 statements let it pass roles"),
            ((*STATEMENTS, 1, "Resource"), ["*"], "it passes ['*']"),
            ((*STATEMENTS, 1, "Condition", "StringEquals"), {}, "it passes them to None"),
            ((*STATEMENTS, 1), passing("ec2.amazonaws.com"), "it passes them to ec2.amazonaws.com"),
        ),
        "2 roles, to ecs-tasks.amazonaws.com",
    ),
]

LOG = {"status": "ENABLED", "groupName": "/build"}
ENVIRONMENT = {"environmentVariables": [{"name": "GITHUB_TOKEN", "type": "SECRETS_MANAGER"}]}
BUILT = {"buildProject": "build", "logGroupNames": ["/application", "/build"]}
PROJECTS = ("answers", "codebuild.batch_get_projects", "projects")
STATE = "aws:codebuild/project:Project"
PAYMENTS += [
    Case(
        "payments",
        "build has the token by reference",
        BUILT,
        {"codebuild.batch_get_projects": {"projects": [{"name": "build", "environment": ENVIRONMENT}]}},
        (
            (PROJECTS, [], "there is no project build"),
            ((*PROJECTS, 0, "environment", "environmentVariables", 0, "type"), "PLAINTEXT", "is not a reference"),
            ((*PROJECTS, 0, "environment", "environmentVariables"), [], "the token is not a reference"),
        ),
        "build has the token by reference",
    ),
    Case(
        "payments",
        "build logs where logs expire",
        BUILT,
        {"codebuild.batch_get_projects": {"projects": [{"name": "build", "logsConfig": {"cloudWatchLogs": LOG}}]}},
        (
            ((*PROJECTS, 0, "logsConfig"), {}, "its log: {}"),
            ((*PROJECTS, 0, "logsConfig", "cloudWatchLogs", "status"), "DISABLED", "its log: {"),
            ((*PROJECTS, 0, "logsConfig", "cloudWatchLogs", "groupName"), "/other", "it logs to /other"),
        ),
        "to /build",
    ),
    Case(
        "payments",
        "build logs where logs expire",
        BUILT,
        {"codebuild.batch_get_projects": {"projects": [{"name": "build"}]}},
        (
            (("state",), {}, "the state has 0 projects"),
            (("state", STATE, "logsConfig"), None, "its log: {}"),
            (("state", STATE, "logsConfig", "cloudwatchLogs", "groupName"), "/other", "it logs to /other"),
        ),
        "as the state has it",
        state={STATE: {"logsConfig": {"cloudwatchLogs": LOG}}},
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
