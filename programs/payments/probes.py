"""What `up` made in, proof of what no declared probe looks at out: the pipeline, its build, and what lies between."""

# ruff: noqa: S101 - a probe says no by assert; the loader keeps asserts even under `python -O`

from typing import Any

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
    wanted = {**STAGES, "Source": BY_CONNECTION} if by_connection else STAGES
    assert list(providers.items()) == list(wanted.items()), f"stages: {providers}"
    source = actions["Source"]["configuration"]
    trigger = source["DetectChanges"] if by_connection else source["PollForSourceChanges"]
    assert trigger == "false", "a push would start the pipeline"
    assert actions["Build"]["configuration"]["ProjectName"] == context.outputs["buildProject"]
    deploy = actions["Deploy"]["configuration"]
    assert deploy["ClusterName"] == context.outputs["ecsCluster"], f"it deploys to cluster {deploy['ClusterName']}"
    assert deploy["ServiceName"] == context.outputs["ecsService"], f"it deploys to {deploy['ServiceName']}"
    assert found["artifactStore"]["location"] == context.outputs["artifactBucket"]
    return f"{name}: {' → '.join(providers.values())}"


@probe("pipeline may pass the roles of the service, to ECS only")
def roles(context: ProbeContext) -> str:
    """Read from its policy: IAM's simulation would need the condition, which emulators do not take into account."""
    called = context.outputs["pipelineRoleArn"].rpartition("/")[2]
    iam = context.client("iam")
    names = iam.list_role_policies(RoleName=called)["PolicyNames"]
    assert len(names) == 1, f"its policies: {names}"
    document = iam.get_role_policy(RoleName=called, PolicyName=names[0])["PolicyDocument"]
    passes = [one for one in document["Statement"] if "iam:PassRole" in one["Action"]]
    assert len(passes) == 1, f"{len(passes)} statements let it pass roles"
    wanted = {context.outputs["executionRoleArn"], context.outputs["taskRoleArn"]}
    assert set(passes[0]["Resource"]) == wanted, f"it passes {passes[0]['Resource']}"
    to = passes[0].get("Condition", {}).get("StringEquals", {}).get("iam:PassedToService")
    assert to == "ecs-tasks.amazonaws.com", f"it passes them to {to}"
    return f"{len(wanted)} roles, to {to}"


@probe("build has the token by reference")
def token(context: ProbeContext) -> str:
    """The name of the secret stands in the project, not its value."""
    project = _project(context)
    variables = {one["name"]: one.get("type") for one in project["environment"]["environmentVariables"]}
    assert variables.get("GITHUB_TOKEN") == "SECRETS_MANAGER", "the token is not a reference"
    return f"{project['name']} has the token by reference"


@probe("build logs where logs expire")
def build_log(context: ProbeContext) -> str:
    """The project writes to a log group of the stack. Where an emulator does not tell, the stack's state does."""
    project, told = _project(context), ""
    log = project.get("logsConfig", {}).get("cloudWatchLogs", {})
    if context.endpoint is not None and "logsConfig" not in project:
        states = [one.outputs for one in context.resources if one.type == "aws:codebuild/project:Project"]
        assert len(states) == 1, f"the state has {len(states)} projects"
        log = (states[0].get("logsConfig") or {}).get("cloudwatchLogs") or {}
        told = ", as the state has it; not looked at on this emulator, which does not tell"
    assert log.get("status") == "ENABLED", f"its log: {log}"
    assert log.get("groupName") in context.outputs["logGroupNames"], f"it logs to {log.get('groupName')}"
    return f"to {log['groupName']}{told}"


def _project(context: ProbeContext) -> Any:
    name = context.outputs["buildProject"]
    found = context.client("codebuild").batch_get_projects(names=[name])["projects"]
    assert len(found) == 1, f"there is no project {name}"
    return found[0]


@probe("artefact bucket keeps versions and is closed")
def bucket(context: ProbeContext) -> str:
    """As CodePipeline asks for; nobody else may read it."""
    name = context.outputs["artifactBucket"]
    s3 = context.client("s3")
    assert s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled", "no versions"
    closed = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert all(closed.values()), f"open: {closed}"
    return f"{name} is versioned and closed"
