"""What only a stage declares is seen before anything goes up, and so is a stage that is no part."""

from __future__ import annotations

import pytest
from staged_programs import LATER, ONLY_FIRST, QUIET, STAGE

RULES = '[policy.rules.required-tags]\nlevel = "disabled"\n[policy.rules.suffix-in-names]\nlevel = "{}"\n'
FOREIGN = (
    "import boto3\n    there = boto3.client('sqs').create_queue(QueueName='was-here')['QueueUrl']\n"
    "    aws.sqs.Queue('old', name='was-here', opts=pulumi.ResourceOptions(import_=there))\n"
)


@pytest.mark.parametrize(
    ("flags", "settings", "source", "code", "said"),
    [
        (
            (),
            RULES.format("mandatory"),
            ONLY_FIRST + "aws.sqs.Queue('early', name='plain')\n",
            1,
            "policy suffix-in-names: Queue early",
        ),
        (QUIET, "", ONLY_FIRST + FOREIGN, 2, "the program imports what exists already: Queue old"),
        (QUIET, "", ONLY_FIRST + "aws.s3.Bucket('b', request_payer='Requester')\n", 2, "aws:s3/bucket:Bucket 'b': "),
        (QUIET, "", "", 2, "with shop:part it declares the whole program, not a part of it"),
    ],
    ids=["policy", "import", "argument", "no part"],
)
def test_what_only_a_stage_declares_is_judged_too(
    harness, emulator, auditor, staged, flags, settings, source, code, said
) -> None:
    """By policy, for imports, for its arguments, and for being a part at all: refused, nothing made, stage named."""
    done = harness("run", str(staged(settings + STAGE, source)), "--target", emulator.url, *flags, "--json", "-")
    assert done.code == code, done.err
    assert done.cell["error"]["message"].startswith(f"stage first: {said}"), done.cell["error"]
    assert done.cell["error"]["hint"]
    assert [one["phase"] for one in done.cell["phases"]] == ["preflight"]
    assert done.cell["resources"]["created"] == 0
    assert [one for one in auditor(done.cell["account"]).left() if "was-here" not in str(one)] == []


def test_a_stage_is_held_to_the_rules_by_what_differs_from_the_whole(harness, emulator, staged) -> None:
    """What both declare is found fault with once; the plan that is told is that of the whole."""
    settings = STAGE + RULES.format("advisory")
    source = LATER + "aws.sqs.Queue('both', name='plain')\n" + ONLY_FIRST + "aws.sqs.Queue('early', name='flat')\n"
    done = harness("run", str(staged(settings, source)), "--target", emulator.url, "--no-recheck", "--json", "-")
    assert done.code == 0, done.err
    named = [one["resource"] for one in done.cell["findings"] if one["id"] == "suffix-in-names"]
    assert named == ["Queue both", "Queue early"]
    assert "4 resources planned" in done.err
    assert done.cell["resources"]["planned"] == 4
