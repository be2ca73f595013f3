"""What an engine says of a failure becomes its cause, whatever it wraps around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.model import PhaseName, Program
from harness.run.failure import explain_failure
from harness.run.timeline import Diagnostic, Timeline

BUCKET = "urn:pulumi:s::p::aws:s3/bucket:Bucket::bucket"
PROGRAM = Program(name="p", directory=Path(), main=Path())


def cause(*messages: str, urn: str = BUCKET) -> str:
    """The first cause of an `up` in which the engine said this."""
    timeline = Timeline(lambda: 0.0, 0.0)
    timeline.diagnostics += [Diagnostic(message=text, severity="error", urn=urn) for text in messages]
    return explain_failure(PhaseName.UP, timeline, "error: update failed", PROGRAM).message


@pytest.mark.parametrize(
    "text",
    [
        "creating S3 bucket (bucket): AccessDenied: no",
        "error: creating S3 bucket (bucket): AccessDenied: no",
        # A create that failed after the resource had come to be: the provider returned what there is of it.
        "1 error occurred:\n\t* creating S3 bucket (bucket): AccessDenied: no\n\n",
    ],
)
def test_the_cause_is_told_without_the_engines_wrapping(text: str) -> None:
    """With the resource; what the engine says besides is left out."""
    expected = "aws:s3/bucket:Bucket 'bucket': creating S3 bucket (bucket): AccessDenied: no"
    assert cause("update failed", "1 error occurred:", text) == expected


def test_without_any_cause_the_engines_last_words_are_told() -> None:
    """Better than nothing."""
    assert cause("update failed", "2 errors occurred") == "up failed: error: update failed"
