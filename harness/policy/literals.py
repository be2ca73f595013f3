"""A value and a program's directory in; the file and line where the program holds it as a literal out."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MOST_FILES: Final = 2000  # a program has tens; more are somebody's data
_MOST_BYTES: Final = 1_000_000  # of one file
_FEWEST_FIXED: Final = 4  # characters that a template must hold itself to be told from any other


@dataclass(frozen=True)
class _Literal:
    file: str
    line: int
    text: str
    template: re.Pattern[str] | None
    """`text` with `.*` for what is filled in; None where nothing is."""

    def holds(self, value: str) -> bool:
        """Whether it is this value, becomes it, or quotes it as a JSON document does."""
        if self.text == value or (self.template is not None and self.template.fullmatch(value)):
            return True
        return any(f"{quote}{value}{quote}" in self.text for quote in ('"', "'"))


def find_literal(value: str, directory: Path) -> str | None:
    """`FILE:LINE` of a literal that is, quotes, or by filling in a template becomes, this value; None without one."""
    return next((f"{one.file}:{one.line}" for one in _literals(directory) if one.holds(value)), None)


@functools.lru_cache(maxsize=4)
def _literals(directory: Path) -> tuple[_Literal, ...]:
    """Every literal of the program's Python files."""
    return tuple(
        _Literal(str(path.relative_to(directory)), node.lineno, *text)
        for path in _sources(directory)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.expr) and (text := _text(node)) is not None
    )


def _sources(directory: Path) -> Iterator[Path]:
    left = _MOST_FILES
    pending = [directory]
    while pending and left:
        folder = pending.pop()
        for path in sorted(folder.iterdir()):
            if path.is_dir():
                if not path.name.startswith((".", "__")) and path.name != "node_modules" and not _is_environment(path):
                    pending.append(path)
            elif path.suffix == ".py" and path.stat().st_size <= _MOST_BYTES:
                left -= 1
                yield path


def _is_environment(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").exists()


def _tree(path: Path) -> ast.AST:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # a template of somebody's; the program itself has run already
        return ast.Module(body=[], type_ignores=[])


def _text(node: ast.expr) -> tuple[str, re.Pattern[str] | None] | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        return node.value, None
    parts = _parts(node)
    fixed = "".join(part for part in parts if part is not None)
    if len(parts) < 2 or len(fixed) < _FEWEST_FIXED:  # noqa: PLR2004 - one part is no template
        return None
    return fixed, re.compile("".join(".*" if part is None else re.escape(part) for part in parts), re.DOTALL)


def _parts(node: ast.expr) -> list[str | None]:
    """Texts of an f-string or a sum, with None for what is filled in."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else [None]
    if isinstance(node, ast.JoinedStr):
        return [part for value in node.values for part in _parts(value)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_parts(node.left), *_parts(node.right)]
    return [None]
