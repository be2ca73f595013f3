"""Provider configuration in (`aws:Provider` or `aws:*` of a stack), configured instances out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from harness.plan.own_credentials import own_credentials
from harness.providers.aws.clients import Access, Clients
from harness.providers.aws.shapes import nearest
from harness.providers.aws.tags import TagRules
from harness.providers.contract import UNKNOWN, Change, Checked, CheckFailure, Diff, Props, ProviderError

if TYPE_CHECKING:
    from harness.providers.ambient import Ambient
    from harness.providers.aws.provider import AwsProvider

_HONOURED: Final = frozenset(
    [
        "region",
        "accessKey",
        "secretKey",
        "token",
        "profile",
        "assumeRole",
        "assumeRoles",
        "defaultTags",
        "ignoreTags",
        "endpoints",
        "s3UsePathStyle",
        "allowedAccountIds",
        "forbiddenAccountIds",
        "maxRetries",
        "retryMode",
        "insecure",
        "customCaBundle",
        "useFipsEndpoint",
        "useDualstackEndpoint",
        "userAgents",
    ]
)
_WITHOUT_EFFECT: Final = frozenset(  # checks of the official provider that this one does not make in the first place
    [
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "s3UsEast1RegionalEndpoint",
        "version",
        "pluginDownloadURL",
    ]
)
_REFUSED: Final = frozenset(
    [
        "assumeRoleWithWebIdentity",
        "ec2MetadataServiceEndpoint",
        "ec2MetadataServiceEndpointMode",
        "httpProxy",
        "httpsProxy",
        "noProxy",
        "sharedConfigFiles",
        "sharedCredentialsFiles",
        "stsRegion",
        "tagPolicyCompliance",
        "tokenBucketRateLimiterCapacity",
    ]
)
_REPLACING: Final = ("region",)
_ROLE: Final = {
    "roleArn": "RoleArn",
    "sessionName": "RoleSessionName",
    "externalId": "ExternalId",
    "policy": "Policy",
    "sourceIdentity": "SourceIdentity",
}
_SERVICES: Final = {"cloudwatchlogs": "logs", "cloudwatchevents": "events", "elb": "elb", "alb": "elbv2"}


class AwsPackage:
    """Implements contract.Package. On an ambient endpoint the program's own credentials never count."""

    name = "aws"

    def __init__(self, ambient: Ambient) -> None:
        self.ambient = ambient
        self.version = metadata.version("pulumi-aws")

    def check_config(self, inputs: Props) -> Checked:
        """Refuse, by name, the settings that would be ignored."""
        failures = []
        for name in inputs:
            if name in _HONOURED or name in _WITHOUT_EFFECT or name.startswith("__"):
                continue
            if name in _REFUSED:
                if _plain(inputs[name]):
                    reason = f"aws:{name}: the bundled provider does not support it; use `--provider official`"
                    failures.append(CheckFailure(name, reason))
                continue
            hint = nearest(name, _HONOURED)
            meant = f"did you mean `{hint}`?" if hint else "use `--provider official`"
            failures.append(CheckFailure(name, f"the aws provider has no setting `{name}`; {meant}"))
        return Checked(inputs, (*failures, *_roles(inputs)))

    def diff_config(self, old: Props, new: Props) -> Diff:
        """Another region is another provider: its resources cannot follow."""
        changes = {
            name: Change.UPDATE_REPLACE if name in _REPLACING else Change.UPDATE
            for name in {*old, *new}
            if _plain(old.get(name)) != _plain(new.get(name))
        }
        return Diff(changes)

    def configure(self, config: Props) -> AwsProvider:
        """An instance. Raises ProviderError when the account may not be used or the settings cannot be read."""
        from harness.providers.aws.provider import AwsProvider

        settings = {key: _plain(one) for key, one in config.items()}
        clients = Clients(_access(self.ambient, settings))
        _guard_account(clients, settings)
        return AwsProvider(clients, _rules(self.ambient, settings))


def _plain(value: Any) -> Any:
    """A setting that came as JSON text, as what it says; an unknown one as nothing."""
    if value is UNKNOWN:
        return None
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError as error:
            raise ProviderError(f"a setting of the aws provider is not JSON: {error}") from error
    return value


def _flag(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value or "").lower() == "true"


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _roles(inputs: Props) -> list[CheckFailure]:
    roles = _listed(_plain(inputs.get("assumeRoles"))) + _listed(_plain(inputs.get("assumeRole")))
    failures = [CheckFailure("assumeRoles", "chained roles: use `--provider official`")] if len(roles) > 1 else []
    for role in roles:
        if isinstance(role, Mapping):
            failures += [
                CheckFailure("assumeRoles", f"assumeRole argument `{name}`: use `--provider official`")
                for name, value in role.items()
                if name not in {*_ROLE, "duration"} and value not in (None, [], {})
            ]
    return failures


def _access(ambient: Ambient, settings: Props) -> Access:
    endpoints = {}
    for block in _listed(settings.get("endpoints")):
        endpoints.update({_SERVICES.get(key, key): url for key, url in block.items() if url})
    role = next(iter([*_listed(settings.get("assumeRoles")), *_listed(settings.get("assumeRole"))]), None) or {}
    retries = settings.get("maxRetries")
    access = Access(
        region=str(settings.get("region") or ambient.region),
        endpoint=ambient.endpoint,
        endpoints=endpoints,
        access_key=settings.get("accessKey") or ambient.access_key,
        secret_key=settings.get("secretKey") or ambient.secret_key,
        token=settings.get("token") or ambient.session_token,
        profile=settings.get("profile"),
        path_style=_flag(settings.get("s3UsePathStyle")),
        attempts=int(retries) + 1 if retries else None,
        retry_mode=str(settings.get("retryMode") or "standard"),
        insecure=_flag(settings.get("insecure")),
        ca_bundle=settings.get("customCaBundle"),
        fips=_flag(settings.get("useFipsEndpoint")),
        dualstack=_flag(settings.get("useDualstackEndpoint")),
        user_agent=" ".join(map(str, _listed(settings.get("userAgents")))),
        assume_role=_role(role) if role else {},
        elsewhere=bool(own_credentials(settings)),
    )
    if ambient.endpoint is None:
        return access
    return replace(  # safety: real credentials never reach an emulator, and no call leaves it for AWS
        access,
        access_key=ambient.access_key or "test",
        secret_key=ambient.secret_key or "test",
        token=ambient.session_token,
        profile=None,
        assume_role={},
        elsewhere=False,
        ca_bundle=None,
        fips=False,
        dualstack=False,
    )


def _role(role: Mapping[str, Any]) -> dict[str, Any]:
    result = {_ROLE[key]: one for key, one in role.items() if key in _ROLE and one}
    result.setdefault("RoleSessionName", "harness")
    return result


def _rules(ambient: Ambient, settings: Props) -> TagRules:
    own = settings.get("defaultTags") or {}
    ignored = settings.get("ignoreTags") or {}
    return TagRules(
        defaults={**ambient.tags, **{key: str(one) for key, one in (own.get("tags") or {}).items()}},
        ignored=frozenset(ignored.get("keys") or ()),
        ignored_prefixes=tuple(ignored.get("keyPrefixes") or ()),
    )


def _guard_account(clients: Clients, settings: Props) -> None:
    allowed = [str(one) for one in _listed(settings.get("allowedAccountIds"))]
    forbidden = [str(one) for one in _listed(settings.get("forbiddenAccountIds"))]
    if not allowed and not forbidden:
        return
    account = clients.account
    if (allowed and account not in allowed) or account in forbidden:
        raise ProviderError(f"account {account} may not be used: allowedAccountIds or forbiddenAccountIds excludes it")
