"""A program in; the versions of Pulumi's package SDKs that its interpreter sees out."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.errors import ProgramError
from harness.hosts.interpreter import InterpreterError, find_interpreter
from harness.model import Program
from harness.world.provider import BUNDLED, sdk_version


def sdk_versions(program: Program, environ: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Versions by package, ours among them. The engine takes a plugin only in the version that the SDK names.

    Raises ProgramError when the program names an interpreter that is not there.
    """
    versions = {package: {sdk_version(package)} for package in BUNDLED}
    entry = program.main if program.main.is_dir() else program.main.parent
    try:
        python = find_interpreter(program.runtime_options, program.directory, entry, environ)
    except InterpreterError as error:
        raise ProgramError(f"{program.name}: {error}", hint="mend `runtime:` in its Pulumi.yaml") from error
    if python != Path(sys.executable):
        libraries = [str(path) for path in python.parent.parent.glob("lib/python*/site-packages")]
        for found in importlib.metadata.distributions(path=libraries):
            package = (found.metadata["Name"] or "").lower().replace("_", "-").removeprefix("pulumi-")
            if package in versions:
                versions[package].add(found.version)
    return {package: tuple(sorted(numbers)) for package, numbers in versions.items()}
