"""A failed destroy is tried again exactly as long as another attempt can help; the clock is a number."""

from __future__ import annotations

import pytest

from harness.run.verdicts import LONGEST, Patience, Verdict, judge, judge_all

SAID = {
    Verdict.PASSING: (
        "deleting EC2 VPC (vpc): DependencyViolation: The vpc 'vpc-1' has dependencies and cannot be deleted.",
        "deleting EC2 Subnet (s): https response error StatusCode: 400, api error DependencyViolation: x",
        "deleting IAM role (r): DeleteConflict: Cannot delete entity, must detach all policies first.",
        "api error ThrottlingException: Rate exceeded",
        "deleting S3 bucket (b): SlowDown: Please reduce your request rate.",
        "deleting S3 bucket (b): OperationAborted: A conflicting conditional operation is in progress",
        "deleting RDS cluster (c): InvalidDBClusterStateFault: Cluster is not in available state",
        "deleting SQS queue (q): InternalError: An internal error occurred",
        "https response error StatusCode: 503, api error ServiceUnavailable",
        "deleting SQS queue (q): the endpoint does not answer: http://127.0.0.1:1: the connection broke",
        "read tcp 10.0.0.1:1->10.0.0.2:443: read: connection reset by peer",
        "deleting EC2 VPC (vpc): timed out after 300 s waiting until it is gone: still there",
        "ResourceInUseException: Stream is under deletion",
        "rpc error: code = Unavailable desc = error reading from server: EOF",
    ),
    Verdict.CREDENTIALS: (
        "api error ExpiredToken: The security token included in the request is expired",
        "deleting SQS queue (q): no usable AWS credentials: Unable to locate credentials",
        "deleting EC2 VPC (v): AuthFailure: AWS was not able to validate the provided access credentials",
        "UnrecognizedClientException: The security token included in the request is invalid.",
    ),
    Verdict.PERMANENT: (
        "deleting S3 bucket (b): AccessDenied: Access Denied (operation DeleteBucket, request none)",
        "api error UnauthorizedOperation: You are not authorized to perform this operation",
        "InvalidParameterCombination: Cannot delete protected Cluster, please disable deletion protection",
    ),
    Verdict.UNKNOWN: ("the moon is in the wrong house", ""),
}


@pytest.mark.parametrize(("verdict", "text"), [(verdict, text) for verdict, texts in SAID.items() for text in texts])
def test_errors_of_either_provider_are_judged_alike(verdict: Verdict, text: str) -> None:
    """By AWS's code or message, in the bundled provider's words and in those of the official one."""
    assert judge(text) is verdict


def test_of_several_errors_the_one_that_decides_counts() -> None:
    """Expired credentials spoil everything; else what passes is worth an attempt."""
    passing, denied, expired = (SAID[one][0] for one in (Verdict.PASSING, Verdict.PERMANENT, Verdict.CREDENTIALS))
    assert judge_all([denied, passing]) is Verdict.PASSING
    assert judge_all([denied, passing, expired]) is Verdict.CREDENTIALS
    assert judge_all([denied]) is Verdict.PERMANENT
    assert judge_all([]) is Verdict.UNKNOWN


class FailingError(Exception):
    """Carries what was said."""


class Run:
    """A destroy that says one thing after the other, and a clock that only sleeping moves."""

    def __init__(self, said: list[str], limit: float = 1000) -> None:
        self.said = said
        self.left = limit
        self.pauses: list[float] = []
        self.attempts = 0

    def act(self) -> str:
        """One attempt; the last words are said again and again."""
        self.attempts += 1
        text = self.said[min(self.attempts, len(self.said)) - 1]
        if text:
            raise FailingError(text)
        return "done"

    def sleep(self, seconds: float) -> None:
        """No time passes but this."""
        self.pauses.append(seconds)
        self.left -= seconds

    def persist(self) -> str:
        """As a destroy does."""
        patience = Patience(remaining=lambda: self.left, sleep=self.sleep)
        return patience.persist(self.act, lambda error: judge(str(error)))


PASSES, DENIED, EXPIRED = "DependencyViolation", "AccessDenied", "ExpiredToken"


def test_what_passes_is_tried_as_long_as_there_is_time() -> None:
    """Not three times: until the limit, with pauses that double up to the longest, and none beyond the limit."""
    run = Run([PASSES], limit=200)
    with pytest.raises(FailingError):
        run.persist()
    assert run.pauses[:6] == [1, 2, 4, 8, 16, LONGEST]
    assert max(run.pauses) == LONGEST
    assert sum(run.pauses) == 200
    assert run.attempts == len(run.pauses) + 1


def test_what_clears_up_in_time_succeeds() -> None:
    """After several failures of different kinds."""
    run = Run([PASSES, DENIED, PASSES, PASSES, ""])
    assert run.persist() == "done"
    assert run.attempts == 5


@pytest.mark.parametrize(("said", "attempts"), [(DENIED, 2), (EXPIRED, 1), ("who knows", 3)])
def test_what_does_not_pass_is_given_up_soon(said: str, attempts: int) -> None:
    """A refusal once more, credentials not at all, what nobody knows a few times."""
    run = Run([said])
    with pytest.raises(FailingError, match=said):
        run.persist()
    assert run.attempts == attempts


def test_a_destroy_that_was_stopped_is_not_tried_again() -> None:
    """No verdict: nothing may follow."""
    run = Run([PASSES])
    with pytest.raises(FailingError):
        Patience(remaining=lambda: run.left, sleep=run.sleep).persist(run.act, lambda _: None)
    assert run.attempts == 1
