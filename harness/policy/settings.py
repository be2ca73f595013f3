"""A program's `[policy]` table in; levels, parameters and packs out, and what the engine is told of them."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from harness.errors import ConfigError
from harness.model import Program, RuleLevel
from harness.plan.toml_place import Loc, refuse, refuse_invalid
from harness.policy import PACK
from harness.policy.packs import check_pack
from harness.policy.rule import Level, Params, Rule, choices, make_params
from harness.policy.rules import RULES

_LEVELS: Final = " | ".join(get_args(Level))


@dataclass(frozen=True)
class RuleSettings:
    """One rule of ours as it will run."""

    level: RuleLevel
    params: Params


@dataclass(frozen=True)
class PolicySettings:
    """Everything that a preview with policy needs to know: every rule of ours by name, and the user's packs."""

    rules: Mapping[str, RuleSettings] = field(default_factory=dict)
    packs: tuple[Path, ...] = ()


class _PolicyTable(BaseModel):
    """`[policy]` itself; its rules are read one by one, each by its own model."""

    model_config = ConfigDict(extra="forbid", strict=True)

    packs: list[str] = Field(default_factory=list, description="a list of directories with policy packs")
    rules: dict[str, Any] = Field(default_factory=dict, description="[policy.rules.RULE] tables, or RULE = LEVEL")


def read_policy(program: Program) -> PolicySettings:
    """Settings of the program's policy: `[policy]` of its harness.toml, else every rule's own defaults.

    Without a harness.toml, rules on names and tags are advisory: nobody told that program of our conventions.

    Raises:
        ConfigError: an unknown rule, level, parameter or key, or a pack that is not there; with file and line.
    """
    path = program.settings_file or program.directory / "harness.toml"
    try:
        table = _PolicyTable.model_validate(dict(program.policy))
    except ValidationError as error:
        raise refuse_invalid(path, ("policy",), _PolicyTable, error) from error
    for name in table.rules:
        if name not in RULES:
            raise refuse(path, ("policy", "rules", name), "there is no such rule", _rules_like(name))
    bare = program.settings_file is None
    return PolicySettings(
        rules={name: _settings(path, rule, table.rules.get(name, {}), bare=bare) for name, rule in RULES.items()},
        packs=tuple(_pack(path, program.directory, index, given) for index, given in enumerate(table.packs)),
    )


def _settings(path: Path, rule: Rule, given: Any, *, bare: bool) -> RuleSettings:
    loc: Loc = ("policy", "rules", rule.name)
    if isinstance(given, str):
        given = {"level": given}
    if not isinstance(given, Mapping):
        raise refuse(path, loc, "is neither a level nor a table", f"allowed: {_LEVELS}, or a table")
    model = params_model(rule)
    try:
        checked = model.model_validate(dict(given)).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise refuse_invalid(path, loc, model, error) from error
    default = "advisory" if bare and rule.on_naming and rule.level == "mandatory" else rule.level
    level = checked.pop("level", default)
    return RuleSettings(RuleLevel(level), make_params(rule, checked))


def params_model(rule: Rule) -> type[BaseModel]:
    """The pydantic model of `[policy.rules.RULE]`: the level, and the rule's own parameters."""
    known: dict[str, Any] = {
        one.name: (
            _annotation(one.default, one.type),
            Field(default=one.default, ge=one.metadata["least"], le=one.metadata["most"], description=_words(one)),
        )
        for one in fields(rule.params)
    }
    level: Any = (Level, Field(default=rule.level, description=_LEVELS))
    name = "".join(part.capitalize() for part in rule.name.split("-"))
    made: type[BaseModel] = create_model(
        name, __config__=ConfigDict(extra="forbid", strict=True, frozen=True), level=level, **known
    )
    return made


def _words(one: Any) -> str:
    return str(one.metadata["words"])


def _annotation(default: Any, annotation: Any) -> Any:
    if isinstance(default, tuple):
        return list[str]
    allowed = choices(annotation).get("enum")
    return Literal[tuple(allowed)] if allowed else type(default)


def _rules_like(name: str) -> str:
    """All rules, those first that the name may have meant."""
    near = difflib.get_close_matches(name, RULES, n=3, cutoff=0.5)
    if not near:
        return f"rules: {', '.join(RULES)}"
    rest = [one for one in RULES if one not in near]
    return f"did you mean {near[0]}? rules: {', '.join([*near, *rest])}"


def _pack(path: Path, directory: Path, index: int, given: str) -> Path:
    try:
        return check_pack(directory / Path(given).expanduser())
    except ConfigError as error:
        raise refuse(path, ("policy", "packs"), f"pack {index + 1}: {error.message}", error.hint) from error


def policy_arguments(settings: PolicySettings, extra_packs: Sequence[Path], directory: Path) -> list[str]:
    """What `pulumi preview` (or `up`) is told to run our pack and the user's.

    Our pack's configuration is written into `directory`, for its owner alone. The engine wants as many
    `--policy-pack-config` as `--policy-pack`; an empty one is none. Both flags take several values with commas between
    them, so that values are quoted.

    Args:
        settings: as `read_policy` gave them.
        extra_packs: the user's further packs (`--policy-pack`); one that is named twice runs once.
        directory: where the configuration is written.

    Raises:
        ConfigError: a pack of `extra_packs` is not one.
        OSError: `directory` cannot be written.
    """
    config = directory / "policy.json"
    config.unlink(missing_ok=True)
    with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(pack_config(settings), file, indent=1)
    theirs = dict.fromkeys((*settings.packs, *(check_pack(pack) for pack in extra_packs)))
    theirs.pop(PACK.resolve(), None)
    arguments = ["--policy-pack", _quoted(str(PACK)), "--policy-pack-config", _quoted(str(config))]
    for pack in theirs:
        arguments += ["--policy-pack", _quoted(str(pack)), "--policy-pack-config", '""']
    return arguments


def pack_config(settings: PolicySettings) -> dict[str, dict[str, Any]]:
    """Our pack's configuration, as `--policy-pack-config` reads it."""
    return {
        name: {"enforcementLevel": rule.level.value, **_plain(rule.params)} for name, rule in settings.rules.items()
    }


def _plain(params: Params) -> dict[str, Any]:
    values = {one.name: getattr(params, one.name) for one in fields(params)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _quoted(text: str) -> str:
    """One field of the comma-separated values that the engine's flags are."""
    escaped = text.replace('"', '""')
    return f'"{escaped}"'
