"""The caller's environment in; permission to touch real AWS out, or a refusal. Nothing else opens that door."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.errors import TargetError
from harness.model import ProviderName

ALLOWED_VARIABLE = "HARNESS_AWS_ACCOUNTS"  # comma-separated 12-digit accounts that runs may use
CONNECT = 5  # seconds


def check_aws(environ: Mapping[str, str], provider: ProviderName, tell: Callable[[str], None]) -> str:
    """The account, when it is on the allow-list. Raises TargetError. Asks STS only, and only with a list at hand."""
    allowed = {account.strip() for account in environ.get(ALLOWED_VARIABLE, "").split(",") if account.strip()}
    if not allowed:
        raise TargetError(
            "--target aws is refused: no account is allowed",
            hint=f"name the accounts that runs may create and destroy in: {ALLOWED_VARIABLE}=111122223333",
        )
    account = _caller_account()
    if account not in allowed:
        raise TargetError(
            f"--target aws is refused: the credentials belong to account {account}, which is not on the allow-list",
            hint=f"add it to {ALLOWED_VARIABLE}, or use credentials of {', '.join(sorted(allowed))}",
        )
    tell(f"target is AWS itself: account {account}, provider {provider}")
    return account


def _caller_account() -> str:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client: Any = boto3.client("sts", config=Config(connect_timeout=CONNECT, read_timeout=CONNECT))
        return str(client.get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise TargetError(
            f"AWS does not say whose credentials these are: {error}",
            hint="log in again, or check AWS_PROFILE, AWS_ACCESS_KEY_ID and the network",
        ) from error
