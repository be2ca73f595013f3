"""An executable in, the version of the engine that it is out."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.world.engine.model import ENGINE_VERSION, RouteError
from harness.world.engine.process import run

if TYPE_CHECKING:
    from collections.abc import Mapping

_ANSWER_SECONDS: Final = 20.0
"""`pulumi version` takes 0.4 s on a machine at rest."""


def version_of(executable: Path, environ: Mapping[str, str]) -> str:
    """Ask `executable version`. Returns for instance `3.255.0`. Raises: RouteError."""
    with tempfile.TemporaryDirectory(prefix="harness-version-") as private:
        asked = {**environ, "PULUMI_HOME": private, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        answer = run([str(executable), "version"], Path(private), asked, seconds=_ANSWER_SECONDS).strip()
    last = answer.splitlines()[-1] if answer else ""
    version = last.removeprefix("v")
    if parsed(version) is None:
        raise RouteError(f"{executable} does not say its version, but {last[:80]!r}")
    return version


def engine_on_path(home: Path, environ: Mapping[str, str]) -> tuple[Path, str] | None:
    """Find `pulumi` on PATH. Returns executable and version, or None when there is none.

    The answer is kept beside the cache for as long as the file is the same, because asking costs 0.4 s.

    Raises:
        RouteError: there is one that cannot be used, and why.
    """
    found = shutil.which("pulumi", path=environ.get("PATH"))
    if found is None:
        return None
    executable = Path(found).absolute()
    status = executable.stat()
    question = {"path": str(executable), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    memory = home / "engine" / "on-path.json"
    known = _remembered(memory)
    if known is not None and {key: known.get(key) for key in question} == question:
        version = str(known.get("version"))
    else:
        version = version_of(executable, environ)
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps({**question, "version": version}), encoding="utf-8")
    if not usable(version):
        raise RouteError(f"{executable} is v{version}; v{ENGINE_VERSION} or newer of the same major is needed")
    return executable, version


def usable(version: str) -> bool:
    """Whether an engine of `version` does: the pinned one or newer, of the same major."""
    mine, pinned = parsed(version), parsed(ENGINE_VERSION)
    return mine is not None and pinned is not None and mine[0] == pinned[0] and mine >= pinned


def parsed(version: str) -> tuple[int, ...] | None:
    """`3.255.0-dev.1+x` → (3, 255, 0); None when it is no version."""
    numbers = version.split("-", 1)[0].split("+", 1)[0].split(".")
    return tuple(map(int, numbers)) if numbers and all(number.isdecimal() for number in numbers) else None


def _remembered(memory: Path) -> dict[str, Any] | None:
    try:
        document: Any = json.loads(memory.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # never asked, or cut off while it was written: ask again
        return None
    return document if isinstance(document, dict) else None
