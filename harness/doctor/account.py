"""Environment and AWS files in; where credentials would come from out. AWS is not asked, and no value is read out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.doctor.check import Machine, State, Told, check
from harness.errors import ConfigError
from harness.plan.settings_file import ACCOUNTS_VARIABLE, read_settings

_WITHOUT = "the emulator needs none; for --target aws: "


class _UnreadableError(Exception):
    """A file of AWS's that cannot be parsed. What the parser says may hold a secret, and is not shown."""


@check("AWS credentials", needed=False)
def credentials(machine: Machine) -> Told:
    """A source of credentials, and accounts in which runs may create and destroy."""
    try:
        source, trouble = _source(machine.environ)
    except _UnreadableError as error:
        return Told(State.OPTIONAL, f"{error} cannot be parsed", _WITHOUT + "mend that file")
    try:
        allowed = read_settings(machine.environ).aws.accounts
        listed = f"allowed: {', '.join(allowed) or 'no account'}"
    except ConfigError:
        allowed, listed = (), "the allow-list cannot be read"
    found = f"{source or trouble or 'none found (instance metadata is not asked)'}; {listed}"
    if source and allowed:
        return Told(State.OK, found)
    remedies = [] if source else ["aws configure sso, or AWS_PROFILE=NAME"]
    if not allowed:
        remedies.append(f"export {ACCOUNTS_VARIABLE}=111122223333")
    return Told(State.OPTIONAL, found, _WITHOUT + "; ".join(remedies))


def _source(environ: Mapping[str, str]) -> tuple[str, str]:
    """What boto3's chain would take, in its order; or why it would find nothing.

    The order: https://docs.aws.amazon.com/boto3/latest/guide/credentials.html.
    """
    if environ.get("AWS_ACCESS_KEY_ID"):
        if not environ.get("AWS_SECRET_ACCESS_KEY"):
            return "", "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY"
        temporary = " and AWS_SESSION_TOKEN" if environ.get("AWS_SESSION_TOKEN") else ""
        return f"environment: AWS_ACCESS_KEY_ID{temporary}", ""
    name = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    config, shared = (_profile(environ, kind, name or "default") for kind in ("config", "credentials"))
    if name and config is None and shared is None:
        return "", f"AWS_PROFILE names {name!r}, which is in no file"
    merged = {**(config or {}), **(shared or {})}
    how = _way(merged, environ, in_shared="aws_access_key_id" in (shared or {}))
    if how:
        return f"profile {name or 'default'!r}: {how}", ""
    if environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") or environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        return "environment: the container's credentials service", ""
    return "", ""


def _way(profile: Mapping[str, Any], environ: Mapping[str, str], *, in_shared: bool) -> str:
    ways = (
        ("role_arn" in profile and ("source_profile" in profile or "credential_source" in profile), "a role"),
        ("role_arn" in profile and "web_identity_token_file" in profile, "a web identity"),
        (bool(environ.get("AWS_ROLE_ARN") and environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")), "a web identity"),
        ("sso_session" in profile or "sso_start_url" in profile, "single sign-on (logged in or not is not asked)"),
        (in_shared, "keys in the credentials file"),
        ("login_session" in profile, "aws login"),
        ("credential_process" in profile, "a process (not run)"),
        ("aws_access_key_id" in profile, "keys in the config file"),
    )
    return next((way for holds, way in ways if holds), "")


def _profile(environ: Mapping[str, str], kind: str, name: str) -> Mapping[str, Any] | None:
    from botocore.configloader import load_config, raw_config_parse
    from botocore.exceptions import ConfigNotFound, ConfigParseError

    variable = {"config": "AWS_CONFIG_FILE", "credentials": "AWS_SHARED_CREDENTIALS_FILE"}[kind]
    try:
        path = str(Path(environ.get(variable) or f"~/.aws/{kind}").expanduser())
        profiles = load_config(path)["profiles"] if kind == "config" else raw_config_parse(path)
    except ConfigNotFound:
        return None
    except (ConfigParseError, OSError, ValueError, RuntimeError) as error:
        raise _UnreadableError(variable if environ.get(variable) else f"~/.aws/{kind}") from error
    found = profiles.get(name)
    return found if isinstance(found, dict) else None
