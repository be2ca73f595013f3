"""A document and a path in; a file (or standard output) out, and beforehand the question whether it can be written."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

from harness.errors import ConfigError
from harness.model import RunResult

STDOUT = "-"


def check_writable(destination: str) -> None:
    """Refuse a report path that cannot be written while nothing was made yet. Raises ConfigError."""
    if destination == STDOUT:
        if sys.stdout is None:
            raise ConfigError("--json - has nowhere to write: standard output is closed", hint="name a file")
        return
    if not destination:
        raise ConfigError("the report has no path: it is empty", hint="name a file")
    path = Path(destination)
    try:
        _try(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ConfigError(f"the report cannot be written to {path}: {_why(error)}", hint=_hint(path)) from error


def write_json(document: Any, destination: str) -> None:
    """Write any JSON-able document. Raises ConfigError when the path refuses."""
    write(json.dumps(document, indent=2).encode("ascii") + b"\n", destination)


def write(content: bytes, destination: str) -> None:
    """Write a report. Raises ConfigError when the path, or who reads standard output, refuses."""
    try:
        if destination == STDOUT:
            _print(content)
        else:
            Path(destination).write_bytes(content)
    except (OSError, ValueError) as error:
        where = "standard output" if destination == STDOUT else destination
        raise ConfigError(
            f"the report cannot be written to {where}: {_why(error)}", hint="the run itself is over"
        ) from error


def result_document(result: RunResult) -> dict[str, Any]:
    """The document as it is published; `schema` is its version."""
    document: dict[str, Any] = result.model_dump(mode="json", by_alias=True)
    return document


def _try(path: Path) -> None:
    """Open it as it will be opened, and leave everything as it was. Raises OSError."""
    existed = path.exists()
    if existed and not stat.S_ISREG(path.stat().st_mode):
        if path.is_dir():
            raise IsADirectoryError(0, "it is a directory")
        if not os.access(path, os.W_OK):  # a pipe is not opened: that would wait for a reader, or end it
            raise PermissionError(0, "permission denied")
        return
    with path.open("ab"):
        pass
    if not existed:
        path.unlink()


def _print(content: bytes) -> None:
    try:
        sys.stdout.write(content.decode())
        sys.stdout.flush()
    except OSError:
        # What lies in the buffer goes nowhere, or Python's own end would stumble over it.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        raise


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _hint(path: Path) -> str:
    if "\0" in str(path):
        return "give a path without a NUL character"
    if path.is_dir():
        return f"name a file in it, as {path / 'report'}"
    return "give a path in a folder that exists" if not path.parent.is_dir() else "give a path that may be written"
