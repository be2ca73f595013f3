"""The result document in, a JSON file (or standard output) out."""

from __future__ import annotations

import json
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
    path = Path(destination)
    existed = path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise ConfigError(
            f"the report cannot be written to {path}: {error.strerror}", hint="give a path in a folder that exists"
        ) from error
    if not existed:
        path.unlink()


def write_json(document: Any, destination: str) -> None:
    """Write any JSON-able document. Raises ConfigError when the path refuses."""
    text = json.dumps(document, indent=2) + "\n"
    if destination == STDOUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        Path(destination).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"the report cannot be written to {destination}: {error.strerror}", hint="the run itself is over"
        ) from error


def result_document(result: RunResult) -> dict[str, Any]:
    """The document as it is published; `schema` is its version."""
    document: dict[str, Any] = result.model_dump(mode="json", by_alias=True)
    return document
