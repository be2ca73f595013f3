"""Policy documents that the bundled provider writes: what a program says is what IAM reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.providers.aws.failures import Refusal
from harness.providers.aws.services.iam_documents import document


def policy(*statements: dict[str, Any], **more: Any) -> str:
    """A document as another data source would hand it over."""
    return json.dumps({"Version": "2012-10-17", **more, "Statement": list(statements)})


def test_a_statement_is_written_in_iams_own_words() -> None:
    """Effect, actions, resources, principals and conditions under IAM's names; one value stands alone."""
    made = document(
        {
            "policyId": "own",
            "statements": [
                {
                    "sid": "Read",
                    "actions": ["s3:GetObject", "s3:ListBucket"],
                    "resources": ["arn:aws:s3:::b/&{aws:username}"],
                    "principals": [{"type": "Service", "identifiers": ["ec2.amazonaws.com"]}],
                    "conditions": [
                        {"test": "StringEquals", "variable": "aws:PrincipalOrgID", "values": ["o-1"]},
                        {"test": "StringEquals", "variable": "s3:prefix", "values": ["a", "b"]},
                    ],
                }
            ],
        }
    )
    assert made == {
        "Version": "2012-10-17",
        "Id": "own",
        "Statement": [
            {
                "Sid": "Read",
                "Effect": "Allow",
                "Action": ["s3:ListBucket", "s3:GetObject"],
                "Resource": "arn:aws:s3:::b/${aws:username}",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1", "s3:prefix": ["b", "a"]}},
            }
        ],
    }


def test_anyone_is_a_star_and_any_aws_principal_is_not() -> None:
    """`*` of the type `*` is everyone; of the type AWS it keeps its type."""
    everyone, accounts = (
        document({"statements": [{"principals": [{"type": kind, "identifiers": ["*"]}]}]})["Statement"][0]["Principal"]
        for kind in ("*", "AWS")
    )
    assert everyone == "*"
    assert accounts == {"AWS": "*"}


def test_own_statements_win_over_sources_and_overrides_over_both() -> None:
    """Statements with one name replace each other in place; nameless ones add up."""
    made = document(
        {
            "sourcePolicyDocuments": [policy({"Sid": "A", "Effect": "Allow"}, {"Effect": "Allow", "Action": "x:Y"})],
            "statements": [{"sid": "A", "effect": "Deny"}, {"sid": "B"}],
            "overridePolicyDocuments": [policy({"Sid": "B", "Effect": "Deny"}, Id="last")],
        }
    )
    assert [(one.get("Sid"), one["Effect"]) for one in made["Statement"]] == [
        ("A", "Deny"),
        (None, "Allow"),
        ("B", "Deny"),
    ]
    assert made["Id"] == "last"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"statements": [{"action": ["s3:GetObject"]}]}, "did you mean `actions`"),
        ({"statements": [{"principals": [{"typ": "AWS", "identifiers": []}]}]}, "did you mean `type`"),
        ({"statements": [{"sid": "A"}, {"sid": "A"}]}, "`A`"),
        ({"sourcePolicyDocuments": [policy({"Sid": "A"}), policy({"Sid": "A"})]}, "`A`"),
        ({"sourceJson": "{"}, "`sourceJson` is not JSON"),
        ({"version": "2012-10-18"}, "2012-10-18"),
    ],
)
def test_what_cannot_be_meant_is_refused(args: dict[str, Any], said: str) -> None:
    """A misspelt argument, a name given twice, text that is no JSON, a version that IAM does not have."""
    with pytest.raises(Refusal, match="policy document") as caught:
        document(args)
    assert said in str(caught.value)
