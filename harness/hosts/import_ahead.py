"""A program's folder in; the SDK that its sources name imported, as they would import it, and what forbids that, out.

Runs in the program's interpreter: standard library (3.9 and later) only. Nothing of the program's own is imported: what
that does belongs to a run. Of packages that are installed only `pulumi` and generated SDKs are, which do nothing but
define things; a component package may look at the stack, or at an environment that is not there yet.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import os
import sys
import threading
import types
from collections.abc import Iterable, Iterator
from pathlib import Path

_SDK = "pulumi"
_GENERATED = "pulumi-plugin.json"  # what the generator of SDKs puts beside their `__init__.py`
_SOURCES = 200  # files of a program that are looked at
_NOT_SOURCES = {"node_modules", "venv", "site-packages", "__pycache__", "tests"}


def import_ahead(folder: Path) -> None:
    """Import what the sources below `folder` name of the SDK. The folder itself stays out of `sys.path`."""
    for name in (_SDK, *sorted(_wanted(folder))):
        # What cannot be imported is told by the program's own import, with its own words.
        with contextlib.suppress(Exception):
            getattr(
                importlib.import_module(name), "__all__", ()
            )  # SDK packages load their modules only when one looks into them


def unfit() -> str | None:
    """Why no fork of this process would be like a Python of its own; None when it would."""
    if _threads() > 1:
        return "importing the SDK starts threads, which a fork would lose"
    for name, module in sys.modules.copy().items():
        # SDKs of before 2022 read their configuration, and the environment, while they are imported.
        if name.endswith(".config.vars") and name.startswith(_SDK) and type(module) is types.ModuleType:
            return f"importing {name} reads the stack's configuration"
    return None


def shadowed(folders: Iterable[str]) -> str | None:
    """Why a program beside which these folders lie cannot use what is imported: it has a module of that name."""
    loaded = {name.partition(".")[0] for name in sys.modules} - {"__main__"}
    for folder in folders:
        for name in sorted(_modules(folder) & loaded):
            return f"{folder} has a module {name} of its own"
    return None


def _modules(folder: str) -> set[str]:
    """Top-level modules that an import would find there before those of the installation."""
    found = set()
    with contextlib.suppress(OSError):  # whoever wants to import from there is told
        for entry in os.scandir(folder):
            stem, _, suffix = entry.name.partition(".")
            if suffix == "py" or suffix.endswith("so") or Path(entry.path, "__init__.py").is_file():
                found.add(stem)
    return found


def _threads() -> int:
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:  # not Linux; threads of C libraries are not counted then
        return threading.active_count()


def _wanted(folder: Path) -> set[str]:
    """Modules of SDK packages that the sources name: `import pulumi_aws as aws` and `aws.s3` mean `pulumi_aws.s3`."""
    found: set[str] = set()
    for source in _sources(folder):
        try:
            tree = ast.parse(source.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        names: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names.update({alias.asname or alias.name: alias.name for alias in node.names if _is_sdk(alias.name)})
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level and _is_sdk(node.module):
                found.add(node.module)
                names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        found.update(name for name in names.values() if "." not in name)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
                found.add(f"{names[node.value.id]}.{node.attr}")
    return {name for name in found if _is_module(name)}


def _is_sdk(name: str) -> bool:
    top = name.partition(".")[0]
    return top == _SDK or (top.startswith(_SDK + "_") and _is_generated(top))


def _is_generated(package: str) -> bool:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return False
    places = spec.submodule_search_locations if spec is not None else None
    return any(Path(place, _GENERATED).is_file() for place in places or ())


def _is_module(name: str) -> bool:
    """Whether there is such a module (an attribute may be a class as well). Imports its package only."""
    package, _, last = name.rpartition(".")
    if not package:
        return True
    try:
        paths = importlib.import_module(package).__path__
    except Exception:  # noqa: BLE001 - the program's own import tells it
        return False
    return any(Path(path, last).is_dir() or Path(path, f"{last}.py").is_file() for path in paths)


def _sources(folder: Path) -> Iterator[Path]:
    left = _SOURCES
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _NOT_SOURCES]
        for name in files:
            if name.endswith(".py") and left > 0:
                left -= 1
                yield Path(root, name)
        if left == 0:
            return
