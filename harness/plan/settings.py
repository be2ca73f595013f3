"""Flags and environment in, checked settings out: configuration pairs, durations, regions, stack files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.errors import ConfigError
from harness.model import Program, ProviderName, StackConfig, TargetKind

DEFAULT_REGION = "us-east-1"

_KEY = re.compile(r"(?:[A-Za-z][\w-]*:)?[A-Za-z_][\w.\-\[\]\"]*")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|)")
_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
# What a Pulumi.NAME.yaml needs besides `config:` for its encrypted values to be read again.
_SECRET_KEYS = ("encryptionsalt", "secretsprovider", "encryptedkey")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for, before anything was read or looked up."""

    programs: tuple[str, ...]
    cwd: Path
    environ: Mapping[str, str]
    target: TargetKind = "emulator"
    provider: ProviderName | None = None  # None: bundled on an emulator, official on aws
    region: str | None = None
    config: tuple[str, ...] = ()
    suffix: str | None = None
    stack_config: str | None = None
    limits: Mapping[str, float] = field(default_factory=dict)  # seconds, by the keys of [limits] in harness.toml
    keep_on_failure: bool = False
    preflight: bool = True
    policy: bool = True
    policy_packs: tuple[str, ...] = ()
    probe: bool = True
    recheck: bool = True
    parallel: int = 1
    faults: str | None = None  # a file
    tags: Mapping[str, str] = field(default_factory=dict)


def parse_config(pairs: tuple[str, ...]) -> dict[str, str]:
    """`key=value` texts as a mapping. Raises ConfigError; the value is never shown, it may be a password."""
    config: dict[str, str] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator:
            raise ConfigError(f"--config {key!r} has no value", hint="write --config key=value")
        if not _KEY.fullmatch(key):
            raise ConfigError(
                f"--config key {key!r} is malformed", hint="write --config key=value or --config namespace:key=value"
            )
        if not _is_text(value):
            raise ConfigError(f"--config {key!r} holds bytes that are not UTF-8", hint="give it as text")
        if key in config:
            raise ConfigError(f"--config {key!r} is given twice", hint="give each key once")
        config[key] = value
    return config


def _is_text(value: str) -> bool:
    """Bytes of the command line that are no UTF-8 arrive as lone surrogates, which no file can hold."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def namespaced(config: Mapping[str, str], project: str) -> dict[str, str]:
    """Keys as Pulumi writes them: `project:key` where no namespace was given."""
    return {key if ":" in key else f"{project}:{key}": value for key, value in config.items()}


def parse_duration(text: str, flag: str) -> float:
    """`90`, `90s`, `15m` or `2h` as seconds. Raises ConfigError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0:
        raise ConfigError(f"{flag} {text!r} is not a duration", hint="write seconds, or 90s, 15m, 2h")
    return float(match[1]) * _UNITS[match[2]]


def check_region(region: str, source: str) -> str:
    """The region itself, or ConfigError when it cannot be the name of one."""
    if not _REGION.fullmatch(region):
        raise ConfigError(f"{source}: {region!r} is not a region name", hint="regions look like eu-central-1")
    return region


def pick_region(settings: Settings, program: Program, given: Mapping[str, str], stack: StackConfig | None) -> str:
    """--region, else `aws:region` in --config, the stack file or harness.toml, else the environment, else us-east-1."""
    stack_config = stack.config if stack else {}
    candidates: tuple[tuple[str, Any], ...] = (
        ("--region", settings.region),
        ("--config aws:region", given.get("aws:region")),
        ("aws:region in the stack file", stack_config.get("aws:region")),
        ("aws:region in harness.toml", program.config.get("aws:region")),
        ("AWS_REGION", settings.environ.get("AWS_REGION")),
        ("AWS_DEFAULT_REGION", settings.environ.get("AWS_DEFAULT_REGION")),
    )
    source, region = next(((s, r) for s, r in candidates if r), ("default", DEFAULT_REGION))
    return check_region(str(region), source)


def read_stack_config(program: Program, name: str, environ: Mapping[str, str]) -> StackConfig:
    """`Pulumi.NAME.yaml` of the program. Raises ConfigError, also when its secrets cannot be opened."""
    path = program.directory / f"Pulumi.{name}.yaml"
    if not path.is_file():
        present = sorted(p.name.split(".")[1] for p in program.directory.glob("Pulumi.*.yaml"))
        raise ConfigError(f"no {path}", hint=f"stack files here: {', '.join(present) or 'none'}")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        config = dict(document.get("config") or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"cannot read {path}: {error}", hint="it needs a mapping `config:`") from error
    secrets = {key: str(document[key]) for key in _SECRET_KEYS if document.get(key)}
    encrypted = any(isinstance(value, dict) and "secure" in value for value in config.values())
    has_passphrase = "PULUMI_CONFIG_PASSPHRASE" in environ or "PULUMI_CONFIG_PASSPHRASE_FILE" in environ
    if encrypted and "encryptionsalt" in secrets and not has_passphrase:
        raise ConfigError(
            f"{path} holds encrypted values", hint="set PULUMI_CONFIG_PASSPHRASE to the passphrase of that stack"
        )
    return StackConfig(name=name, config=config, secrets=secrets if encrypted else {})
