"""`pulumi-resource-pulumi-python ENGINE` in, the SDK's server of dynamic providers in the program's Python out.

The engine starts it in the program's folder, with the project's runtime options as PULUMI_RUNTIME_*, wherever a
resource of `pulumi.dynamic` is in the state or the program: on destroy, where no program runs, as well.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.hosts.interpreter import InterpreterError, activated, find_interpreter

_RUNNER = Path(__file__).with_name("dynamic_runner.py")
_OPTION = "PULUMI_RUNTIME_"  # and the option's name in capitals: sdk/go/common/resource/plugin/provider_plugin.go


def main() -> None:
    """Become the interpreter that serves the providers; exits 2 when there is none."""
    folder = Path.cwd()
    try:
        python = find_interpreter(_options(os.environ), _root(folder), folder, os.environ)
    except InterpreterError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    environ = activated(python, {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    os.execve(python, [str(python), "-u", str(_RUNNER), *sys.argv[1:]], environ)  # noqa: S606 - no shell is wanted


def _options(environ: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(_OPTION).lower(): value for name, value in environ.items() if name.startswith(_OPTION)}


def _root(folder: Path) -> Path:
    """The nearest folder with a Pulumi.yaml: `main` may lead to a folder below it."""
    for candidate in (folder, *folder.parents):
        if any((candidate / name).is_file() for name in ("Pulumi.yaml", "Pulumi.yml")):
            return candidate
    return folder
