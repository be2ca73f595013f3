"""Whatever may be left has the command that removes it, in the AWS CLI's own words."""

from __future__ import annotations

import re
import shlex

import botocore.session
import pytest
from botocore import xform_name

from harness.providers.aws import registry
from harness.providers.aws.commands import IRREGULAR, command
from harness.providers.aws.leftovers import SEEKERS
from harness.providers.aws.unblocking import LIFTS

DECLARED = {token: one for token, one in registry.resources().items() if one.destructive}
BOTOCORE = {"deploy": "codedeploy", "s3api": "s3"}


@pytest.mark.parametrize("token", sorted(DECLARED))
def test_every_declared_type_has_its_command(token: str) -> None:
    """A new type with a delete of its own (`delete_with`) needs a line in `commands.py`."""
    outputs = dict.fromkeys(DECLARED[token].properties, "value")
    text = command(token, "one_a/b:c|d", "eu-west-1", outputs)
    assert text.startswith("aws "), f"add {token} to harness/providers/aws/commands.py"
    assert text.endswith(" --region eu-west-1")


@pytest.mark.parametrize("token", sorted({*DECLARED, *IRREGULAR}))
def test_a_command_is_one_that_the_cli_has(token: str) -> None:
    """Service, operation and options exist in botocore's model, from which the CLI is made."""
    words = shlex.split(command(token, "a/b", "eu-west-1", {"securityGroupId": "sg-1", "vpcId": "v", "cluster": "c"}))
    if words[1:3] in (["s3", "rb"], []):
        return
    model = botocore.session.get_session().get_service_model(BOTOCORE.get(words[1], words[1]))
    by_name = {xform_name(one, "-"): one for one in model.operation_names}
    assert words[2] in by_name, words
    shape = model.operation_model(by_name[words[2]]).input_shape
    members = {xform_name(one, "-") for one in shape.members}
    options = [re.sub(r"^no-", "", word[2:]) for word in words[3:] if word.startswith("--")]
    assert set(options) - {"region"} <= members, words


def test_names_are_quoted_and_an_emulator_is_named() -> None:
    """What goes into a shell does there what it says."""
    text = command("aws:sqs/queue:Queue", "http://x/a b;rm", "us-east-1", {}, "http://127.0.0.1:4566")
    assert shlex.split(text) == [
        *("aws", "sqs", "delete-queue", "--queue-url", "http://x/a b;rm"),
        *("--region", "us-east-1", "--endpoint-url", "http://127.0.0.1:4566"),
    ]
    assert command("other:x/y:Z", "id", "us-east-1", {}) == ""


def test_the_tables_name_types_as_pulumi_does() -> None:
    """A token that is misspelt would never be met."""
    for token in (*SEEKERS, *LIFTS):
        assert re.fullmatch(r"aws:(\w+)/(\w)(\w*):(\w+)", token), token
        service, first, rest, name = re.fullmatch(r"aws:(\w+)/(\w)(\w*):(\w+)", token).groups()  # type: ignore[union-attr]
        assert name == first.upper() + rest, token
        assert service == service.lower()


@pytest.mark.parametrize("token", sorted(DECLARED))
def test_a_create_whose_answer_is_lost_can_be_found_again(token: str) -> None:
    """By a name that is known beforehand, or by its tags: of what has neither nobody could say that it is gone."""
    declared = DECLARED[token]
    assert declared.identity or declared.identity_with or declared.searchable
