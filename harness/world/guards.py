"""Settings in; permission to touch real AWS, or a refusal, out. Nothing else opens that door."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.errors import TargetError
from harness.model import ProviderName
from harness.plan.settings_file import ACCOUNTS_VARIABLE, read_settings, settings_path

CONNECT = 5  # seconds


def check_aws(
    environ: Mapping[str, str],
    provider: ProviderName,
    tell: Callable[[str], None],
    regions: Iterable[str] = (),
) -> str:
    """The account, when it is on the allow-list; account and regions are told before anything begins.

    Asks STS only, and only with a list at hand. Raises TargetError, or ConfigError for malformed settings.
    """
    allowed = set(read_settings(environ).aws.accounts)
    if not allowed:
        raise TargetError(
            "--target aws is refused: no account is allowed",
            hint="name the accounts that runs may create and destroy in: "
            f"{ACCOUNTS_VARIABLE}=111122223333, or `accounts` under [aws] in {settings_path(environ)}",
        )
    account = _caller_account()
    if account not in allowed:
        raise TargetError(
            f"--target aws is refused: the credentials belong to account {account}, which is not on the allow-list",
            hint=f"add it to {ACCOUNTS_VARIABLE} or [aws] accounts, or use credentials of {', '.join(sorted(allowed))}",
        )
    where = ", ".join(sorted(set(regions)))
    tell(f"target is AWS itself: account {account}, {f'region {where}, ' if where else ''}provider {provider}")
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
