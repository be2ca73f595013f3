"""The starter program, run in a process of its own with Pulumi's mocks: what it declares, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.plan.discovery import load_program
from harness.probes.registry import check

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "programs" / "starter"

DRIVER = """
import json, runpy, sys
import pulumi
from pulumi.runtime import mocks

main, config, made, outputs = sys.argv[1], json.loads(sys.argv[2]), {}, {}

class Answers(mocks.Mocks):
    def call(self, args):
        raise AssertionError("the starter asks nothing: " + args.token)

    def new_resource(self, args):
        made[args.typ] = args.inputs
        return args.inputs.get("bucket") or args.name + "-id", {"url": "https://queue", **args.inputs}

@pulumi.runtime.test
def program():
    pulumi.export = outputs.__setitem__
    runpy.run_path(main, run_name="__main__")
    return pulumi.Output.all(**outputs).apply(outputs.update)

pulumi.runtime.set_all_config({"starter:" + key: value for key, value in config.items()})
mocks.set_mocks(Answers(), project="starter", stack="test")
try:
    program()
except pulumi.RunError as error:
    outputs = {"refused": str(error)}
print("ANSWER" + json.dumps([made, outputs]))
"""


def run(config: dict[str, str], **environ: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs by type, and outputs (or `refused`)."""
    clean = {name: value for name, value in os.environ.items() if name != "ENVIRONMENT_SUFFIX"}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(PROGRAM / "__main__.py"), json.dumps(config)],
        capture_output=True,
        text=True,
        check=False,
        env={**clean, **environ},
        timeout=120,
    )
    assert "ANSWER" in done.stdout, done.stderr
    made, outputs = json.loads(done.stdout.split("ANSWER")[1])
    return made, outputs


@pytest.mark.parametrize(
    ("config", "environ"), [({"environmentSuffix": "ab1"}, {}), ({}, {"ENVIRONMENT_SUFFIX": "ab1"})]
)
def test_names_carry_the_suffix_from_configuration_or_environment(
    config: dict[str, str], environ: dict[str, str]
) -> None:
    """Bucket, queue and pet are named after the suffix, and told as outputs."""
    made, outputs = run(config, **environ)
    assert made["aws:s3/bucket:Bucket"]["bucket"] == outputs["bucketName"] == "starter-bucket-ab1"
    assert made["aws:sqs/queue:Queue"]["name"] == "starter-queue-ab1"
    assert made["random:index/randomPet:RandomPet"]["prefix"] == "starter-pet-ab1"
    assert outputs.keys() == {"bucketName", "queueUrl", "petName"}


def test_configuration_goes_before_the_environment() -> None:
    """Who sets both means the stack's own."""
    made, _ = run({"environmentSuffix": "mine"}, ENVIRONMENT_SUFFIX="other")
    assert made["aws:sqs/queue:Queue"]["name"] == "starter-queue-mine"


def test_without_a_suffix_it_says_how_to_set_one() -> None:
    """No default: two people's stacks would meet."""
    made, outputs = run({})
    assert "environmentSuffix" in outputs["refused"]
    assert "ENVIRONMENT_SUFFIX" in outputs["refused"]
    assert not made


def test_the_bucket_is_private_tagged_and_never_blocks_destroy() -> None:
    """Every kind of public access is blocked; objects go with the bucket."""
    made, _ = run({"environmentSuffix": "ab1", "costCenter": "art"})
    bucket, queue = made["aws:s3/bucket:Bucket"], made["aws:sqs/queue:Queue"]
    assert bucket["forceDestroy"] is True
    assert bucket["tags"] == queue["tags"] == {"Environment": "test", "Project": "starter", "CostCenter": "art"}
    block = made["aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"]
    assert block.pop("bucket") == "starter-bucket-ab1"
    assert list(block.values()) == [True] * 4


def test_pulumi_in_the_root_runs_the_starter() -> None:
    """The top-level project is a Pulumi project of its own whose program is the starter."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert (project["name"], project["runtime"]) == ("harness", "python")
    assert (ROOT / project["main"]).resolve() == PROGRAM


@pytest.mark.parametrize("name", ["starter", "financial", "webapp", "payments", "flask_api", "platform"])
def test_program_folder_is_complete(name: str) -> None:
    """Project file, settings with tags, readme, requirements, probes that load; only these import the harness."""
    folder = ROOT / "programs" / name
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert (project["name"], project["runtime"]) == (name.replace("_", "-"), "python")
    settings = tomllib.loads((folder / "harness.toml").read_text(encoding="utf-8"))
    assert settings["tags"].keys() == {"Environment", "Project", "CostCenter"}
    assert "pulumi-aws" in (folder / "requirements.txt").read_text(encoding="utf-8")
    assert (folder / "README.md").is_file()
    assert check(load_program(folder))
    for file in folder.glob("*.py"):
        assert file.name == "probes.py" or "harness" not in file.read_text(encoding="utf-8"), file
