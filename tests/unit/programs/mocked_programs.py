"""A program and a world in; what it asks of the engine out, run in a process of its own with Pulumi's mocks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage

PROGRAMS = Path(__file__).parents[3] / "programs"
SUFFIX = "t3st"
COVERED = 90  # per cent of the lines of each file
SECRET_MARK = "1b47061264138c4ac30d75fd1eb44270"  # how a secret is marked on Pulumi's wire
SECRET_KEY = "4dabf18193072939515e22adb298388d"
UNTAGGABLE = {
    "Route", "RouteTableAssociation", "Alias", "LifecyclePolicy", "SecretVersion", "RolePolicy", "TopicPolicy",
    "QueuePolicy", "TopicSubscription", "StreamConsumer", "BucketVersioning", "BucketPublicAccessBlock",
    "BucketServerSideEncryptionConfiguration", "BucketLifecycleConfiguration", "BucketPolicy", "Dashboard",
}  # fmt: skip

# Runs programs as Pulumi would, answers for the engine, and writes down all that was asked of it. Importing Pulumi
# takes two seconds, so it is done once, and each program runs in a fork of its own.
DRIVER = """
import importlib, json, os, runpy, sys, traceback
import coverage, pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks

folder, names, setups = sys.argv[1], sys.argv[2].split(), json.load(sys.stdin)
for name in names:
    module, _, kind = name.partition(".")
    getattr(importlib.import_module("pulumi_aws." + module), kind)
for number, setup in enumerate(setups):
    child = os.fork()
    if not child:
        os.dup2(os.open(f"{folder}/{number}.log", os.O_CREAT | os.O_WRONLY), 2)
        break
    os.waitpid(child, 0)
else:
    os._exit(0)

asked = {"resources": [], "outputs": {}, "calls": {}}
seen = coverage.Coverage(data_file=None, include=[os.path.dirname(setup["program"]) + "/*"])

class Answers(mocks.Mocks):
    def call(self, args):
        asked["calls"][args.token] = args.args
        answer = setup["answers"][args.token]
        if args.token.endswith("getEngineVersion"):
            there = [v for v in args.args["preferredVersions"] if v in answer]
            return {"versionActual": there[0]} if there else ({}, [("preferredVersions", "none of them is there")])
        if args.token.endswith("getSecret"):
            if args.args["name"] not in answer:
                return {}, [("name", "there is no secret " + args.args["name"])]
            key = answer[args.args["name"]] if isinstance(answer, dict) else ""
            return {"arn": "arn:secret:" + args.args["name"] + "-a1b2c3", "name": args.args["name"], "kmsKeyId": key}
        if args.token.endswith("getKey"):
            return {"arn": "arn:key:" + args.args["keyId"]}
        return answer

    def new_resource(self, args):
        extra = {
            "arn": "arn:" + args.name, "keyId": args.name, "allocationId": args.name, "result": "drawn-" * 8,
            "arnSuffix": "suffix/" + args.name, "dnsName": args.name + ".example", "url": "https://" + args.name,
            "repositoryUrl": "registry.example/" + args.name, "primaryEndpointAddress": args.name + ".example",
            "readerEndpointAddress": args.name + ".example", "endpoint": args.name + ".example",
            "readerEndpoint": args.name + ".example",
        }
        return args.name + "-id", {**extra, **args.inputs}

class Monitor(mocks.MockMonitor):
    def RegisterResource(self, request):
        asked["resources"].append({
            "type": request.type, "name": request.name, "protect": request.protect,
            "retain": request.retainOnDelete, "dependencies": [d.split("::")[-1] for d in request.dependencies],
            "ignored": list(request.ignoreChanges), "inputs": json_format.MessageToDict(request.object),
        })
        return super().RegisterResource(request)

@pulumi.runtime.test
def program():
    pulumi.export = asked["outputs"].__setitem__
    sys.path.insert(0, setup["program"])
    sys.dont_write_bytecode = True
    runpy.run_path(setup["program"] + "/__main__.py", run_name="__main__")
    return pulumi.Output.all(**asked["outputs"]).apply(lambda known: asked.update(outputs=known))

pulumi.runtime.set_all_config({setup["project"] + ":" + k: v for k, v in setup["config"].items()})
mocks.set_mocks(Answers(), project=setup["project"], stack="test", monitor=Monitor(Answers()))
if names:  # it costs half as much again
    seen.start()
try:
    program()
except Exception as error:  # a RunError of the program's own, or what a refused question raises
    traceback.print_exc()
    asked = {"refused": str(error)}
if names:
    seen.stop()
data = seen.get_data()
asked["lines"] = {os.path.realpath(file): sorted(data.lines(file)) for file in data.measured_files()}
with open(f"{folder}/{number}.json", "w") as answer:
    json.dump(asked, answer)
os._exit(0)
"""


@dataclass(frozen=True)
class Declared:
    """What the program asked of the engine."""

    resources: list[dict[str, Any]]
    outputs: dict[str, Any]
    calls: dict[str, Any]
    lines: dict[str, list[int]]
    log: str

    def of(self, type_: str) -> list[dict[str, Any]]:
        """Resources of one type, such as `rds/cluster:Cluster`."""
        return [each for each in self.resources if each["type"] == f"aws:{type_}"]

    def inputs(self, type_: str) -> dict[str, Any]:
        """Inputs of the only resource of this type."""
        (only,) = self.of(type_)
        return dict(only["inputs"])

    def named(self, name: str) -> dict[str, Any]:
        """The resource of this logical name; what a test takes for granted must be there once."""
        (only,) = [each for each in self.resources if each["name"] == name and each["type"].startswith("aws:")]
        return dict(only)

    @property
    def aws(self) -> list[dict[str, Any]]:
        """Resources of AWS."""
        return [each for each in self.resources if each["type"].startswith("aws:")]

    @property
    def kinds(self) -> Counter[str]:
        """How many of each type of AWS."""
        return Counter(each["type"].split(":")[-1] for each in self.aws)


def run(setups: list[dict[str, Any]], environ: dict[str, str] | None = None) -> list[tuple[dict[str, Any], str]]:
    """Of each: what it asked (or `refused`), and its log."""
    sources = "".join(file.read_text(encoding="utf-8") for file in PROGRAMS.rglob("*.py"))
    names = sorted(set(re.findall(r"\baws\.([a-z0-9]+\.[A-Z]\w+)", sources)))
    clean = {name: value for name, value in os.environ.items() if name != "ENVIRONMENT_SUFFIX"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", DRIVER, folder, " ".join(names) if len(setups) > 1 else ""],
            input=json.dumps(setups),
            capture_output=True,
            text=True,
            check=False,
            env={**clean, **(environ or {})},
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        answers = []
        for number in range(len(setups)):
            log = Path(folder, f"{number}.log").read_text(encoding="utf-8")
            answer = Path(folder, f"{number}.json")
            assert answer.exists(), log
            answers.append((json.loads(answer.read_text(encoding="utf-8")), log))
    return answers


@dataclass(frozen=True)
class Mocked:
    """One program, and what is there in its world."""

    folder: str
    project: str

    def setup(
        self,
        config: dict[str, str] | None = None,
        *,
        zones: tuple[str, ...] = ("eu-central-1a", "eu-central-1b", "eu-central-1c"),
        versions: tuple[str, ...] = ("14.23", "15.3", "15.10", "15.12", "16.1", "16.8", "16.9"),
        secrets: tuple[str, ...] | dict[str, str] = ("db-connection", "github-token"),
    ) -> dict[str, Any]:
        """What the driver is told of one run. `secrets` are names, or names with the key that each is under."""
        return {
            "program": str(PROGRAMS / self.folder),
            "project": self.project,
            "config": {"environmentSuffix": SUFFIX} if config is None else config,
            "answers": {
                "aws:index/getRegion:getRegion": {"region": "eu-central-1"},
                "aws:index/getAvailabilityZones:getAvailabilityZones": {"names": zones},
                "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": "111122223333"},
                "aws:index/getPartition:getPartition": {"partition": "aws", "dnsSuffix": "amazonaws.com"},
                "aws:rds/getEngineVersion:getEngineVersion": versions,
                "aws:secretsmanager/getSecret:getSecret": secrets,
                "aws:kms/getKey:getKey": {},
                "aws:secretsmanager/getSecretVersion:getSecretVersion": {"secretString": "token-of-nobody"},
            },
        }

    def start(
        self, config: dict[str, str] | None = None, *, environ: dict[str, str] | None = None, **world: Any
    ) -> tuple[dict[str, Any], str]:
        """Run the program; what it asked (or `refused`), and its log."""
        [answer] = run([self.setup(config, **world)], environ)
        return answer

    def declare(self, config: dict[str, str] | None = None, **world: Any) -> Declared:
        """Run a program that is expected to work."""
        asked, log = self.start(config, **world)
        assert "refused" not in asked, asked
        return Declared(**asked, log=log)


def assert_marked(declared: Declared, project: str, cost_center: str) -> None:
    """Every physical name is in the pattern, everything taggable is tagged, nothing resists its destruction."""
    parts = {
        "ec2/securityGroup:", "kms/alias", "rds/", "ecr/repository:", "cloudwatch/", "secretsmanager/secret:", "lb/",
        "ecs/", "iam/", "sns/topic:", "sqs/queue:", "kinesis/", "elasticache/", "codebuild/", "codepipeline/",
        "appautoscaling/policy", "s3/bucket:",
    }  # fmt: skip
    keys = (*("name", "identifier", "clusterIdentifier", "bucket", "family", "replicationGroupId", "dashboardName"),)
    for each in declared.aws:
        inputs = each["inputs"]
        assert not each["protect"], each["name"]
        assert not each["retain"], each["name"]
        own = any(part in each["type"] for part in parts)
        names = [inputs[key] for key in keys if key in inputs and own and not (key == "family" and "name" in inputs)]
        names = [name for name in names if not str(name).endswith("-id")]  # of another resource, as the mocks tell it
        names += [inputs["tags"]["Name"]] if "Name" in inputs.get("tags", {}) else []
        for name in names:
            assert re.search(rf"{project}-[a-z0-9-]+-{SUFFIX}\b", str(name)), (each["name"], name)
            if each["type"].startswith(("aws:lb/loadBalancer:", "aws:lb/targetGroup:")):
                assert len(name) <= 32 - (13 - len(SUFFIX)), f"{name} has no room for a longer suffix"
        if each["type"].split(":")[-1] not in UNTAGGABLE and not each["type"].startswith("aws:appautoscaling/policy"):
            wanted = {"Environment": "test", "Project": project, "CostCenter": cost_center}
            assert wanted.items() <= inputs["tags"].items(), each["name"]
    for cluster in declared.of("rds/cluster:Cluster"):
        assert (cluster["inputs"]["deletionProtection"], cluster["inputs"]["skipFinalSnapshot"]) == (False, True)
    for secret in declared.of("secretsmanager/secret:Secret"):
        assert secret["inputs"]["recoveryWindowInDays"] == 0
    for type_, key in (("ecr/repository:Repository", "forceDelete"), ("s3/bucket:Bucket", "forceDestroy")):
        assert all(each["inputs"][key] is True for each in declared.of(type_))


def assert_secrets_stay(declared: Declared) -> None:
    """What was drawn is marked secret wherever it goes, and is in no output."""
    for each in declared.aws:
        for value in each["inputs"].values():
            if "drawn-" in json.dumps(value):
                assert isinstance(value, dict), (each["name"], value)
                assert value[SECRET_KEY] == SECRET_MARK, each["name"]
    assert "drawn-" not in json.dumps(declared.outputs)


def assert_chain(declared: Declared, port: int, path: str) -> None:
    """Listener, target group, health check, service, container and security groups agree on port and path."""
    group = declared.inputs("lb/targetGroup:TargetGroup")
    assert (group["port"], group["healthCheck"]["port"], group["healthCheck"]["path"]) == (port, str(port), path)
    assert group["targetType"] == "ip"
    [action] = declared.inputs("lb/listener:Listener")["defaultActions"]
    assert action == {"type": "forward", "targetGroupArn": "arn:balancer-targets"}
    service = declared.inputs("ecs/service:Service")
    [binding] = service["loadBalancers"]
    container = container_of(declared)
    assert binding == {
        "targetGroupArn": "arn:balancer-targets",
        "containerName": container["name"],
        "containerPort": port,
    }
    assert [one["containerPort"] for one in container["portMappings"]] == [port]
    into = declared.named("network-firewall-service-from-balancer")["inputs"]
    assert (into["fromPort"], into["referencedSecurityGroupId"]) == (port, "network-firewall-balancer-id")
    raw = declared.named("service-service")
    assert {"balancer-listener", "service-execution-policy"} <= set(raw["dependencies"])
    assert ways_of(declared) - set(raw["dependencies"]) == set()


def ways_of(declared: Declared) -> set[str]:
    """What a task needs from its first second: ways out, ways to be reached, a database that answers."""
    rules = [*declared.of("vpc/securityGroupEgressRule:SecurityGroupEgressRule")]
    rules += declared.of("vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    names = {rule["name"] for rule in rules} - {"network-firewall-balancer-from-anywhere"}
    assert "network-firewall-service-to-anywhere" in names
    for type_ in ("ec2/vpcEndpoint:VpcEndpoint", "secretsmanager/secretVersion:SecretVersion"):
        names |= {one["name"] for one in declared.of(type_)}
    instances = {one["name"] for one in declared.of("rds/clusterInstance:ClusterInstance")}
    return names | (instances & {"database-writer"})


def container_of(declared: Declared) -> dict[str, Any]:
    """The only container of the only task definition."""
    text = declared.inputs("ecs/taskDefinition:TaskDefinition")["containerDefinitions"]
    (only,) = json.loads(text["value"] if isinstance(text, dict) else text)
    return dict(only)


def policy_of(declared: Declared, name: str) -> dict[str, dict[str, Any]]:
    """Statements of a role's policy by their Sid."""
    text = declared.named(name)["inputs"]["policy"]
    return {one["Sid"]: one for one in json.loads(text["value"] if isinstance(text, dict) else text)["Statement"]}


def assert_covered(file: Path, reached: set[int]) -> int:
    """Nine tenths of the file's statements were reached; how many there are."""
    _, statements, *_ = coverage.Coverage(data_file=None).analysis2(str(file))
    seen = reached & set(statements)
    assert len(seen) * 100 >= COVERED * len(statements), f"{file}: lines {sorted(set(statements) - seen)} not reached"
    return len(statements)
