"""Literal passwords: found in the source and in plain configuration, wherever they are nested, and never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.policy.literals import find_literal
from harness.policy.rule import UNKNOWN, Resource, StackFacts
from harness.policy.rules import RULES
from harness.policy.rules.passwords import names_secret

CLUSTER = "aws:rds/cluster:Cluster"
VALUE = "Tr0ub4dor&3"
RULE = RULES["literal-passwords"]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A program whose source holds the value, and folders that are not its source."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "db.py").write_text(f"import x\n\npassword = {VALUE!r}\n")
    return tmp_path


def causes(props: dict[str, Any], sources: Path | None = None, type_: str = CLUSTER, **more: Any) -> list[str]:
    """What the rule says; every value counts as secret, as the AWS SDK has it, unless `secret` says otherwise."""
    config = more.pop("config", {})
    facts = StackFacts(
        config=config, secret_keys=frozenset(more.pop("secret_keys", ())), sources=None if sources is None else sources
    )
    marked = more.pop("secret", frozenset(props))
    resource = Resource(type=type_, name="db", props=props, secret=frozenset(marked), stack=facts)
    said = RULE.violations(resource, RULE.params())
    assert not any(VALUE in one for one in said), "the value is shown"
    return said


def test_a_literal_is_found_in_the_source_though_the_sdk_marks_it_secret(sources: Path) -> None:
    """File and line are told."""
    [cause] = causes({"masterPassword": VALUE}, sources)
    assert cause == "`masterPassword` is a literal in app/db.py:3"


def test_secret_configuration_is_the_right_place(sources: Path) -> None:
    """Also when the program builds a document or a URL from it."""
    told = {"config": {"shop:password": VALUE}, "secret_keys": ["shop:password"]}
    assert causes({"masterPassword": VALUE}, sources, **told) == []
    assert causes({"secretString": json.dumps({"password": VALUE})}, sources, **told) == []
    assert causes({"authToken": f"user:{VALUE}@host"}, sources, **told) == []


def test_plain_configuration_is_not() -> None:
    """The key is named."""
    [cause] = causes({"masterPassword": VALUE}, config={"shop:password": VALUE})
    assert "shop:password" in cause


def test_what_comes_from_elsewhere_and_is_secret_passes(tmp_path: Path) -> None:
    """A value that Secrets Manager gave, or pulumi-random drew: known in a later preview, and in no source."""
    assert causes({"masterPassword": VALUE}, tmp_path) == []
    assert causes({"masterPassword": UNKNOWN}, tmp_path) == []
    assert causes({"manageMasterUserPassword": True, "masterUserSecretKmsKeyId": "key"}, tmp_path, secret=()) == []


def test_what_is_not_even_secret_is_caught_wherever_it_comes_from() -> None:
    """Its value would stand in the state for everyone to read."""
    [cause] = causes({"masterPassword": VALUE}, secret=())
    assert "not a secret" in cause


@pytest.mark.parametrize(
    "props",
    [
        {"environment": {"variables": {"DB_PASSWORD": VALUE, "STAGE": "test"}}},
        {"containerDefinitions": json.dumps([{"name": "web", "environment": [{"name": "API_KEY", "value": VALUE}]}])},
        {"environment": {"environmentVariables": [{"name": "AUTH_TOKEN", "value": VALUE, "type": "PLAINTEXT"}]}},
        {"secretString": json.dumps({"username": "u", "password": VALUE})},
        {"secretString": VALUE},
        {"passwords": [VALUE]},
    ],
)
def test_it_is_found_wherever_it_is_nested(props: dict[str, Any], sources: Path) -> None:
    """Variables of functions, containers and builds; JSON documents."""
    [cause] = causes(props, sources, secret=())
    assert "app/db.py:3" in cause


@pytest.mark.parametrize(
    "props",
    [
        {"environment": {"variables": {"DB_PASSWORD_PARAMETER": "/shop/db", "PASSWORD_SECRET_ARN": "arn:aws:x"}}},
        {
            "environment": {
                "environmentVariables": [{"name": "API_KEY", "value": "shop/key", "type": "SECRETS_MANAGER"}]
            }
        },
        {"masterPassword": "arn:aws:secretsmanager:us-east-1:1:secret:x"},
        {"masterPassword": "{{resolve:secretsmanager:x}}"},
        {"containerDefinitions": json.dumps([{"secrets": [{"name": "API_KEY", "valueFrom": "arn:aws:ssm:x"}]}])},
        {"passwordPolicy": {"minimumLength": 8.0}, "passwordLength": 20.0},
        {"masterPassword": ""},
    ],
)
def test_references_to_secrets_are_no_secrets(props: dict[str, Any]) -> None:
    """What names a secret may be read by anyone."""
    assert causes(props, secret=()) == []


def test_parameters_are_judged_by_their_type_and_providers_by_who_made_them(sources: Path) -> None:
    """A plain String parameter is no secret; default providers are configured by the stack, not the program."""
    parameter = "aws:ssm/parameter:Parameter"
    assert causes({"type": "SecureString", "value": VALUE}, sources, parameter)
    assert causes({"type": "String", "value": VALUE}, sources, parameter) == []
    provider = Resource(type="pulumi:providers:aws", name="default_7_0_0", props={"secretKey": "emulator"})
    assert RULE.violations(provider, RULE.params()) == []


@given(st.sampled_from(["password", "masterPassword", "DB_PASSWORD", "apiKey", "private-key", "secretStringWo"]))
def test_words_for_secrets_end_a_name(word: str) -> None:
    """`passwordPolicy` and `DB_PASSWORD_ARN` name something else."""
    assert names_secret(word)
    assert not names_secret(f"{word}Arn")
    assert not names_secret(f"{word}_PARAMETER")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (f"x = {VALUE!r}", True),
        (f"x = f'Tr0ub4dor{{suffix}}'", True),  # noqa: F541 - braces are the program's
        ("x = 'Tr0ub4' + tail", True),
        (f'x = \'{{"password": "{VALUE}"}}\'', True),
        ("x = f'{one}{two}'", False),
        ("x = one + '&3'", False),  # three characters could end anything
        (f"# {VALUE}", False),
        ("x = 'Tr0ub4dor'", False),
        ("x = (", False),
    ],
)
def test_literals_templates_and_documents_are_recognised(source: str, found: bool, tmp_path: Path) -> None:
    """A template counts when its fixed part is long enough to be told from any other."""
    (tmp_path / "main.py").write_text(source)
    assert bool(find_literal(VALUE, tmp_path)) is found


def test_environments_and_hidden_folders_are_not_the_program(tmp_path: Path) -> None:
    """A virtual environment holds a million literals of others."""
    for name in ("venv", ".hidden", "__pycache__", "node_modules"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.py").write_text(f"x = {VALUE!r}")
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    assert find_literal(VALUE, tmp_path) is None
