"""The environment's AWS credentials in; until when they count, and whether they renew themselves, out. Asks no AWS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from harness.errors import TargetError

_FIXED = ("env",)  # botocore's name for credentials of the environment: nobody can change that of a running process


@dataclass(frozen=True, slots=True)
class Expiry:
    """When credentials end; `source` is botocore's name for where they are from."""

    at: datetime
    renewable: bool
    source: str


def read_expiry() -> Expiry | None:
    """Look the credentials up anew, as every AWS client does; None: they do not expire, or do not say when.

    May run a `credential_process`, ask a role's endpoint, or a login's cache: not for a thread that must not wait.

    Raises:
        TargetError: there are none, or their source fails.
    """
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    hint = "log in again, or check AWS_PROFILE and what it names"
    try:
        credentials = Session().get_credentials()
        if credentials is None:
            raise TargetError("there are no AWS credentials", hint=hint)
        if getattr(credentials, "_expiry_time", None) is None:  # a role's are fetched when they are wanted first
            credentials.get_frozen_credentials()
        at = getattr(credentials, "_expiry_time", None)
    except (BotoCoreError, RuntimeError, ValueError, OSError) as error:
        raise TargetError(f"AWS credentials cannot be had: {error}", hint=hint) from error
    if not isinstance(at, datetime):
        return None
    source = str(credentials.method)
    return Expiry(at.astimezone(UTC), renewable=source not in _FIXED, source=source)
