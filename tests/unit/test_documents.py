"""What the documents say of settings and rules is what the code takes."""

import re
from pathlib import Path

import pytest

from harness.model import Cell, Program
from harness.plan.faults import read_faults
from harness.plan.program_file import read_program_file
from harness.policy.rules import RULES
from harness.policy.settings import read_policy
from harness.probes.load import check

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "harness").rglob("README.md"))]
TABLES = [
    (document, block)
    for document in DOCUMENTS
    for block in re.findall(r"^```toml\n(.*?)^```", document.read_text(), re.DOTALL | re.MULTILINE)
    if not block.startswith("protected")  # that one is a settings.toml: tests/unit/test_settings_file.py
]


def test_there_are_examples() -> None:
    """The pattern above still finds them."""
    assert len(TABLES) >= 2


FAULTS = [(document, block) for document, block in TABLES if "[[fault]]" in block]
SETTINGS = [one for one in TABLES if one not in FAULTS]


@pytest.mark.parametrize(("document", "block"), FAULTS)
def test_every_example_of_a_fault_file_is_accepted(document: Path, block: str, tmp_path: Path) -> None:
    """For a cell of the program that it names."""
    path = tmp_path / "faults.toml"
    path.write_text(block)
    program = Program(name="starter", directory=tmp_path, main=tmp_path)
    cell = Cell(
        name="starter-x",
        program=program,
        stack="starter-x",
        suffix="x",
        region="us-east-1",
        config={},
        stack_config=None,
        tags={},
    )
    assert len(read_faults(path, [cell])[1]) == block.count("[[fault]]")


@pytest.mark.parametrize(("document", "block"), SETTINGS)
def test_every_example_of_a_harness_toml_is_accepted(document: Path, block: str, tmp_path: Path) -> None:
    """By everyone who reads a part of it; a pack that it names only needs to be there."""
    (tmp_path / "program").mkdir()
    for name in re.findall(r'packs = \["([^"]+)"', block):
        pack = tmp_path / "program" / name
        pack.mkdir(parents=True)
        (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
        (pack / "__main__.py").write_text("")
    path = tmp_path / "program" / "harness.toml"
    path.write_text(block)
    read = read_program_file(path)
    program = Program(
        name="example",
        directory=path.parent,
        main=path.parent,
        policy=read.policy,
        probes=tuple(read.probe),
        recheck_ignore=read.recheck.ignore,
        settings_file=path,
    )
    read_policy(program)
    check(program)


def test_the_table_of_rules_is_whole_and_true() -> None:
    """Every rule, with its default level; no other."""
    text = (ROOT / "harness" / "policy" / "README.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| (mandatory|advisory) \|$", text, re.MULTILINE))
    assert rows == {name: rule.level for name, rule in RULES.items()}
