"""A program in stages, as source and settings: for the tests of what goes up part by part."""

from __future__ import annotations

STAGE = '[[stage]]\nname = "first"\nconfig = { part = "first" }\n'
LATER = """
if config.get("part") != "first":
    late = aws.sqs.Queue("late", name=f"shop-late-{suffix}")
    pulumi.export("lateUrl", late.url)
    pulumi.export("hidden", pulumi.Output.secret("hunter2"))
"""
ONLY_FIRST = """
if config.get("part") == "first":
    """
COMMAND = """#!/bin/sh
env > seen.txt
echo "the image is on its way"
exit $1
"""
QUIET = ("--no-policy", "--no-recheck")
