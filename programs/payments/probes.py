"""What `up` made in, proof of what no declared probe looks at out: the pipeline, its build, and what lies between."""

# ruff: noqa: S101 - a probe says no by assert; the loader keeps asserts even under `python -O`

from harness.probes.registry import ProbeContext, probe

STAGES = {"Source": "GitHub", "Build": "CodeBuild", "Deploy": "ECS"}
BY_CONNECTION = "CodeStarSourceConnection"


@probe("pipeline goes from source over build to deployment")
def pipeline(context: ProbeContext) -> str:
    """Stages, providers, the switched-off trigger, the build and the service that they name."""
    name = context.outputs["pipelineName"]
    found = context.client("codepipeline").get_pipeline(name=name)["pipeline"]
    actions = {stage["name"]: stage["actions"][0] for stage in found["stages"]}
    providers = {stage: action["actionTypeId"]["provider"] for stage, action in actions.items()}
    by_connection = providers.get("Source") == BY_CONNECTION
    assert providers == {**STAGES, "Source": BY_CONNECTION} if by_connection else STAGES, f"stages: {providers}"
    source = actions["Source"]["configuration"]
    trigger = source["DetectChanges"] if by_connection else source["PollForSourceChanges"]
    assert trigger == "false", "a push would start the pipeline"
    assert actions["Build"]["configuration"]["ProjectName"] == context.outputs["buildProject"]
    deploy = actions["Deploy"]["configuration"]
    assert deploy["ServiceName"] == context.outputs["ecsService"], f"it deploys to {deploy['ServiceName']}"
    assert found["artifactStore"]["location"] == context.outputs["artifactBucket"]
    return f"{name}: {' → '.join(providers.values())}"


@probe("pipeline may pass the roles of the service, to ECS only")
def roles(context: ProbeContext) -> str:
    """Read from its policy: IAM's simulation would need the condition, which emulators do not take into account."""
    called = context.outputs["pipelineRoleArn"].rpartition("/")[2]
    iam = context.client("iam")
    [name] = iam.list_role_policies(RoleName=called)["PolicyNames"]
    document = iam.get_role_policy(RoleName=called, PolicyName=name)["PolicyDocument"]
    [passes] = [one for one in document["Statement"] if "iam:PassRole" in one["Action"]]
    wanted = {context.outputs["executionRoleArn"], context.outputs["taskRoleArn"]}
    assert set(passes["Resource"]) == wanted, f"it passes {passes['Resource']}"
    to = passes["Condition"]["StringEquals"]["iam:PassedToService"]
    assert to == "ecs-tasks.amazonaws.com", f"it passes them to {to}"
    return f"{len(wanted)} roles, to {to}"


@probe("build logs where logs expire, with the token by reference")
def build(context: ProbeContext) -> str:
    """The project has the log group of the stack, and the name of the secret instead of its value."""
    name = context.outputs["buildProject"]
    [project] = context.client("codebuild").batch_get_projects(names=[name])["projects"]
    variables = {one["name"]: one.get("type") for one in project["environment"]["environmentVariables"]}
    assert variables.get("GITHUB_TOKEN") == "SECRETS_MANAGER", "the token is not a reference"
    if context.endpoint is not None and "logsConfig" not in project:
        return f"{name} has the token by reference; this emulator does not tell where it logs"
    group = project["logsConfig"]["cloudWatchLogs"]["groupName"]
    assert group in context.outputs["logGroupNames"], f"it logs to {group}"
    return f"{name} logs to {group}"


@probe("artefact bucket keeps versions and is closed")
def bucket(context: ProbeContext) -> str:
    """As CodePipeline asks for; nobody else may read it."""
    name = context.outputs["artifactBucket"]
    s3 = context.client("s3")
    assert s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled", "no versions"
    closed = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert all(closed.values()), f"open: {closed}"
    return f"{name} is versioned and closed"
