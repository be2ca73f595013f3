"""An engine in, a folder of executables for the end of its PATH out: what the engine needs to run Python.

The engine looks for `pulumi-language-python`, `pulumi-analyzer-policy-python` and `pulumi-resource-pulumi-python` on
PATH first and beside itself then.
Appended to PATH, ours are used only where official ones are not on it; and where the engine has official ones beside
it, ours are not made. The engine warns in every run about a language host on PATH that is not the one beside itself,
so a second name (a hard link) of an engine of our own lies beside ours: run it by that name and it is content.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import harness
from harness.errors import HomeError

if TYPE_CHECKING:
    from harness.world.engine import Engine

_MODULES: Final = {
    "pulumi-language-python": "harness.hosts.language_host",
    "pulumi-analyzer-policy-python": "harness.hosts.policy_launcher",
    "pulumi-resource-pulumi-python": "harness.hosts.dynamic_launcher",
}
# -I: neither PYTHON* variables meant for the program, nor its folder, may change what the host itself imports.
_SCRIPT: Final = """#!/bin/sh
exec {python} -I -c {code} "$@"
"""


def install_hosts(home: Path, engine: Engine) -> Path:
    """Make the executables that `engine` lacks, unless they are there, and return the folder that holds them.

    Args:
        home: the harness's home; they go below `home/hosts`.
        engine: what will use them.

    Returns:
        The folder to APPEND to the engine's PATH, so that official hosts on PATH win.

    Raises:
        HomeError: `home` cannot be written.
    """
    beside = engine.path.resolve().parent
    scripts = {name: _script(module) for name, module in _MODULES.items() if not (beside / name).exists()}
    status = engine.path.stat()
    key = [str(engine.path), str(status.st_ino), str(status.st_mtime_ns), *scripts, *scripts.values()]
    digest = hashlib.sha256("\0".join(key).encode()).hexdigest()[:12]
    folder = home / "hosts" / f"{harness.__version__}-{digest}"
    if not folder.is_dir():
        try:
            _install(folder, scripts, None if engine.origin == "path" or not scripts else engine.path)
        except OSError as error:
            raise HomeError(
                f"the language host cannot be written to {folder}: {error.strerror or error}",
                hint="set HARNESS_HOME to a folder that can be written",
            ) from error
    return folder / "bin"


def hosted_executable(engine: Engine, hosts: Path) -> Path:
    """The name by which to run `engine` together with `hosts`, the folder that `install_hosts` gave for it."""
    linked = hosts / "pulumi"
    return linked if linked.exists() else engine.path


def _script(module: str) -> str:
    root = Path(harness.__file__).parent.parent
    code = f"import sys; sys.path.append({str(root)!r}); from {module} import main; main()"
    return _SCRIPT.format(python=shlex.quote(sys.executable), code=shlex.quote(code))


def _install(folder: Path, scripts: dict[str, str], link: Path | None) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as partial:
        whole = Path(partial) / "whole"
        (whole / "bin").mkdir(parents=True)
        for name, text in scripts.items():
            script = whole / "bin" / name
            script.write_text(text, encoding="utf-8")
            script.chmod(0o755)
        if link is not None:
            _link(link, whole / "bin" / "pulumi")
        try:
            whole.replace(folder)
        except OSError:
            # Somebody else was quicker; theirs is the same, or something that is not ours is in the way.
            if not folder.is_dir():
                raise
            shutil.rmtree(whole)


def _link(engine: Path, name: Path) -> None:
    try:
        name.hardlink_to(engine)
    except OSError:
        # Another disk, or one without hard links. Through a symbolic link the engine works as well, but warns.
        name.symlink_to(engine)
