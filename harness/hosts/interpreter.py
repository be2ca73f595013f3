"""A project's runtime options in, the Python that runs its program out."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

INTERPRETER_VARIABLE = "HARNESS_PYTHON"
"""Path of the Python for programs that name no environment of their own."""
_PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml", "PulumiPolicy.yaml", "pyproject.toml")
_DEFAULT_TOOLCHAIN = "pip"  # what the engine's own wizard writes into Pulumi.yaml; it asks for no environment
_PLAIN_COMMAND = "python -m venv .venv"
_COMMANDS = {
    "uv": "uv sync",
    "poetry": "poetry config --local virtualenvs.in-project true && poetry install",  # poetry keeps them elsewhere
}


class InterpreterError(Exception):
    """The project's interpreter is not there; the message names it and says what to do."""


def find_interpreter(options: Mapping[str, Any], root: Path, program: Path, environ: Mapping[str, str]) -> Path:
    """Choose: `virtualenv`, else the `.venv` of its toolchain, else HARNESS_PYTHON, else the harness's own.

    The toolchain `pip` may go without an environment; any other that is named must have one.

    Args:
        options: `runtime.options` of Pulumi.yaml or PulumiPolicy.yaml.
        root: the folder of that file; a relative `virtualenv` is relative to it.
        program: the folder of the program, where the search for `.venv` begins.
        environ: HARNESS_PYTHON is read from it.

    Raises:
        InterpreterError: what was asked for by name is not there.
    """
    if named := options.get("virtualenv"):
        folder = root / str(named)
        python = folder / "bin" / "python"
        if not _runs(python):
            raise InterpreterError(
                f"runtime.options.virtualenv is {str(named)!r}, but {python} is not a Python; make it with "
                f"`python3 -m venv {folder} && {folder}/bin/pip install -r requirements.txt`"
            )
        return python
    if toolchain := options.get("toolchain"):
        if (found := _toolchain_environment(program)) is not None:
            return found
        if toolchain != _DEFAULT_TOOLCHAIN:
            raise InterpreterError(
                f"runtime.options.toolchain is {str(toolchain)!r}, but there is no .venv/bin/python in {program} or "
                f"above it in the project; make it with `{_COMMANDS.get(str(toolchain), _PLAIN_COMMAND)}`"
            )
    if chosen := environ.get(INTERPRETER_VARIABLE):
        if not _runs(Path(chosen)):
            raise InterpreterError(
                f"{INTERPRETER_VARIABLE} is {chosen!r}, which cannot be run; set it to a Python's path"
            )
        return Path(chosen)
    return Path(sys.executable)


def _toolchain_environment(program: Path) -> Path | None:
    """The nearest `.venv`, up to and including the first folder with a project file that has none above it."""
    for folder in (program, *program.parents):
        python = folder / ".venv" / "bin" / "python"
        if _runs(python):
            return python
        if any((folder / name).is_file() for name in _PROJECT_FILES):
            return None
    return None


def activated(python: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Give the environment in which `python`'s own tools come first, as `bin/activate` would."""
    changed = {key: value for key, value in environ.items() if key != "PYTHONHOME"}
    if (python.parent.parent / "pyvenv.cfg").is_file():
        changed["VIRTUAL_ENV"] = str(python.parent.parent)
        changed["PATH"] = os.pathsep.join((str(python.parent), environ.get("PATH", os.defpath)))
    return changed


def _runs(python: Path) -> bool:
    return python.is_file() and os.access(python, os.X_OK)
