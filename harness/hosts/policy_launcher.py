"""`pulumi-analyzer-policy-python ENGINE_ADDRESS PACK` in, the policy pack served by the SDK of its interpreter out.

The engine starts it, with the pack as working directory, where it finds no language host for the pack.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import yaml

from harness.hosts.interpreter import InterpreterError, activated, find_interpreter


def main() -> None:
    """Become the interpreter that serves the pack; exits 2 when there is none."""
    pack = Path.cwd()
    try:
        python = find_interpreter(_options(pack), pack, pack, os.environ)
    except InterpreterError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    environ = activated(python, {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    os.execve(python, [str(python), "-u", "-m", "pulumi.policy", *sys.argv[1:]], environ)  # noqa: S606 - no shell is wanted


def _options(pack: Path) -> dict[str, Any]:
    """`runtime.options` of PulumiPolicy.yaml; the engine has read and checked the file before it starts us."""
    document: Any = yaml.safe_load((pack / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    runtime = document.get("runtime")
    options = runtime.get("options") if isinstance(runtime, dict) else None
    return options if isinstance(options, dict) else {}
