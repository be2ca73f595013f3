"""Rechecks in whole runs: what a second preview would change, and what a refresh finds changed, each by itself."""

from __future__ import annotations

from typing import Any

import pytest

# A dozen names in the order of a set: 12! orders, of which each hash seed draws one.
UNSTABLE = """
import pulumi_random
queue = aws.sqs.Queue("stamped", name=f"shop-stamped-{suffix}", tags={"at": str(time.time_ns()), "fixed": "yes"})
names = {f"{letter}-name" for letter in "abcdefghijkl"}
pulumi_random.RandomShuffle("mixed", inputs=list(names))
aws.sqs.Queue("renamed", name=f"shop-{time.time_ns()}-{suffix}")
"""

# Behind the program's back, at the end of `up`: changed, tagged, deleted.
SPOILS = """
import boto3
config = pulumi.Config()
word = config.require_secret("word")
tagged = aws.sqs.Queue("tagged", name=f"shop-tagged-{suffix}", tags={"word": word, "plain": "one"})
gone = aws.sqs.Queue("gone", name=f"shop-gone-{suffix}")
hidden = aws.ssm.Parameter("hidden", name=f"/shop/{suffix}", type="SecureString", value=word)


def spoil(urls):
    sqs = boto3.client("sqs")
    sqs.set_queue_attributes(QueueUrl=urls[0], Attributes={"VisibilityTimeout": "77"})
    sqs.tag_queue(QueueUrl=urls[1], Tags={"plain": "two", "word": "hunter" + "33"})
    sqs.delete_queue(QueueUrl=urls[2])
    boto3.client("ssm").put_parameter(Name=urls[3], Value="hunter" + "44", Type="SecureString", Overwrite=True)


if live:
    pulumi.Output.all(queue.url, tagged.url, gone.url, hidden.name).apply(spoil)
"""

SECRET_STACK = """
config:
  shop:word: hunter22
"""

SLOWER = """
import boto3
if live:
    queue.url.apply(lambda url: boto3.client("sqs").set_queue_attributes(
        QueueUrl=url, Attributes={"VisibilityTimeout": "77"}))
pulumi.export("queueUrl", queue.url)
"""

# What the program itself says that others may change, beside what it does not.
IGNORES = """
import boto3
scaled = aws.sqs.Queue("scaled", name=f"shop-scaled-{suffix}", visibility_timeout_seconds=40, delay_seconds=3,
                       opts=pulumi.ResourceOptions(ignore_changes=["visibilityTimeoutSeconds"]))
if live:
    scaled.url.apply(lambda url: boto3.client("sqs").set_queue_attributes(
        QueueUrl=url, Attributes={"VisibilityTimeout": "77", "DelaySeconds": "5"}))
"""

# Gives back what was changed, once the first refresh has seen it.
RESTORES = """
import os, pathlib, time
from harness.probes.registry import probe

@probe(timeout=60)
def restores(context):
    first = pathlib.Path(os.environ["TMPDIR"]).parent / "events" / "drift-1.jsonl"
    while not first.exists() or "summaryEvent" not in first.read_text():
        time.sleep(0.05)
    context.client("sqs").set_queue_attributes(
        QueueUrl=context.outputs["queueUrl"], Attributes={"VisibilityTimeout": "30"})
    return "seen" if '"visibilityTimeoutSeconds":77' in first.read_text() else "not seen"
"""


def rechecks(cell: dict[str, Any]) -> dict[str, str]:
    """How each recheck ended."""
    return {one["name"]: one["status"] for one in cell["rechecks"]}


def changes(cell: dict[str, Any], name: str) -> dict[str, tuple[str, dict[str, tuple[str, str]]]]:
    """By resource: the operation, and each property before and after."""
    [recheck] = [one for one in cell["rechecks"] if one["name"] == name]
    return {
        change["urn"].rpartition("::")[2]: (
            change["op"],
            {one["property"]: (one["before"], one["after"]) for one in change["properties"]},
        )
        for change in recheck["changes"]
    }


def gone(harness: Any, auditor: Any, cell: dict[str, Any]) -> None:
    """All of it is destroyed, and nobody holds anything."""
    assert auditor(cell["account"]).left() == []
    assert cell["resources"]["leaked"] == cell["resources"]["unverified"] == []
    assert harness("leases", "--json", "-").document == []
    assert harness.processes() == []


def test_a_program_that_declares_otherwise_each_time_is_found_by_idempotency_alone(
    harness, shop, emulator, auditor
) -> None:
    """A time in a tag or a name, and the order of a set: resource and property are named; drift passes."""
    harness.environment.pop("PYTHONHASHSEED", None)
    done = harness("run", str(shop(UNSTABLE)), "--target", emulator.url, "--json", "-")
    assert done.code == 1, done.err
    assert done.cell["status"] == "FAILED"
    assert rechecks(done.cell) == {"idempotency": "failed", "drift": "passed"}
    found = changes(done.cell, "idempotency")
    assert set(found) == {"stamped", "mixed", "renamed"}
    op, properties = found["stamped"]
    assert (op, set(properties)) == ("update", {"tags.at"})
    assert properties["tags.at"][0] < properties["tags.at"][1]
    op, properties = found["mixed"]
    assert op == "replace"
    assert {name.partition("[")[0] for name in properties} == {"inputs"}
    assert all(before.endswith("-name") and after.endswith("-name") for before, after in properties.values())
    op, properties = found["renamed"]
    assert (op, set(properties)) == ("replace", {"name"})
    assert done.cell["error"]["phase"] == "recheck"
    assert "a second preview is not empty" in done.cell["error"]["message"]
    assert "Queue stamped: update of tags.at" in done.cell["error"]["message"]
    assert {phase["phase"]: phase["status"] for phase in done.cell["phases"]} == {
        "preflight": "passed",
        "up": "passed",
        "probe": "passed",
        "recheck": "failed",
        "destroy": "passed",
        "leak check": "passed",
    }
    gone(harness, auditor, done.cell)


def test_what_was_changed_behind_the_programs_back_is_found_by_drift_alone(harness, shop, emulator, auditor) -> None:
    """Each property before and after; what was deleted is named; no secret shows, old or new."""
    directory = shop(SPOILS)
    (directory / "Pulumi.dev.yaml").write_text(SECRET_STACK)
    args = ("--target", emulator.url, "--no-policy", "--stack-config", "dev", "--json", "-")
    done = harness("run", str(directory), *args)
    assert done.code == 1, done.err
    assert done.cell["status"] == "FAILED"
    assert rechecks(done.cell) == {"idempotency": "passed", "drift": "failed"}
    found = changes(done.cell, "drift")
    assert found["queue"] == ("update", {"visibilityTimeoutSeconds": ("30", "77")})
    assert found["gone"] == ("delete", {})
    assert found["hidden"] == ("update", {"value": ("[secret]", "[secret]")})
    op, properties = found.pop("tagged")
    assert op == "update"
    assert properties["tags.plain"] == ("one", "two")
    assert set(found) == {"queue", "gone", "hidden"}
    assert "a refresh finds drift" in done.cell["error"]["message"]
    assert "hunter" not in done.out + done.err
    for path in harness.home.glob("runs/**/*"):
        assert not path.is_file() or b"hunter" not in path.read_bytes(), path
    gone(harness, auditor, done.cell)


@pytest.mark.campaign
def test_what_is_ignored_and_what_was_given_back_passes(harness, shop, emulator, auditor) -> None:
    """`[recheck] ignore` excuses a property; a probe that disturbs for a moment is not drift, and is waited for."""
    directory = shop(SLOWER)
    args = ("run", str(directory), "--target", emulator.url, "--no-policy", "--json", "-")
    settings = directory / "harness.toml"
    settings.write_text('[recheck]\nignore = ["queue.visibilityTimeoutSeconds"]\n')
    done = harness(*args)
    assert done.code == 0, done.err
    assert rechecks(done.cell) == {"idempotency": "passed", "drift": "passed"}
    settings.write_text('[recheck]\nignore = ["bucket.*", "queue.tags"]\n')
    (directory / "probes.py").write_text(RESTORES)
    done = harness(*args)
    assert done.code == 0, done.err
    assert rechecks(done.cell) == {"idempotency": "passed", "drift": "passed"}
    [probe] = done.cell["probes"]
    assert probe["detail"] == "seen", "the first refresh saw what the probe gave back afterwards"
    gone(harness, auditor, done.cell)


def test_what_the_program_ignores_is_no_drift(harness, shop, emulator) -> None:
    """`ignore_changes` says that others may change it; what else they change of the resource is drift."""
    done = harness("run", str(shop(IGNORES)), "--target", emulator.url, "--no-policy", "--json", "-")
    assert done.code == 1, done.err
    assert rechecks(done.cell) == {"idempotency": "passed", "drift": "failed"}
    assert changes(done.cell, "drift") == {"scaled": ("update", {"delaySeconds": ("3", "5")})}
