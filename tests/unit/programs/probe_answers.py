"""A function of a system's `probes.py` in, what AWS answers to it when all is well and when it is not, out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mocked_programs import SUFFIX

Bad = tuple[tuple[Any, ...], object, str]
"""Where else is laid down what (a path from `outputs`, `answers` or `state`), and the words that refuse it."""


@dataclass(frozen=True)
class Case:
    """A healthy world of one probe: the stack's outputs, answers by `service.operation`; and what breaks it."""

    program: str
    probe: str
    outputs: Mapping[str, Any]
    answers: Mapping[str, Any] = field(default_factory=dict)
    bad: tuple[Bad, ...] = ()
    evidence: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    """Of resources by their type, where an emulator does not tell."""

    def __str__(self) -> str:
        return f"{self.program}: {self.probe}"


def lifecycle(*counts: int) -> dict[str, str]:
    """ECR's answer."""
    rules = [{"selection": {"countNumber": count}} for count in counts]
    return {"lifecyclePolicyText": json.dumps({"rules": rules})}


FINANCIAL = [
    Case(
        "financial",
        "registry keeps ten images",
        {"repositoryName": "r"},
        {"ecr.get_lifecycle_policy": lifecycle(10)},
        (
            (("answers", "ecr.get_lifecycle_policy"), lifecycle(9), "images kept: [9]"),
            (("answers", "ecr.get_lifecycle_policy"), lifecycle(10, 10), "images kept: [10, 10]"),
            (("answers", "ecr.get_lifecycle_policy"), lifecycle(), "images kept: []"),
        ),
        "r keeps 10",
    )
]

CLOSED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
BLOCK = ("answers", "s3.get_public_access_block", "PublicAccessBlockConfiguration")
STARTER = [
    Case(
        "starter",
        "bucket is there and private",
        {"bucketName": "b"},
        {"s3.head_bucket": {}, "s3.get_public_access_block": {"PublicAccessBlockConfiguration": CLOSED}},
        (
            ((*BLOCK, "BlockPublicPolicy"), False, "bucket b can be made public"),
            (BLOCK, {}, "bucket b can be made public"),
        ),
        "BlockPublicAcls",
    ),
    Case(
        "starter",
        "pet name carries the suffix",
        {"petName": f"starter-pet-{SUFFIX}-sure-gull"},
        bad=((("outputs", "petName"), "starter-pet-other-sure-gull", "called starter-pet-other-sure-gull"),),
        evidence="sure-gull",
    ),
]
