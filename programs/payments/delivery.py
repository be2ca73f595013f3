"""A registry and a service in; the pipeline that builds images for the one and rolls them out to the other, out."""

import json
from typing import Any

import prerequisites
import pulumi
import pulumi_aws as aws
from parts.registry import Registry
from parts.roles import Role, role
from parts.service import ECR_PULL, Service
from parts.settings import Settings

BUILD_MINUTES = 20
ECR_PUSH = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"]
BUILD_SPEC = {
    "version": 0.2,
    "phases": {
        "pre_build": {
            "commands": [
                "aws ecr get-login-password | docker login --username AWS --password-stdin ${REPOSITORY_URL%%/*}",
            ]
        },
        "build": {
            "commands": [
                "TAG=$(echo $CODEBUILD_RESOLVED_SOURCE_VERSION | cut -c1-12)",
                "docker build --tag $REPOSITORY_URL:$TAG .",
                "docker push $REPOSITORY_URL:$TAG",
            ]
        },
        "post_build": {
            "commands": [
                'printf \'[{"name":"app","imageUri":"%s"}]\' $REPOSITORY_URL:$TAG > imagedefinitions.json',
            ]
        },
    },
    "artifacts": {"files": ["imagedefinitions.json"]},
}


class Delivery(pulumi.ComponentResource):
    """Source (trigger off), build, deploy.

    CodePipeline starts one execution as soon as the pipeline is there, whatever its trigger says; it fails where the
    repository is not there. Further releases are started by hand.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        registry: Registry,
        service: Service,
        key: aws.kms.Key,
        log_group: aws.cloudwatch.LogGroup,
    ) -> None:
        super().__init__("payments:index:Delivery", name)
        self._name, self._settings, self._key = name, settings, key
        self._own = pulumi.ResourceOptions(parent=self)
        self.token, self._token_keys = prerequisites.find("github-token")
        self.bucket = self._bucket()
        self.build_role = self._build_role(registry, log_group)
        self.project = self._project(registry, log_group)
        self.role = self._pipeline_role(service)
        self.pipeline = self._pipeline(service)
        self.register_outputs({"pipeline": self.pipeline.name})

    def export(self) -> None:
        """Export pipeline, build and artefacts, as outputs of the stack."""
        pulumi.export("pipelineName", self.pipeline.name)
        pulumi.export("pipelineRoleArn", self.role.arn)
        pulumi.export("buildProject", self.project.name)
        pulumi.export("buildProjectArn", self.project.arn)
        pulumi.export("buildRoleArn", self.build_role.arn)
        pulumi.export("artifactBucket", self.bucket.bucket)
        pulumi.export("artifactBucketArn", self.bucket.arn)
        pulumi.export("tokenSecretArn", self.token)

    def _bucket(self) -> aws.s3.Bucket:
        """Artefacts: versioned, as CodePipeline asks for; emptied and deleted with the stack."""
        name, own = self._name, self._own
        bucket = aws.s3.Bucket(
            f"{name}-artifacts",
            bucket=self._settings.name(f"artifacts-{self._settings.account}"),  # names are the world's
            force_destroy=True,
            tags=self._settings.tags,
            opts=own,
        )
        aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.id,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=own,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.id,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms", kms_master_key_id=self._key.arn
                    ),
                    bucket_key_enabled=True,
                )
            ],
            opts=own,
        )
        aws.s3.BucketPublicAccessBlock(
            f"{name}-private",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=own,
        )
        return bucket

    def _role(self, purpose: str, service: str, statements: list[dict[str, Any]]) -> Role:
        return role(
            f"{self._name}-{purpose}",
            self._settings,
            called=purpose,
            service=f"{service}.amazonaws.com",
            statements=[*self._artifact_statements(), *statements],
            opts=self._own,
        )

    def _artifact_statements(self) -> list[dict[str, Any]]:
        """What build and pipeline both do: hand over artefacts, which are encrypted."""
        return [
            {
                "Sid": "Artifacts",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
                "Resource": [pulumi.Output.concat(self.bucket.arn, "/*")],
            },
            {
                "Sid": "Bucket",
                "Effect": "Allow",
                "Action": ["s3:GetBucketVersioning", "s3:ListBucket"],
                "Resource": [self.bucket.arn],
            },
            {
                "Sid": "Key",
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                "Resource": [self._key.arn],
            },
        ]

    def _build_role(self, registry: Registry, log_group: aws.cloudwatch.LogGroup) -> Role:
        statements: list[dict[str, Any]] = [
            {
                "Sid": "WriteLog",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": [log_group.arn, pulumi.Output.concat(log_group.arn, ":*")],
            },
            {"Sid": "Registry", "Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"},
            {
                "Sid": "Push",
                "Effect": "Allow",
                "Action": [*ECR_PULL, *ECR_PUSH],
                "Resource": [registry.repository.arn],
            },
            {
                "Sid": "ReadToken",
                "Effect": "Allow",
                "Action": ["secretsmanager:GetSecretValue"],
                "Resource": [self.token],
            },
        ]
        if self._token_keys:
            decrypt = {
                "Sid": "DecryptToken",
                "Effect": "Allow",
                "Action": ["kms:Decrypt"],
                "Resource": self._token_keys,
            }
            statements.append(decrypt)
        return self._role("build", "codebuild", statements)

    def _project(self, registry: Registry, log_group: aws.cloudwatch.LogGroup) -> aws.codebuild.Project:
        environment = [
            aws.codebuild.ProjectEnvironmentEnvironmentVariableArgs(
                name="REPOSITORY_URL", value=registry.repository.repository_url
            ),
            aws.codebuild.ProjectEnvironmentEnvironmentVariableArgs(
                name="GITHUB_TOKEN", value=self.token, type="SECRETS_MANAGER"
            ),
        ]
        return aws.codebuild.Project(
            f"{self._name}-project",
            name=self._settings.name("build"),
            description="Builds the container image and pushes it",
            service_role=self.build_role.arn,
            build_timeout=BUILD_MINUTES,
            encryption_key=self._key.arn,
            artifacts=aws.codebuild.ProjectArtifactsArgs(type="CODEPIPELINE"),
            environment=aws.codebuild.ProjectEnvironmentArgs(
                compute_type="BUILD_GENERAL1_SMALL",
                image="aws/codebuild/standard:7.0",
                type="LINUX_CONTAINER",
                privileged_mode=True,  # docker in the build
                environment_variables=environment,
            ),
            source=aws.codebuild.ProjectSourceArgs(type="CODEPIPELINE", buildspec=json.dumps(BUILD_SPEC)),
            logs_config=aws.codebuild.ProjectLogsConfigArgs(
                cloudwatch_logs=aws.codebuild.ProjectLogsConfigCloudwatchLogsArgs(
                    status="ENABLED", group_name=log_group.name, stream_name="build"
                )
            ),
            tags=self._settings.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=self.build_role.granted),
        )

    def _pipeline_role(self, service: Service) -> Role:
        statements: list[dict[str, Any]] = [
            {
                "Sid": "Build",
                "Effect": "Allow",
                "Action": ["codebuild:StartBuild", "codebuild:BatchGetBuilds"],
                "Resource": [self.project.arn],
            },
            {
                "Sid": "Deploy",
                "Effect": "Allow",
                "Action": [
                    *("ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:DescribeTasks", "ecs:ListTasks"),
                    *("ecs:RegisterTaskDefinition", "ecs:TagResource", "ecs:UpdateService"),
                ],
                "Resource": "*",  # a task definition that is yet to be registered has no ARN
            },
            {
                "Sid": "PassRoles",
                "Effect": "Allow",
                "Action": ["iam:PassRole"],
                "Resource": [service.execution.arn, service.task.arn],
                "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            },
        ]
        connection = pulumi.Config().get("connectionArn")
        if connection:
            statements.append(
                {
                    "Sid": "Connection",
                    "Effect": "Allow",
                    # The service has two names; an action counts for ARNs of its own name only.
                    "Action": ["codeconnections:UseConnection", "codestar-connections:UseConnection"],
                    "Resource": [connection],
                }
            )
        return self._role("pipeline", "codepipeline", statements)

    def _source(self) -> aws.codepipeline.PipelineStageActionArgs:
        """Owner, repository and branch are configuration; a push starts nothing. By token, or by a connection."""
        config = pulumi.Config()
        owner, repository = config.get("owner") or "example", config.get("repository") or "payments-service"
        branch = config.get("branch") or "main"
        connection = config.get("connectionArn")
        if connection:
            return self._action(
                "Source",
                "AWS/CodeStarSourceConnection",
                {
                    "ConnectionArn": connection,
                    "FullRepositoryId": f"{owner}/{repository}",
                    "BranchName": branch,
                    "DetectChanges": "false",
                },
                gives="source_output",
            )
        token = aws.secretsmanager.get_secret_version_output(secret_id=self.token).secret_string
        return self._action(
            "Source",
            "ThirdParty/GitHub",
            {
                "Owner": owner,
                "Repo": repository,
                "Branch": branch,
                "OAuthToken": pulumi.Output.secret(token),
                "PollForSourceChanges": "false",
            },
            gives="source_output",
        )

    def _pipeline(self, service: Service) -> aws.codepipeline.Pipeline:
        build = self._action(
            "Build", "AWS/CodeBuild", {"ProjectName": self.project.name}, takes="source_output", gives="build_output"
        )
        deploy = self._action(
            "Deploy",
            "AWS/ECS",
            {
                "ClusterName": service.cluster.name,
                "ServiceName": service.service.name,
                "FileName": "imagedefinitions.json",
            },
            takes="build_output",
        )
        return aws.codepipeline.Pipeline(
            f"{self._name}-pipeline",
            name=self._settings.name("pipeline"),
            role_arn=self.role.arn,
            artifact_stores=[
                aws.codepipeline.PipelineArtifactStoreArgs(
                    location=self.bucket.bucket,
                    type="S3",
                    # Without it CodePipeline writes with S3's default key, whatever the bucket says.
                    encryption_key=aws.codepipeline.PipelineArtifactStoreEncryptionKeyArgs(
                        id=self._key.arn, type="KMS"
                    ),
                )
            ],
            stages=[
                aws.codepipeline.PipelineStageArgs(name=stage, actions=[action])
                for stage, action in (("Source", self._source()), ("Build", build), ("Deploy", deploy))
            ],
            tags=self._settings.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=self.role.granted),
        )

    @staticmethod
    def _action(
        category: str,
        provider: str,
        configuration: dict[str, pulumi.Input[str]],
        *,
        takes: str = "",
        gives: str = "",
    ) -> aws.codepipeline.PipelineStageActionArgs:
        """An action that fills its stage; `provider` is OWNER/NAME, `takes` and `gives` are artefacts."""
        owner, _, name = provider.partition("/")
        return aws.codepipeline.PipelineStageActionArgs(
            name=category,
            category=category,
            owner=owner,
            provider=name,
            version="1",
            run_order=1,
            input_artifacts=[takes] if takes else None,
            output_artifacts=[gives] if gives else None,
            configuration=configuration,
        )
