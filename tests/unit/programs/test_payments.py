"""`payments` with its fallbacks, with Pulumi's mocks: where its GitHub token goes, and what its artefacts lie under."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from mocked_programs import SECRET_KEY, SECRET_MARK, Declared, Mocked, policy_of

pytestmark = pytest.mark.xdist_group("payments")  # it is run once, for all tests of this file
TOKEN = "token-of-nobody"  # as the mocks answer for the secret
KEY = "arn:encryption-key"


@functools.cache
def payments() -> Declared:
    """What it declares, by token."""
    return Mocked("payments", "payments").declare()


def places(value: Any, *, hidden: bool = False) -> Iterator[bool]:
    """Wherever the token stands, at any depth: whether it, or something that it stands in, is marked secret."""
    if isinstance(value, dict):
        hidden = hidden or value.get(SECRET_KEY) == SECRET_MARK
        for name, part in value.items():
            yield from places(name, hidden=hidden)
            yield from places(part, hidden=hidden)
    elif isinstance(value, list):
        for part in value:
            yield from places(part, hidden=hidden)
    elif TOKEN in str(value):
        yield hidden


def test_the_token_is_secret_wherever_it_goes() -> None:
    """It goes to the source of the pipeline and nowhere else; there it is marked, and no output tells it."""
    found = {one["name"]: list(places(one["inputs"])) for one in payments().resources}
    assert {name: hidden for name, hidden in found.items() if hidden} == {"delivery-pipeline": [True]}
    assert TOKEN not in json.dumps(payments().outputs)


def test_artefacts_are_under_the_stacks_key() -> None:
    """CodePipeline writes with S3's default key unless it is told another; build and pipeline may use this one."""
    pipeline = payments().inputs("codepipeline/pipeline:Pipeline")
    [store] = pipeline["artifactStores"]
    assert store["encryptionKey"] == {"id": KEY, "type": "KMS"}
    for role in ("build", "pipeline"):
        may = policy_of(payments(), f"delivery-{role}-policy")["Key"]
        assert may["Resource"] == [KEY]
        assert {"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*", "kms:ReEncrypt*"} <= set(may["Action"])


def test_secrets_under_keys_of_their_own_can_be_decrypted() -> None:
    """By whoever reads them; a task or build that may read a secret, but not decrypt it, fails at its start."""
    keys = {"db-connection": "alias/mine", "github-token": "1234-56"}
    other = Mocked("payments", "payments").declare(secrets=keys)
    service, build = policy_of(other, "service-execution-policy"), policy_of(other, "delivery-build-policy")
    assert service["Decrypt"]["Resource"] == [KEY, "arn:key:alias/mine"]
    assert (build["DecryptToken"]["Action"], build["DecryptToken"]["Resource"]) == (
        ["kms:Decrypt"],
        ["arn:key:1234-56"],
    )
    assert policy_of(payments(), "service-execution-policy")["Decrypt"]["Resource"] == [KEY]
    assert "DecryptToken" not in policy_of(payments(), "delivery-build-policy")
