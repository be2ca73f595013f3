"""The README is true: each of its commands runs, each of its files is there, and its example probe works."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
COMMANDS = list(
    dict.fromkeys(
        line.partition("#")[0].strip()
        for language, block in BLOCKS
        for line in block.splitlines()
        if not language and line.startswith("harness ")
    )
)


def test_there_are_commands() -> None:
    """The pattern above still finds them."""
    assert len(COMMANDS) >= 9


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("harness run")])
def test_each_run_of_the_readme_passes(harness, shop, emulator, command: str) -> None:
    """As it stands, but for the placeholder of the directory and the port of the emulator."""
    directory = shop()
    (directory / "Pulumi.dev.yaml").write_text("config:\n  shop:colour: red\n")
    harness.cwd = ROOT if "starter" in command else directory
    args = command.split()[1:]
    args = [str(directory) if arg == "path/to/project" else arg for arg in args]
    args = [emulator.url if arg.startswith("http://127.0.0.1") else arg for arg in args]
    done = harness(*args)
    assert done.code == 0, done.err


def test_the_other_commands_of_the_readme(harness) -> None:
    """Listing, destroying (a run that is not there is told so), and the engine."""
    for command in COMMANDS:
        args = command.split()[1:]
        if args[0] == "run":
            continue
        done = harness(*args)
        assert done.code == (2 if args[0] == "destroy" else 0), (command, done.err)


def test_the_example_probe_works(harness, shop, emulator) -> None:
    """Word for word."""
    [example] = [block for language, block in BLOCKS if language == "python"]
    done = harness("run", str(shop(probes=example)), "--target", emulator.url, "--json", "-")
    assert done.code == 0, done.err
    assert [probe["name"] for probe in done.cell["probes"]] == ["bucket is there"]


def test_the_files_that_it_names_are_there() -> None:
    """Links inside the repository lead somewhere."""
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_library_has_its_line() -> None:
    """Each direct dependency is in the table of reasons."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    table = README[README.index("## Why each library") :]
    for requirement in project["dependencies"]:
        name = re.split(r"[><=\[]", requirement)[0]
        assert name in table, f"{name} is in pyproject.toml without a reason in the README"
