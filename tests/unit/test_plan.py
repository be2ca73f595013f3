"""Bad input is refused with a hint before anything is touched; good input becomes cells."""

import random
import re
from pathlib import Path

import pytest

from harness.errors import ConfigError, HarnessError, ProgramError, SuffixError
from harness.plan.make import make_plan
from harness.plan.own_credentials import OWN_CREDENTIALS
from harness.plan.settings import Settings, parse_config, parse_duration


def write_program(root: Path, name: str = "shop", project: str | None = None, main: str = "x = 1\n") -> Path:
    """A minimal program directory."""
    directory = root / "programs" / name
    directory.mkdir(parents=True)
    (directory / "Pulumi.yaml").write_text(project or f"name: {name}\nruntime: python\n")
    (directory / "__main__.py").write_text(main)
    return directory


def settings(cwd: Path, *programs: str, **values) -> Settings:
    """What a user asked for."""
    return Settings(programs=programs, cwd=cwd, environ=values.pop("environ", {}), **values)


def plan(cwd: Path, *programs: str, **values):
    """The plan for it, always with the same seed."""
    return make_plan(settings(cwd, *programs, **values), random.Random(1))


def test_a_program_is_found_by_name_or_directory(tmp_path: Path) -> None:
    """`harness run shop` and `harness run programs/shop` are the same program."""
    directory = write_program(tmp_path)
    for text in ("shop", "programs/shop", str(directory), str(directory / "Pulumi.yaml")):
        [cell] = plan(tmp_path, text).cells
        assert cell.program.directory == directory


def test_the_current_directory_is_the_program_when_none_is_named(tmp_path: Path) -> None:
    """Inside a project no argument is needed."""
    directory = write_program(tmp_path)
    assert plan(directory).cells[0].program.name == "shop"


def test_what_a_shell_puts_beside_the_programs_is_passed_over(tmp_path: Path) -> None:
    """`programs/*` holds a README and a library as well; one of them alone, or a part of the folder, is refused."""
    write_program(tmp_path, "one")
    write_program(tmp_path, "two")
    (tmp_path / "programs" / "parts").mkdir()
    (tmp_path / "programs" / "README.md").touch()
    (tmp_path / "programs" / ".cache").mkdir()
    everything = ("programs/README.md", "programs/one", "programs/parts", "programs/two")
    assert [cell.program.name for cell in plan(tmp_path, *everything).cells] == ["one", "two"]
    for some in (everything[:3], everything[2:], ("programs/parts",), (*everything, "programs/three")):
        with pytest.raises(ProgramError):
            plan(tmp_path, *some)


def test_an_unknown_program_names_those_that_are_there(tmp_path: Path) -> None:
    """The hint lists what could have been meant."""
    write_program(tmp_path)
    with pytest.raises(ProgramError, match="no program 'shopp'") as refused:
        plan(tmp_path, "shopp")
    assert "shop" in refused.value.hint


@pytest.mark.parametrize(
    ("project", "message"),
    [
        ("name: x\nruntime: nodejs\n", "runtime 'nodejs'"),
        ("name: x\n", "no runtime"),
        ("runtime: python\n", "no project name"),
        ("- a\n", "not a mapping"),
        ("name: [\n", "Pulumi.yaml:"),
        ("name: x\nruntime: python\nmain: nowhere/\n", "no program at"),
    ],
)
def test_a_project_file_that_cannot_be_run_is_refused(tmp_path: Path, project: str, message: str) -> None:
    """Each defect of Pulumi.yaml has its own words."""
    write_program(tmp_path, project=project)
    with pytest.raises(ProgramError, match=message):
        plan(tmp_path, "shop")


def test_a_syntax_error_is_told_with_file_and_line(tmp_path: Path) -> None:
    """It is found before an engine is started."""
    write_program(tmp_path, main="x = 1\ndef broken(:\n")
    with pytest.raises(ProgramError, match=r"__main__\.py:2: invalid syntax"):
        plan(tmp_path, "shop")


def test_main_is_honoured(tmp_path: Path) -> None:
    """`main:` may name a folder or a file."""
    directory = write_program(tmp_path, project="name: shop\nruntime: python\nmain: src/\n")
    (directory / "src").mkdir()
    (directory / "src" / "__main__.py").write_text("")
    assert plan(tmp_path, "shop").cells[0].program.main == directory / "src"


@pytest.mark.parametrize("pair", ["novalue", "=x", "a b=c", "a:b:c=d", ":k=v"])
def test_malformed_configuration_is_refused(pair: str) -> None:
    """`--config` wants key=value."""
    with pytest.raises(ConfigError, match="--config"):
        parse_config((pair,))


def test_a_configuration_value_is_never_shown() -> None:
    """It may be a password."""
    with pytest.raises(ConfigError) as refused:
        parse_config(("bad key=hunter2",))
    assert "hunter2" not in refused.value.message + refused.value.hint


def test_a_value_may_hold_anything() -> None:
    """Only the first `=` separates."""
    assert parse_config(("a=b=c", "aws:region=eu-west-1", "empty=")) == {
        "a": "b=c",
        "aws:region": "eu-west-1",
        "empty": "",
    }


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("1.5h", 5400)])
def test_durations(text: str, seconds: float) -> None:
    """Seconds, minutes and hours."""
    assert parse_duration(text, "--timeout") == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "1d", "soon"])
def test_bad_durations_name_the_flag(text: str) -> None:
    """The user learns which flag it was."""
    with pytest.raises(ConfigError, match="--timeout"):
        parse_duration(text, "--timeout")


def test_later_sources_of_configuration_win(tmp_path: Path) -> None:
    """harness.toml gives defaults, the stack file more, --config the last word; the suffix is always ours."""
    directory = write_program(tmp_path)
    (directory / "harness.toml").write_text('[config]\na = 1\nb = true\nc = "toml"\n[tags]\nCostCenter = "42"\n')
    (directory / "Pulumi.dev.yaml").write_text("config:\n  shop:b: file\n  shop:c: file\n  aws:region: eu-west-3\n")
    [cell] = plan(tmp_path, "shop", config=("c=flag",), stack_config="dev", suffix="pr-1").cells
    assert cell.config == {
        "shop:a": "1",
        "shop:b": "file",
        "shop:c": "flag",
        "shop:environmentSuffix": "pr-1",
        "aws:region": "eu-west-3",
    }
    assert cell.tags == {"Environment": "pr-1", "Project": "shop", "CostCenter": "42"}


@pytest.mark.parametrize("where", ["--config", "stack file", "harness.toml"])
@pytest.mark.parametrize(
    "key", [*OWN_CREDENTIALS, "assumeRoles[0].roleArn", "assumeRoleWithWebIdentity.roleArn", "aws-native:profile"]
)
def test_on_aws_no_configuration_leads_to_another_account(tmp_path: Path, where: str, key: str) -> None:
    """The allow-list is asked about the environment's credentials: nothing beside them may say as whom to act."""
    directory = write_program(tmp_path)
    key = key if ":" in key else f"aws:{key}"
    config = (f"{key}=hunter2",) if where == "--config" else ()
    (directory / "Pulumi.dev.yaml").write_text(f"config: {{'{key}': hunter2}}\n" if where == "stack file" else "")
    (directory / "harness.toml").write_text(f"[config]\n'{key}' = 'hunter2'\n" if where == "harness.toml" else "")
    asked = {"config": config, "stack_config": "dev" if where == "stack file" else None}
    with pytest.raises(ConfigError, match=f"{re.escape(key)} cannot be configured") as refused:
        plan(tmp_path, "shop", target="aws", **asked)
    assert "AWS_PROFILE" in refused.value.hint
    assert "hunter2" not in refused.value.message + refused.value.hint
    assert plan(tmp_path, "shop", **asked).cells[0].config[key] == "hunter2"


def test_on_aws_no_stage_leads_to_another_account(tmp_path: Path) -> None:
    """What is laid over the configuration for one stage is held to the same; the stage is named."""
    directory = write_program(tmp_path)
    (directory / "harness.toml").write_text('[[stage]]\nname = "first"\nconfig = { "aws:profile" = "prod" }\n')
    with pytest.raises(ConfigError, match="shop, stage first: aws:profile cannot be configured"):
        plan(tmp_path, "shop", target="aws")
    assert plan(tmp_path, "shop").cells[0].program.stages[0].config == {"aws:profile": "prod"}


def test_on_aws_configuration_that_names_no_credentials_is_as_ever(tmp_path: Path) -> None:
    """Also an empty one, and a program's own of that name."""
    write_program(tmp_path)
    pairs = ("aws:profile=", "aws:assumeRoles=[]", "profile=prod", "aws:maxRetries=3")
    [cell] = plan(tmp_path, "shop", target="aws", config=pairs).cells
    assert cell.config["shop:profile"] == "prod"


def test_encrypted_stack_files_need_their_passphrase(tmp_path: Path) -> None:
    """Without it the run is refused here, not by an engine that cannot decrypt."""
    directory = write_program(tmp_path)
    (directory / "Pulumi.dev.yaml").write_text("encryptionsalt: v1:x\nconfig:\n  shop:k:\n    secure: v1:y\n")
    with pytest.raises(ConfigError, match="encrypted"):
        plan(tmp_path, "shop", stack_config="dev")
    [cell] = plan(tmp_path, "shop", stack_config="dev", environ={"PULUMI_CONFIG_PASSPHRASE": "p"}).cells
    assert cell.stack_config is not None
    assert cell.stack_config.secrets == {"encryptionsalt": "v1:x"}


def test_an_unknown_stack_file_names_those_that_are_there(tmp_path: Path) -> None:
    """The hint lists them."""
    directory = write_program(tmp_path)
    (directory / "Pulumi.dev.yaml").write_text("config: {}\n")
    with pytest.raises(ConfigError) as refused:
        plan(tmp_path, "shop", stack_config="prod")
    assert "dev" in refused.value.hint


def test_the_suffix_comes_from_the_environment_when_no_flag_gives_it(tmp_path: Path) -> None:
    """ENVIRONMENT_SUFFIX is the pipeline's way of saying it."""
    write_program(tmp_path)
    environ = {"ENVIRONMENT_SUFFIX": "pr-9"}
    assert plan(tmp_path, "shop", environ=environ).cells[0].suffix == "pr-9"
    assert plan(tmp_path, "shop", environ=environ, suffix="x1").cells[0].suffix == "x1"


def test_one_suffix_cannot_serve_a_program_twice(tmp_path: Path) -> None:
    """They would fight over every name."""
    write_program(tmp_path)
    with pytest.raises(SuffixError):
        plan(tmp_path, "shop", "shop", suffix="pr-1")
    assert len({cell.stack for cell in plan(tmp_path, "shop", "shop").cells}) == 2


@pytest.mark.parametrize("region", ["mars", "us-east", "US-EAST-1"])
def test_what_cannot_be_a_region_is_refused(tmp_path: Path, region: str) -> None:
    """The source of the bad name is told."""
    write_program(tmp_path)
    with pytest.raises(ConfigError, match="--region"):
        plan(tmp_path, "shop", region=region)


@pytest.mark.parametrize("text", ["[config\n", "[nope]\nx=1\n", "[config]\nx = []\n", "[tags]\nCostCenter = 5\n"])
def test_a_malformed_harness_toml_is_refused_by_name(tmp_path: Path, text: str) -> None:
    """File and key are told."""
    directory = write_program(tmp_path)
    (directory / "harness.toml").write_text(text)
    with pytest.raises(HarnessError, match=r"harness\.toml"):
        plan(tmp_path, "shop")
