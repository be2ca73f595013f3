"""`secret-readable`: a secret in; that it can be read and holds what it must out. Its value is never told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, Texts, kind
from harness.probes.model import ProbeFailure


class SecretKeys(Keys):
    """`secret-readable`."""

    secret: str = Field(description="name or ARN of the secret")
    fields: Texts = Field(default=[], description="names that the JSON in the secret must have, none of them empty")
    password_length: int | None = Field(
        default=None, ge=1, description="fewest characters of the password: of its field, or of the whole secret"
    )
    password_field: str = Field(default="password", description="where the password stands in JSON")


@kind("secret-readable", "secret")
def secret_readable(context: ProbeContext, keys: SecretKeys) -> Mapping[str, Any]:
    """The secret can be read, its JSON has the fields, the password is long enough; only names and lengths are told."""
    answer = context.client("secretsmanager").get_secret_value(SecretId=keys.secret)
    value: str | bytes = answer.get("SecretString") or answer.get("SecretBinary") or ""
    if not value:
        raise ProbeFailure("the secret is empty")
    fields = _fields(value)
    if keys.fields and fields is None:
        raise ProbeFailure("the secret is not a JSON object")
    missing = sorted(name for name in keys.fields if (fields or {}).get(name) in (None, ""))
    if missing:
        raise ProbeFailure(f"the secret lacks {', '.join(missing)}")
    seen: dict[str, Any] = {} if fields is None else {"fields": sorted(fields)}
    if keys.password_length is not None:
        length = len(value if fields is None else str(fields.get(keys.password_field, "")))
        if length < keys.password_length:
            raise ProbeFailure(f"the password has {length} characters, wanted {keys.password_length} or more")
        seen["password length"] = length
    return seen or {"length": len(value)}


def _fields(value: str | bytes) -> dict[str, Any] | None:
    """The object in it, or None. The parser's own message is not told: it could show a piece of the secret."""
    try:
        document = json.loads(value)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
