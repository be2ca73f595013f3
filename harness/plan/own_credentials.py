"""Settings of the aws provider in; those of them by which it acts as somebody else than the environment says, out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.errors import ConfigError

OWN_CREDENTIALS: Final = (
    "accessKey",
    "secretKey",
    "token",
    "profile",
    "assumeRole",
    "assumeRoles",
    "assumeRoleWithWebIdentity",
    "sharedConfigFiles",
    "sharedCredentialsFiles",
)
"""Arguments of pulumi-aws's Provider."""
_PACKAGES: Final = ("aws", "aws-native")  # the second one has the same names
_NOTHING: Final[tuple[Any, ...]] = (None, "", "[]", "{}", "null", [], {})  # nested settings may come as JSON text


def own_credentials(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a provider's settings that say as whom it acts, and say something; paths (`token[0]`) by their root."""
    return {
        name: value
        for name, value in settings.items()
        if name.split(".")[0].split("[")[0] in OWN_CREDENTIALS and value not in _NOTHING
    }


def refuse_own_credentials(config: Mapping[str, Any], program: str) -> None:
    """Stack configuration for AWS itself must leave the account to the environment, which the allow-list is asked for.

    Raises:
        ConfigError: it does not; no value is told.
    """
    named = [key for key in config if key.partition(":")[0] in _PACKAGES]
    refused = sorted(key for key in named if own_credentials({key.partition(":")[2]: config[key]}))
    if refused:
        raise ConfigError(
            f"{program}: {', '.join(refused)} cannot be configured with --target aws: resources would be made in an "
            "account that nobody compared with the allow-list, and nobody could ask whether they are gone",
            hint="leave it out of harness.toml, the stack file and --config, and set AWS_PROFILE (or AWS_ACCESS_KEY_ID "
            "and its like) for the whole run instead",
        )
