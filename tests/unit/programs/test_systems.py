"""The systems, each run in a process of its own with Pulumi's mocks: what they declare, and what they refuse."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import coverage
import pytest
from mocked_programs import (
    PROGRAMS,
    SUFFIX,
    Declared,
    Mocked,
    assert_chain,
    assert_covered,
    assert_marked,
    assert_secrets_stay,
    container_of,
    policy_of,
    run,
)

pytestmark = pytest.mark.xdist_group("systems")  # each is run once, for all tests of this file
CENTS = {"webapp": "web", "payments": "payments", "flask_api": "api", "platform": "platform", "financial": "finance"}
JUDGES = ("test_probes.py", "test_push_docker.py")  # tests of what is no part of a program, but lies in its folder
CONNECTION = "arn:aws:codestar-connections:eu-central-1:111122223333:connection/c"


def mocked(name: str) -> Mocked:
    """A program by its folder."""
    return Mocked(name, name.replace("_", "-"))


CONNECTED = {"owner": "me", "repository": "mine", "branch": "next", "connectionArn": CONNECTION}
RUNS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    *((name, {}, {}) for name in (*CENTS, "starter")),
    ("payments", {"stage": "service"}, {}),
    ("payments", CONNECTED, {}),
    ("flask_api", {"stage": "repository"}, {}),
    ("webapp", {}, {"versions": ("15.12", "16.1")}),
    ("payments", {}, {"secrets": ("github-token",)}),
    ("payments", {"stage": "all"}, {}),
    ("flask_api", {"stage": "service"}, {}),
    ("webapp", {"excludeZoneIds": "euc1-az2,eu-central-1a"}, {}),
    ("webapp", {"excludeZoneIds": "euc1-az2"}, {"zones": ("eu-central-1a",)}),
]


@functools.cache
def everything() -> list[tuple[dict[str, Any], str]]:
    """What each of the runs asked, by one process."""
    return run([mocked(name).setup({"environmentSuffix": SUFFIX, **config}, **world) for name, config, world in RUNS])


def declared(name: str, config: dict[str, str] | None = None) -> Declared:
    """What it declares with its fallbacks, or so configured."""
    asked, log = everything()[RUNS.index((name, config or {}, {}))]
    assert "refused" not in asked, asked
    return Declared(**asked, log=log)


@pytest.mark.parametrize(
    ("name", "least"), [("financial", 45), ("webapp", 36), ("payments", 60), ("flask_api", 80), ("platform", 134)]
)
def test_it_is_as_large_as_its_original(name: str, least: int) -> None:
    """Resources of AWS; random values do not count."""
    assert len(declared(name).aws) >= least


@pytest.mark.parametrize("name", CENTS)
def test_all_is_named_tagged_and_ready_to_go(name: str) -> None:
    """`{project}-{resource}-{suffix}`; Environment, Project, CostCenter; nothing protected, retained or kept."""
    assert_marked(declared(name), name.replace("_", "-"), CENTS[name])


@pytest.mark.parametrize("name", CENTS)
def test_what_is_drawn_stays_secret(name: str) -> None:
    """Wherever it goes it is marked, and no output holds it."""
    assert_secrets_stay(declared(name))


@pytest.mark.parametrize(("name", "port", "path"), [("webapp", 80, "/"), ("payments", 80, "/"), ("platform", 80, "/")])
def test_the_chain_to_the_container_fits(name: str, port: int, path: str) -> None:
    """Listener, target group, health check, service, container, security groups: one port, one path."""
    assert_chain(declared(name), port, path)


def test_the_chain_of_the_flask_api_is_on_5000_at_health() -> None:
    """Where app/ listens; the image is the one that was pushed, under its tag."""
    api = declared("flask_api")
    assert_chain(api, 5000, "/health")
    assert container_of(api)["image"] == "registry.example/registry-repository:1"


@pytest.mark.parametrize("name", CENTS)
def test_every_output_that_a_probe_names_is_exported(name: str) -> None:
    """A table of harness.toml that names another fails before `up`; here without the engine."""
    from harness.plan.discovery import load_program
    from harness.probes.registry import check

    wanted = set().union(*(probe.outputs for probe in check(load_program(PROGRAMS / name))))
    assert wanted <= declared(name).outputs.keys()


@pytest.mark.parametrize("name", ["webapp", "payments", "flask_api", "platform"])
def test_containers_may_read_their_secrets_and_no_others(name: str) -> None:
    """Those that the task definition refers to, by their whole ARN, are those that the execution role may read."""
    referred = {one["valueFrom"].partition(":username")[0].partition(":password")[0] for one in secrets_of(name)}
    may = policy_of(declared(name), "service-execution-policy")["ReadSecrets"]
    assert set(may["Resource"]) == referred
    assert may["Action"] == ["secretsmanager:GetSecretValue"]


def secrets_of(name: str) -> list[dict[str, Any]]:
    """Secrets in the container."""
    found: list[dict[str, Any]] = container_of(declared(name))["secrets"]
    return found


@pytest.mark.parametrize(("name", "limits"), [("webapp", (2, 6)), ("flask_api", (2, 4)), ("platform", (2, 8))])
def test_auto_scaling_owns_the_number_of_tasks(name: str, limits: tuple[int, int]) -> None:
    """It has limits and policies, and the program ignores what it does."""
    system = declared(name)
    target = system.inputs("appautoscaling/target:Target")
    assert (target["minCapacity"], target["maxCapacity"]) == limits
    assert system.of("appautoscaling/policy:Policy")
    assert system.named("service-service")["ignored"] == ["desiredCount"]


def test_payments_is_one_task_of_nginx_that_rolls() -> None:
    """256/512, port 80, two minutes of grace, nothing scales it."""
    payments = declared("payments")
    task, service = payments.inputs("ecs/taskDefinition:TaskDefinition"), payments.inputs("ecs/service:Service")
    assert (task["cpu"], task["memory"]) == ("256", "512")
    assert container_of(payments)["image"].endswith("nginx:alpine")
    assert (service["desiredCount"], service["healthCheckGracePeriodSeconds"]) == (1, 120)
    assert "deploymentController" not in service
    assert payments.named("service-service")["ignored"] == ["taskDefinition"]  # it is the pipeline's
    assert not payments.of("appautoscaling/target:Target")


def test_the_pipeline_is_source_build_deploy_and_no_push_starts_it() -> None:
    """From the configured repository, by token or by connection; the trigger is off."""
    pipeline = declared("payments").inputs("codepipeline/pipeline:Pipeline")
    actions = [stage["actions"][0] for stage in pipeline["stages"]]
    assert [one["provider"] for one in actions] == ["GitHub", "CodeBuild", "ECS"]
    source = actions[0]["configuration"]
    assert (source["Owner"], source["Repo"], source["Branch"]) == ("example", "payments-service", "main")
    assert source["PollForSourceChanges"] == "false"
    other = declared("payments", CONNECTED)
    source = other.inputs("codepipeline/pipeline:Pipeline")["stages"][0]["actions"][0]["configuration"]
    assert source["FullRepositoryId"] == "me/mine"
    assert (source["BranchName"], source["ConnectionArn"], source["DetectChanges"]) == ("next", CONNECTION, "false")
    may = policy_of(other, "delivery-pipeline-policy")["Connection"]
    assert may["Resource"] == [CONNECTION]
    assert set(may["Action"]) == {f"{name}:UseConnection" for name in ("codeconnections", "codestar-connections")}
    assert "token-of-nobody" not in json.dumps(other.resources)


def test_secrets_that_were_there_before_are_read_and_not_owned() -> None:
    """Neither made nor tagged nor named by the suffix; without them nothing is declared."""
    payments = declared("payments")
    assert not payments.of("secretsmanager/secret:Secret")
    assert payments.outputs["connectionSecretArn"] == "arn:secret:db-connection-a1b2c3"
    variables = payments.inputs("codebuild/project:Project")["environment"]["environmentVariables"]
    token = next(one for one in variables if one["name"] == "GITHUB_TOKEN")
    assert (token["type"], token["value"]) == ("SECRETS_MANAGER", "arn:secret:github-token-a1b2c3")


@pytest.mark.parametrize(
    ("name", "stage", "there", "left"),
    [
        ("flask_api", "repository", "ecr/repository:Repository", "ec2/vpc:Vpc"),
        ("payments", "service", "ecs/service:Service", "codepipeline/pipeline:Pipeline"),
    ],
)
def test_a_stage_leaves_the_rest_for_later(name: str, stage: str, there: str, left: str) -> None:
    """What goes first is the same in the stage and in the whole."""
    part, whole = declared(name, {"stage": stage}), declared(name)
    assert part.of(there)
    assert not part.of(left)
    assert whole.of(left)
    names = {(one["type"], one["name"]): one["inputs"] for one in whole.aws}
    assert all(names[one["type"], one["name"]] == one["inputs"] for one in part.aws)


def test_platform_has_a_way_out_per_zone_and_a_reader() -> None:
    """Three NAT gateways, a writer and a reader, three keys that rotate, an alarm for each measure."""
    platform = declared("platform")
    assert (platform.kinds["NatGateway"], platform.kinds["ClusterInstance"]) == (3, 2)
    keys = platform.of("kms/key:Key")
    assert len(keys) == 3
    assert all(one["inputs"]["enableKeyRotation"] for one in keys)
    alarms = platform.of("cloudwatch/metricAlarm:MetricAlarm")
    assert len(alarms) == len({one["inputs"]["name"] for one in alarms}) >= 25
    assert all(one["inputs"]["alarmActions"] == ["arn:alarms-topic"] for one in alarms)
    shown = json.loads(platform.inputs("cloudwatch/dashboard:Dashboard")["dashboardBody"])["widgets"]
    assert len(shown) == len(alarms)


def test_everything_at_rest_of_the_platform_is_under_a_key_of_ours() -> None:
    """Database, cache, stream, topics, queues, secrets, logs, images."""
    platform = declared("platform")
    for type_, key in (
        ("rds/cluster:Cluster", "kmsKeyId"),
        ("elasticache/replicationGroup:ReplicationGroup", "kmsKeyId"),
        ("kinesis/stream:Stream", "kmsKeyId"),
        ("sns/topic:Topic", "kmsMasterKeyId"),
        ("sqs/queue:Queue", "kmsMasterKeyId"),
        ("secretsmanager/secret:Secret", "kmsKeyId"),
        ("cloudwatch/logGroup:LogGroup", "kmsKeyId"),
    ):
        assert platform.of(type_)
        assert all("keys-" in one["inputs"][key] for one in platform.of(type_)), type_
    cache = platform.inputs("elasticache/replicationGroup:ReplicationGroup")
    assert (cache["atRestEncryptionEnabled"], cache["transitEncryptionEnabled"]) == (True, True)


def test_the_topic_may_send_to_the_queue_and_nobody_else() -> None:
    """Without that policy SNS drops what it hands on, silently."""
    text = declared("platform").inputs("sqs/queuePolicy:QueuePolicy")["policy"]
    [statement] = json.loads(text)["Statement"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": "arn:events-topic"}}


@pytest.mark.parametrize(
    ("name", "config", "world", "words"),
    [
        ("webapp", {}, {"versions": ("15.12", "16.1")}, "none of them is there"),
        ("payments", {}, {"secrets": ("github-token",)}, "there is no secret db-connection"),
        ("payments", {"stage": "all"}, {}, "stage is 'all'; it is 'service', or left out"),
        ("flask_api", {"stage": "service"}, {}, "stage is 'service'; it is 'repository', or left out"),
        (
            "webapp",
            {"excludeZoneIds": "euc1-az2,eu-central-1a"},
            {},
            "excludeZoneIds has 'eu-central-1a'; ids of zones are wanted, such as use1-az3,use1-az5",
        ),
        (
            "webapp",
            {"excludeZoneIds": "euc1-az2"},
            {"zones": ("eu-central-1a",)},
            "the region has 1 availability zone(s) beside those of excludeZoneIds; Aurora needs 2. Exclude fewer",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_words(
    name: str, config: dict[str, str], world: dict[str, Any], words: str
) -> None:
    """Before anything is declared that would have to be taken away again."""
    asked, _ = everything()[RUNS.index((name, config, world))]
    assert words in asked["refused"]


def lines_of_judges(folder: Path) -> dict[str, set[int]]:
    """Lines of the programs' folders that those tests reach, by file; whether they pass is told where they run."""
    here, data = Path(__file__).parent, folder / "coverage"
    told = [f"--data-file={data}", f"--include={PROGRAMS}/*", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    subprocess.run(
        [sys.executable, "-m", "coverage", "run", *told, *(str(here / name) for name in JUDGES)],
        capture_output=True,
        check=False,
        timeout=300,
    )
    found = coverage.CoverageData(str(data))
    found.read()
    return {str(Path(file).resolve()): set(found.lines(file) or ()) for file in found.measured_files()}


def test_the_code_of_the_programs_is_covered(tmp_path: Path) -> None:
    """Each file, by the runs of this file and by the tests of what judges and pushes."""
    reached: dict[str, set[int]] = lines_of_judges(tmp_path)
    for asked, _ in everything():
        for file, lines in asked["lines"].items():
            reached.setdefault(file, set()).update(lines)
    files = [file for file in PROGRAMS.rglob("*.py") if file.resolve() == file]  # a link is counted where it leads
    elsewhere = PROGRAMS / "flask_api/app/app.py"  # where Flask is: tests/engine/test_flask_app.py
    assert sum(assert_covered(file, reached.get(str(file), set())) for file in files if file != elsewhere) > 500
