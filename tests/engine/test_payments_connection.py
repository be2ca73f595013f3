"""`payments` with its source behind a connection, and with a release through its pipeline while the run lasts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

PAYMENTS = Path(__file__).resolve().parents[2] / "programs" / "payments"
CONNECTION = "arn:aws:codeconnections:us-east-1:111122223333:connection/c"  # as the console names them since 2024

# What the action Deploy does: a copy of the revision with the image that was built, and the service on it.
DEPLOY = """
import os
import boto3

ecs = boto3.client("ecs")
arn = os.environ["OUTPUT_TASK_DEFINITION_ARN"]
found = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
found["containerDefinitions"][0]["image"] = os.environ["OUTPUT_REPOSITORY_URL"] + ":released"
keys = "family containerDefinitions executionRoleArn taskRoleArn networkMode requiresCompatibilities cpu memory"
made = ecs.register_task_definition(**{key: found[key] for key in keys.split()})
of = {"cluster": os.environ["OUTPUT_ECS_CLUSTER"], "service": os.environ["OUTPUT_ECS_SERVICE"]}
ecs.update_service(**of, taskDefinition=made["taskDefinition"]["taskDefinitionArn"])
"""


@pytest.fixture
def delivered(tmp_path: Path) -> Path:
    """The program, with a release between its stages."""
    folder = tmp_path / "payments"
    shutil.copytree(PAYMENTS, folder)
    (folder / "deploy.py").write_text(DEPLOY)
    stages = '[[stage]]\nname = "service"\n'
    text = (folder / "harness.toml").read_text()
    assert stages in text
    (folder / "harness.toml").write_text(text.replace(stages, stages + 'run = ["python", "deploy.py"]\n'))
    return folder


@pytest.mark.campaign
def test_a_release_is_no_drift_and_leaves_nothing(delivered, harness, emulator, auditor) -> None:
    """The next `up`, the second preview and the refresh leave the pipeline's revision; after destroy it is no more."""
    done = harness("run", str(delivered), "--target", emulator.url, "--json", "-")
    assert done.code == 0, done.err
    assert {one["status"] for one in done.cell["rechecks"]} == {"passed"}
    assert {one["status"] for one in done.cell["probes"]} == {"passed"}
    assert done.cell["resources"]["leaked"] == done.cell["resources"]["unverified"] == []
    assert "a deployment registered" in done.err
    assert auditor(done.cell["account"]).left() == []


@pytest.mark.campaign
def test_a_connection_of_the_console_is_the_source(harness, emulator, auditor) -> None:
    """Its ARN has the service's new name; all probes pass with it."""
    done = harness(
        "run", str(PAYMENTS), "--target", emulator.url, "--config", f"connectionArn={CONNECTION}", "--json", "-"
    )
    assert done.code == 0, done.err
    evidence = {one["name"]: one["detail"] for one in done.cell["probes"]}
    assert "CodeStarSourceConnection" in str(evidence["pipeline goes from source over build to deployment"])
    assert done.cell["resources"]["leaked"] == done.cell["resources"]["unverified"] == []
    assert auditor(done.cell["account"]).left() == []
