"""The launchers are laid out in the versions that the program's own interpreter asks for."""

from pathlib import Path

import pytest

from harness.errors import ProgramError
from harness.model import Program
from harness.world.provider import sdk_version
from harness.world.sdk import sdk_versions


def program(directory: Path, **options: str) -> Program:
    """A program with runtime options."""
    return Program(name="p", directory=directory, main=directory, runtime_options=options)


def interpreter(directory: Path, **packages: str) -> None:
    """An environment that looks as one with these packages installed."""
    (directory / "env" / "bin").mkdir(parents=True)
    python = directory / "env" / "bin" / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    for name, version in packages.items():
        info = directory / "env" / "lib" / "python3.12" / "site-packages" / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_without_an_environment_of_its_own_ours_count(tmp_path: Path) -> None:
    """The program is run by our interpreter then."""
    assert sdk_versions(program(tmp_path), {}) == {"aws": (sdk_version("aws"),), "random": (sdk_version("random"),)}


def test_versions_of_its_own_environment_are_added(tmp_path: Path) -> None:
    """The engine takes a plugin only in the very version that the SDK names."""
    interpreter(tmp_path, pulumi_aws="7.1.0", pulumi_eks="3.0.0")
    assert sdk_versions(program(tmp_path, virtualenv="env"), {}) == {
        "aws": tuple(sorted({"7.1.0", sdk_version("aws")})),
        "random": (sdk_version("random"),),
    }


def test_an_environment_that_is_not_there_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """Before anything is started."""
    with pytest.raises(ProgramError, match="virtualenv") as refused:
        sdk_versions(program(tmp_path, virtualenv="nowhere"), {})
    assert refused.value.hint
