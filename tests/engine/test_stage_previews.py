"""What only a stage declares is seen before anything goes up; what no preview can show is told, and refuses nothing."""

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
    ],
    ids=["policy", "import", "argument"],
)
def test_what_only_a_stage_declares_is_judged_too(
    harness, emulator, auditor, staged, flags, settings, source, code, said
) -> None:
    """By policy, for imports and for its arguments: refused, nothing made, stage named."""
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


def test_a_stage_that_seems_to_be_the_whole_is_told(harness, emulator, staged) -> None:
    """A slip in a key, most often; but a secret or an output, which no preview shows, may be all that differs."""
    done = harness("run", str(staged(STAGE)), "--target", emulator.url, *QUIET, "--json", "-")
    assert done.code == 0, done.err
    assert "stage first: with shop:part it declares the whole program, as far as can be seen" in done.err


NEEDS_THE_FIRST = """
if config.get("part") == "second":
    aws.s3.get_bucket(bucket=f"shop-early-{suffix}")
if config.get("part") is not None:
    aws.s3.Bucket("early", bucket=f"shop-early-{suffix}")
"""


def test_a_stage_may_need_what_the_one_before_it_makes(harness, emulator, auditor, staged) -> None:
    """Its preview cannot come to an end then, which is told; the first one's must."""
    second = '[[stage]]\nname = "second"\nconfig = { part = "second" }\n'
    folder = staged(STAGE + second, NEEDS_THE_FIRST)
    done = harness("run", str(folder), "--target", emulator.url, *QUIET, "--json", "-")
    assert done.code == 0, done.err
    assert "stage second cannot be looked at as a whole before it goes up: Exception: invoke of aws:s3" in done.err
    assert auditor(done.cell["account"]).left() == []
    (folder / "harness.toml").write_text(second)
    done = harness("run", str(folder), "--target", emulator.url, *QUIET, "--json", "-")
    assert done.code == 2, done.err
    assert done.cell["error"]["message"].startswith("stage second: ")


WHOLE_RULE = """
from pulumi_policy import *
def look(args, report):
    if not any("late" in one.name for one in args.resources):
        report("there must be a late one")
PolicyPack("theirs", [StackValidationPolicy("late", "Late.", look, EnforcementLevel.MANDATORY)])
"""


@pytest.mark.parametrize("whole", [LATER, ""], ids=["kept", "broken"])
def test_a_part_need_not_have_what_the_stack_as_a_whole_must(harness, emulator, staged, tmp_path, whole) -> None:
    """A mandatory rule for the stack ends a stage's preview, and is no reason to refuse it; the whole is held to it."""
    (pack := tmp_path / "pack").mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 1.2.3\n")
    (pack / "__main__.py").write_text(WHOLE_RULE)
    flags = ("--policy-pack", str(pack), "--no-recheck", "--target", emulator.url, "--json", "-")
    quiet = '[policy.rules.required-tags]\nlevel = "disabled"\n'
    done = harness("run", str(staged(quiet + STAGE, whole)), *flags)
    if whole:
        assert done.code == 0, done.err
        said = "stage first cannot be looked at as a whole before it goes up: a rule for the stack as a whole"
        assert said in done.err
    else:
        assert (done.code, done.cell["status"]) == (1, "FAILED"), done.err
        assert done.cell["error"]["message"].startswith("policy late: "), done.cell["error"]
