"""A program's folder in; whether its sources can declare nothing but resources of given packages, out.

For a run without a preview, which would show it. In doubt the answer is no.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

_MOST = 200  # files; a larger program is not looked through
_MOST_FOLDERS = 500  # a link may lead out of the program, to all that is on this machine
_NOT_SOURCES = {"node_modules", "venv", "site-packages", "__pycache__"}
# Names by which a program makes resources that no package's name shows, or imports what no statement shows.
_TELLING = {"dynamic", "CustomResource", "ProviderResource", "import_module", "__import__", "exec", "eval", "remote"}


def declares_only(folder: Path, packages: Collection[str]) -> bool:
    """Whether every import below `folder` is Python's own, the folder's own, `pulumi`, or `pulumi_PACKAGE` of these."""
    found = _sources(folder)
    files = [path for path in found or () if path != folder / "probes.py"]  # which is no part of the program
    if not files:
        return False
    own = {path.stem for path in files} | {path.parent.name for path in files}
    allowed = {"pulumi", *(f"pulumi_{name}" for name in packages), *own, *sys.stdlib_module_names}
    return all(_fits(path, allowed) for path in files)


def _fits(path: Path, allowed: Collection[str]) -> bool:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return False
    nodes = list(ast.walk(tree))
    return all(module in allowed for node in nodes for module in _imported(node)) and not any(
        name in _TELLING for node in nodes for name in _named(node)
    )


def _imported(node: ast.AST) -> Iterator[str]:
    """Top-level modules."""
    match node:
        case ast.Import(names=names):
            yield from (alias.name.partition(".")[0] for alias in names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module.partition(".")[0]


def _named(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
            yield name
        case ast.Import(names=names):
            yield from (part for alias in names for part in alias.name.split("."))
        case ast.ImportFrom(module=module, names=names):
            yield from (alias.name for alias in names)
            yield from (module or "").split(".")


def _sources(folder: Path) -> list[Path] | None:
    """Python files below; None when there is too much to look through."""
    found: list[Path] = []
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):  # a library that programs share may be a link
        real = os.path.realpath(root)
        if real in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _NOT_SOURCES]
        found += [Path(root, name) for name in files if name.endswith(".py")]
        if len(found) > _MOST or len(seen) + len(folders) > _MOST_FOLDERS:
            return None
    return found
