"""A program runs with its project's Python, and what was asked for by name is never replaced quietly."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.hosts.interpreter import InterpreterError, activated, find_interpreter


def environment(folder: Path) -> Path:
    """Make what looks like a virtual environment."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (folder / "pyvenv.cfg").write_text("", encoding="utf-8")
    return python


def test_virtualenv_is_relative_to_the_project_and_wins(tmp_path):
    """`virtualenv` beats the toolchain's folder and HARNESS_PYTHON, and is not resolved to what it links to."""
    python = environment(tmp_path / "own")
    environment(tmp_path / ".venv")
    options = {"virtualenv": "own", "toolchain": "uv"}
    assert find_interpreter(options, tmp_path, tmp_path / "src", {"HARNESS_PYTHON": sys.executable}) == python


def test_a_virtualenv_that_is_not_there_is_an_error_with_the_command_that_makes_it(tmp_path):
    """No other interpreter steps in."""
    with pytest.raises(InterpreterError, match=r"-m venv .*/gone"):
        find_interpreter({"virtualenv": "gone"}, tmp_path, tmp_path, {"HARNESS_PYTHON": sys.executable})


def test_a_toolchain_finds_the_nearest_environment_within_the_project(tmp_path):
    """From the program's folder upwards, up to the folder with the project file; what lies above is not meant."""
    python = environment(tmp_path / ".venv")
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    program = tmp_path / "infra" / "main"
    assert find_interpreter({"toolchain": "poetry"}, Path("/x"), program, {}) == python
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "Pulumi.yaml").write_text("", encoding="utf-8")
    with pytest.raises(InterpreterError, match="poetry install"):
        find_interpreter({"toolchain": "poetry"}, Path("/x"), program, {})


@pytest.mark.parametrize(
    ("toolchain", "command"), [("uv", "uv sync"), ("poetry", "poetry install"), ("pdm", "python -m venv .venv")]
)
def test_a_toolchain_without_its_environment_is_an_error_with_the_command_that_makes_it(tmp_path, toolchain, command):
    """No other interpreter steps in; a virtualenv named beside it counts."""
    with pytest.raises(InterpreterError, match=f"{toolchain}.*{command}"):
        find_interpreter({"toolchain": toolchain}, tmp_path, tmp_path, {"HARNESS_PYTHON": sys.executable})
    python = environment(tmp_path / "own")
    assert find_interpreter({"toolchain": toolchain, "virtualenv": "own"}, tmp_path, tmp_path, {}) == python


def test_the_default_toolchain_asks_for_no_environment(tmp_path):
    """With `pip` and no `.venv`, the variable decides."""
    python = environment(tmp_path / "chosen")
    assert find_interpreter({"toolchain": "pip"}, tmp_path, tmp_path, {"HARNESS_PYTHON": str(python)}) == python


def test_without_options_the_variable_decides_and_then_our_own(tmp_path):
    """HARNESS_PYTHON, checked, else the Python that runs the harness."""
    python = environment(tmp_path / "chosen")
    assert find_interpreter({}, tmp_path, tmp_path, {"HARNESS_PYTHON": str(python)}) == python
    assert find_interpreter({}, tmp_path, tmp_path, {}) == Path(sys.executable)
    with pytest.raises(InterpreterError, match="HARNESS_PYTHON"):
        find_interpreter({}, tmp_path, tmp_path, {"HARNESS_PYTHON": "/nowhere/python"})


def test_an_environment_is_activated(tmp_path):
    """Its tools come first, and PYTHONHOME does not lead elsewhere."""
    python = environment(tmp_path / "own")
    changed = activated(python, {"PATH": "/usr/bin", "PYTHONHOME": "/x"})
    assert changed == {"PATH": f"{python.parent}:/usr/bin", "VIRTUAL_ENV": str(tmp_path / "own")}
