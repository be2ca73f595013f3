"""`[[stage]]` and `[[prerequisite]]` tables: what they may say, and what the plan holds of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.model import Prerequisite, Stage
from harness.plan.discovery import load_program
from harness.run.stage_command import output_variables, variable
from harness.world.checkpoint import SECRET_TEXT


def load(folder: Path, settings: str):
    """The program of that harness.toml."""
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "__main__.py").write_text("")
    (folder / "harness.toml").write_text(settings)
    return load_program(folder)


def test_stages_keep_their_order_and_values_become_text(tmp_path: Path) -> None:
    """As Pulumi writes configuration; keys without a namespace get the project's."""
    program = load(
        tmp_path,
        '[[stage]]\nname = "b"\nconfig = { part = true, "aws:x" = 2 }\nrun = ["./push.sh", "now"]\n'
        '[[stage]]\nname = "a"\nconfig = { part = "all" }\n',
    )
    assert program.stages == (
        Stage(name="b", config={"shop:part": "true", "aws:x": "2"}, run=("./push.sh", "now")),
        Stage(name="a", config={"shop:part": "all"}),
    )


def test_prerequisites_are_secrets_with_the_names_of_their_fields(tmp_path: Path) -> None:
    """Without fields it is plain text."""
    program = load(
        tmp_path,
        '[[prerequisite]]\nkind = "secret"\nname = "db"\nfields = ["host"]\npurpose = "p"\n'
        '[[prerequisite]]\nkind = "secret"\nname = "token"\n',
    )
    assert program.prerequisites == (
        Prerequisite(name="db", fields=("host",), purpose="p"),
        Prerequisite(name="token"),
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('[[stage]]\nname = "a"\n', "would be the whole program"),
        ('[[stage]]\nname = "A b"\nconfig = { x = 1 }\n', "name"),
        ('[[stage]]\nname = "a"\nconfig = { x = [1] }\n', "config"),
        ('[[stage]]\nname = "a"\nconfig = { x = 1 }\nrun = "push now"\n', "run"),
        ('[[stage]]\nname = "a"\nconfig = { x = 1 }\n[[stage]]\nname = "a"\nconfig = { x = 2 }\n', "twice"),
        ('[[stage]]\nname = "a"\nconfig = { x = 1 }\nafter = "b"\n', "after"),
        ('[[stage]]\nname = "whole"\nconfig = { x = 1 }\n', ":2: stage[1].name: 'whole' is the name"),
        ('[[stage]]\nname = "a"\nconfig = { environmentSuffix = "x" }\n', ":3: stage[1].config: environmentSuffix"),
        ('[[stage]]\nname = "a"\nconfig = { "shop:environmentSuffix" = "x" }\n', "the same in every stage"),
        ('[[stage]]\nname = "a"\nconfig = { "aws:region" = "eu-west-1" }\n', ":3: stage[1].config: aws:region is"),
        ('[[prerequisite]]\nkind = "bucket"\nname = "a"\n', "kind"),
        ('[[prerequisite]]\nkind = "secret"\nname = "a b"\n', "name"),
        ('[[prerequisite]]\nkind = "secret"\nname = "a"\n[[prerequisite]]\nkind = "secret"\nname = "a"\n', "twice"),
    ],
)
def test_a_slip_is_told_with_its_file(tmp_path: Path, settings: str, said: str) -> None:
    """Before anything starts."""
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, settings)
    assert "harness.toml" in refused.value.message
    assert said in refused.value.message


def test_outputs_become_variables_and_secret_ones_do_not() -> None:
    """`repositoryUrl` is OUTPUT_REPOSITORY_URL; what is no text is JSON."""
    outputs = {"repositoryUrl": "u", "subnet-ids": ["a", "b"], "password": SECRET_TEXT, "in": {"x": SECRET_TEXT}}
    assert output_variables(outputs) == {"OUTPUT_REPOSITORY_URL": "u", "OUTPUT_SUBNET_IDS": '["a", "b"]'}
    assert variable("ecsCluster2Name") == "ECS_CLUSTER2_NAME"
