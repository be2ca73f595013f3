"""Whatever may be left has the command that removes it, in the AWS CLI's own words."""

from __future__ import annotations

import re
import shlex
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from harness.providers.aws import registry
from harness.providers.aws.commands import IRREGULAR, command
from harness.providers.aws.leftovers import SEEKERS
from harness.providers.aws.provider import AwsProvider
from harness.providers.aws.unblocking import LIFTS
from harness.providers.aws.within import WITHIN, place_of
from harness.providers.contract import Presence

DECLARED = {token: one for token, one in registry.resources().items() if one.destructive}
BOTOCORE = {"deploy": "codedeploy", "s3api": "s3"}


@pytest.mark.parametrize("token", sorted(DECLARED))
def test_every_declared_type_has_its_command(token: str) -> None:
    """A new type with a delete of its own (`delete_with`) needs a line in `commands.py`."""
    outputs = dict.fromkeys(DECLARED[token].properties, "value")
    text = command(token, "one_a/b:c|d", "eu-west-1", outputs)
    assert text.startswith("aws "), f"add {token} to harness/providers/aws/commands.py"
    assert text.endswith(" --region eu-west-1")


NAMES = (
    *("arn", "cluster", "clusterName", "logGroupName", "name", "resourceId", "scalableDimension"),
    *("securityGroupId", "serviceNamespace", "targetGroupArn", "targetId", "vpcId"),
)
ANY = dict.fromkeys(NAMES, "value")


@pytest.mark.parametrize("token", sorted({*DECLARED, *IRREGULAR}))
def test_a_command_is_one_that_the_cli_has(token: str) -> None:
    """Service, operation and options exist in botocore's model, from which the CLI is made."""
    words = shlex.split(command(token, "a_b/c:d|e", "eu-west-1", ANY))
    if words[1:3] == ["s3", "rb"]:  # the CLI's own, for people
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
    """By a name that is known before, by its tags, or by what it goes with: else nobody could say it is gone."""
    declared = DECLARED[token]
    assert declared.identity or declared.identity_with or declared.searchable or token in WITHIN


class Parts(AwsProvider):
    """Answers for the whole what it is told."""

    whole = (Presence.GONE, "not there")

    def __init__(self) -> None:
        """Without a target."""

    def presence(self, type: str, id: str, outputs: dict[str, Any]) -> tuple[Presence, str]:  # noqa: A002
        """The whole is not asked for."""
        return self.whole if id == "arn:lb" else super().presence(type, id, outputs)


def test_a_part_is_gone_with_the_whole_and_not_before() -> None:
    """Its create was lost, and it has neither name nor tags: while the whole is there, nobody knows."""
    token = "aws:lb/listener:Listener"
    place = place_of(token, {"loadBalancerArn": "arn:lb"})
    assert place is not None
    assert place_of(token, {}) is None
    provider = Parts()
    assert provider.presence(token, place, {})[0] is Presence.GONE
    provider.whole = (Presence.EXISTS, "there")
    assert provider.presence(token, place, {})[0] is Presence.UNVERIFIED
