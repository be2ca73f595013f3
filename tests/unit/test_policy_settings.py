"""`[policy]` of harness.toml: levels, parameters and packs; what is malformed is named with file, line and remedy."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.model import Program, RuleLevel
from harness.policy import PACK
from harness.policy.rule import json_schema, make_params
from harness.policy.rules import RULES
from harness.policy.settings import PolicySettings, pack_config, policy_arguments, read_policy


def program(directory: Path, toml: str | None) -> Program:
    """A program with this harness.toml, or without one."""
    file = directory / "harness.toml"
    table: dict[str, Any] = {}
    if toml is not None:
        file.write_text(toml)
        table = tomllib.loads(toml)["policy"]
    return Program(
        name="shop", directory=directory, main=directory, policy=table, settings_file=None if toml is None else file
    )


def write_pack(directory: Path, file: str = "PulumiPolicy.yaml") -> Path:
    """A directory that the engine would take for a pack."""
    directory.mkdir(parents=True)
    (directory / file).write_text("runtime: python\n")
    (directory / "__main__.py").touch()
    return directory


def test_without_a_table_every_rule_has_its_own_level(tmp_path: Path) -> None:
    """And its own parameters."""
    settings = read_policy(program(tmp_path, "[policy]\n"))
    assert {name: one.level.value for name, one in settings.rules.items()} == {n: r.level for n, r in RULES.items()}
    assert {name: one.params for name, one in settings.rules.items()} == {n: r.params() for n, r in RULES.items()}
    assert settings.packs == ()


def test_without_a_file_rules_on_names_and_tags_only_advise(tmp_path: Path) -> None:
    """Nobody told that program of our conventions; what would keep it from being destroyed counts all the same."""
    levels = {name: one.level for name, one in read_policy(program(tmp_path, None)).rules.items()}
    assert levels["suffix-in-names"] is levels["required-tags"] is RuleLevel.ADVISORY
    assert levels["deletion-protection"] is RuleLevel.MANDATORY


def test_levels_and_parameters_are_read_in_both_forms(tmp_path: Path) -> None:
    """`RULE = LEVEL`, and a table with the rule's own parameters."""
    write_pack(tmp_path / "packs" / "own")
    settings = read_policy(
        program(
            tmp_path,
            '[policy]\npacks = ["packs/own"]\n[policy.rules]\nsuffix-in-names = "disabled"\n'
            '[policy.rules.backup-retention]\nlevel = "mandatory"\ndays = 30\nexempt = ["legacy-*"]\n',
        )
    )
    assert settings.rules["suffix-in-names"].level is RuleLevel.DISABLED
    backup = settings.rules["backup-retention"]
    assert backup.level is RuleLevel.MANDATORY
    assert backup.params == make_params(RULES["backup-retention"], {"days": 30, "exempt": ["legacy-*"]})
    assert settings.packs == ((tmp_path / "packs" / "own").resolve(),)


@pytest.mark.parametrize(
    ("toml", "place", "key", "words"),
    [
        ("[policy.rules]\nsufix-in-names = 'advisory'\n", 2, "policy.rules.sufix-in-names", "mean suffix-in-names?"),
        ("[policy.rules]\nx = 'advisory'\n", 2, "policy.rules.x", "required-tags"),
        ("[policy.rules]\nrequired-tags = 'loud'\n", 2, "policy.rules.required-tags", "mandatory | advisory"),
        ("[policy.rules]\nrequired-tags = 3\n", 2, "policy.rules.required-tags", "mandatory | advisory"),
        ("[policy.rules.required-tags]\nlevel = 'remediate'\n", 2, "policy.rules.required-tags.level", "disabled"),
        ("[policy.rules.backup-retention]\n\ndays = '30'\n", 3, "policy.rules.backup-retention.days", "1 to 35"),
        ("[policy.rules.backup-retention]\ndays = 36\n", 2, "policy.rules.backup-retention.days", "1 to 35"),
        ("[policy.rules.backup-retention]\ndays = true\n", 2, "policy.rules.backup-retention.days", "1 to 35"),
        ("[policy.rules.backup-retention]\nday = 3\n", 2, "policy.rules.backup-retention.day", "level, exempt, days"),
        ("[policy.rules.required-tags]\ntags = 'Owner'\n", 2, "policy.rules.required-tags.tags", "list of tag keys"),
        ("[policy.rules.deletion-protection]\nwanted = 'no'\n", 2, "policy.rules.deletion-protection.wanted", '"off"'),
        ("[policy]\npack = []\n", 2, "policy.pack", "packs, rules"),
        ("[policy]\npacks = 'x'\n", 2, "policy.packs", "list of directories"),
        ("[policy]\npacks = ['nowhere']\n", 2, "policy.packs", "PulumiPolicy.yaml"),
        ("[policy]\nrules = 'all'\n", 2, "policy.rules", "RULE"),
    ],
)
def test_what_is_malformed_is_named_with_file_line_key_and_what_is_allowed(
    toml: str, place: int, key: str, words: str, tmp_path: Path
) -> None:
    """A user finds the place without searching."""
    with pytest.raises(ConfigError) as refused:
        read_policy(program(tmp_path, toml))
    assert refused.value.message.startswith(f"{tmp_path / 'harness.toml'}:{place}: {key}")
    assert words in refused.value.hint


def test_a_pack_that_the_engine_could_not_read_is_refused(tmp_path: Path) -> None:
    """The engine takes PulumiPolicy.yaml only, and without a __main__.py the SDK would run the program's own."""
    write_pack(tmp_path / "yml", "PulumiPolicy.yml")
    empty = write_pack(tmp_path / "empty")
    (empty / "__main__.py").unlink()
    broken = write_pack(tmp_path / "broken")
    (broken / "PulumiPolicy.yaml").write_text("runtime: [\n")
    silent = write_pack(tmp_path / "silent")
    (silent / "PulumiPolicy.yaml").write_text("description: none\n")
    for name, words in (("yml", "rename"), ("empty", "PolicyPack"), ("broken", "YAML"), ("silent", "runtime")):
        with pytest.raises(ConfigError) as refused:
            read_policy(program(tmp_path, f"[policy]\npacks = ['{name}']\n"))
        assert words in refused.value.hint
        assert "\n" not in refused.value.message


def test_the_engine_gets_one_configuration_for_each_pack(tmp_path: Path) -> None:
    """Ours in a file for its owner alone; none for the user's; paths with commas and quotes survive the flag's CSV."""
    odd = write_pack(tmp_path / 'a,b "c"')
    settings = read_policy(program(tmp_path, "[policy]\n"))
    arguments = policy_arguments(settings, [odd, odd, PACK], tmp_path)
    flags, given_ = arguments[::2], [next(csv.reader([one])) for one in arguments[1::2]]
    assert flags == ["--policy-pack", "--policy-pack-config"] * 2
    assert given_ == [[str(PACK)], [str(tmp_path / "policy.json")], [str(odd)], [""]]
    config = tmp_path / "policy.json"
    assert config.stat().st_mode & 0o777 == 0o600
    assert json.loads(config.read_text()) == pack_config(settings)
    assert policy_arguments(settings, [], tmp_path) == arguments[:4]  # again, in the same directory
    with pytest.raises(ConfigError):
        policy_arguments(settings, [tmp_path], tmp_path)


@given(st.sampled_from(sorted(RULES)), st.sampled_from(["mandatory", "advisory", "disabled"]), st.data())
def test_the_pack_reads_back_what_the_settings_wrote(rule: str, level: str, data: st.DataObject) -> None:
    """Through JSON, where numbers become floats on their way through the engine."""
    table: dict[str, Any] = {"level": level}
    for name, schema in json_schema(RULES[rule].params).items():
        if data.draw(st.booleans()):
            table[name] = data.draw(_values(schema))
    made = read_policy(
        Program(
            name="x",
            directory=Path("/x"),
            main=Path("/x"),
            policy={"rules": {rule: table}},
            settings_file=Path("/x/harness.toml"),
        )
    )
    written = json.loads(json.dumps(pack_config(made)), parse_int=float)[rule]
    assert written.pop("enforcementLevel") == level
    assert repr(make_params(RULES[rule], written)) == repr(made.rules[rule].params)  # 30, not 30.0


def _values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return {
        "array": st.lists(st.text(max_size=5), max_size=3),
        "boolean": st.booleans(),
        "string": st.text(),
        "integer": st.integers(schema.get("minimum", -9), schema.get("maximum", 9)),
    }[schema["type"]]


def test_settings_name_every_rule(tmp_path: Path) -> None:
    """What runs is known beforehand, also of rules that nobody mentioned."""
    settings: PolicySettings = read_policy(program(tmp_path, None))
    assert set(settings.rules) == set(RULES)
