"""A resource in; passwords that the program, or its plain configuration, holds as text out. Never their values.

Pulumi's AWS SDK marks a password argument as secret whatever is given for it, so that secretness alone tells nothing: a
literal is known by being found in the program's own source, or in configuration that is not secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from harness.policy.rule import Params, Resource, rule

# The end of an argument, a JSON key or an environment variable that holds a secret; written without `_` and `-`.
_SECRET: Final = re.compile(
    r"(?:password|passwd|passphrase|secretstring|secretbinary|secretkey|secretaccesskey|sharedsecret|clientsecret"
    r"|privatekey|presharedkey|authtoken|accesstoken|oauthtoken|apikey|tokenkey|platformcredential"
    r"|basicauthcredential)s?(?:wo)?"
)
# Names of secrets, and how AWS's services look them up themselves.
_REFERENCE: Final = re.compile(r"arn:|\{\{resolve:|\$\{")
_LOOKED_UP: Final = frozenset({"SECRETS_MANAGER", "PARAMETER_STORE"})  # CodeBuild's types of variables
# Where a secret stands, its text, and whether Pulumi keeps it as a secret.
Candidate: TypeAlias = tuple[str, str, bool]
_SHORTEST: Final = 4  # characters: a shorter value is found in any text


@rule(
    "literal-passwords",
    description="No password stands in the program or in plain configuration.",
    remedy="draw it with pulumi-random, read it with `config.require_secret` (`pulumi config set --secret`) or from "
    "Secrets Manager, and let AWS keep it where it can (`manage_master_user_password`)",
)
def literal_passwords(resource: Resource, params: Params) -> Iterator[str]:
    """Arguments, and what is nested in them: variables of functions, containers and builds, JSON of secrets."""
    del params
    for path, value, secret in _candidates(resource):
        if _from_secret_config(value, resource):
            continue
        if key := _plain_config_key(value, resource):
            yield f"`{path}` comes from the plain configuration `{key}`"
        elif place := _in_source(value, resource):
            yield f"`{path}` is a literal in {place}"
        elif not secret:
            yield f"`{path}` is not a secret: its value would be readable in the state"


def _candidates(resource: Resource) -> Iterator[Candidate]:
    if resource.type.startswith("pulumi:providers:") and resource.name.startswith("default"):
        return  # configured by the stack, where the harness puts an emulator's keys
    if resource.type == "aws:ssm/parameter:Parameter":
        if resource.get("type") == "SecureString":
            yield from _texts("value", resource.get("value"), "value" in resource.secret)
        return
    for key, value in resource.props.items():
        yield from _within(key, key, value, resource.secret, secret=False)


def _within(key: str, path: str, value: Any, marked: frozenset[str], *, secret: bool) -> Iterator[Candidate]:
    """Every text that stands for a secret, by its own name or by the `name` beside it."""
    secret = secret or path in marked
    if names_secret(key):
        yield from _texts(path, value, secret)
    elif isinstance(value, Mapping):
        for inner, one in value.items():
            yield from _within(str(inner), f"{path}.{inner}", one, marked, secret=secret)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _pair_or_within(f"{path}[{index}]", one, marked, secret=secret)
    elif isinstance(value, str) and value[:1] in {"{", "["}:
        yield from _within(key, path, _parsed(value), marked, secret=secret)


def _pair_or_within(path: str, value: Any, marked: frozenset[str], *, secret: bool) -> Iterator[Candidate]:
    if isinstance(value, Mapping) and isinstance(value.get("name"), str) and "value" in value:
        if names_secret(value["name"]) and value.get("type") not in _LOOKED_UP:
            yield from _texts(f"{path} {value['name']}", value["value"], secret or f"{path}.value" in marked)
    elif isinstance(value, Mapping | list):
        yield from _within("", path, value, marked, secret=secret)


def _texts(path: str, value: Any, secret: bool) -> Iterator[Candidate]:
    """The texts of one secret. A JSON document is judged by its secret fields, where it has any."""
    for text in value if isinstance(value, list) else [value]:
        if not isinstance(text, str) or not text or _REFERENCE.match(text):
            continue
        parsed = _parsed(text) if text[:1] == "{" else None
        fields = list(_within("", path, parsed, frozenset(), secret=secret)) if parsed else []
        yield from fields or [(path, text, secret)]


def names_secret(key: str) -> bool:
    """Whether a key ends in a word for a secret: `masterPassword`, `DB_PASSWORD`, not `passwordPolicy`."""
    word = re.sub(r"[-_]", "", key).lower()
    return any(match.end() == len(word) for match in _SECRET.finditer(word))


def _parsed(text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError:  # it is only text after all
        return None


def _from_secret_config(value: str, resource: Resource) -> bool:
    """Whether a secret of the stack's configuration stands behind it, alone or as part of one."""
    stack = resource.stack
    secrets = [stack.config[key] for key in stack.secret_keys if key in stack.config]
    return any(value in one or (len(one) >= _SHORTEST and one in value) for one in secrets)


def _plain_config_key(value: str, resource: Resource) -> str | None:
    stack = resource.stack
    return next((key for key, one in stack.config.items() if key not in stack.secret_keys and one == value), None)


def _in_source(value: str, resource: Resource) -> str | None:
    if resource.stack.sources is None or len(value) < _SHORTEST:
        return None
    from harness.policy.literals import find_literal  # reads files: only when there is a password to look for

    return find_literal(value, resource.stack.sources)
