"""The directory of a user's policy pack in; whether it is one, and which rules it declares, out.

The engine's events name the rules of a pack that were applied, and nothing else: neither their levels, nor what they
are about, nor the disabled ones. So the pack is run once beside the preview, with a stand-in for its server.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from harness.errors import ConfigError
from harness.hosts.interpreter import InterpreterError, activated, find_interpreter
from harness.model import RuleLevel
from harness.policy.failures import explain_traceback

PACK_FILE: Final = "PulumiPolicy.yaml"  # the engine takes no other name, not even .yml
_DESCRIBER: Final = Path(__file__).with_name("describe_pack.py")
_SECONDS: Final = 60.0  # for a pack that does nothing but declare rules, on a busy machine


@dataclass(frozen=True)
class PackRule:
    """One rule as its pack declares it."""

    name: str
    description: str
    level: RuleLevel
    """`remediate` of the SDK counts as mandatory: what it cannot mend is a violation."""
    remedy: str = ""


@dataclass(frozen=True)
class DeclaredPack:
    """A pack by the name it gives itself, and its rules."""

    name: str
    rules: tuple[PackRule, ...]


def check_pack(pack: Path) -> Path:
    """The pack's directory, absolute. Raises ConfigError when the engine could not load anything from it."""
    pack = pack.resolve()
    if not pack.is_dir():
        raise ConfigError(f"there is no policy pack {pack}", hint=f"name a directory that holds a {PACK_FILE}")
    if not (pack / PACK_FILE).is_file():
        other = next((one.name for one in sorted(pack.glob("PulumiPolicy.*"))), None)
        hint = f"rename {other}: the engine reads {PACK_FILE} only" if other else f"a policy pack holds a {PACK_FILE}"
        raise ConfigError(f"{pack} holds no {PACK_FILE}", hint=hint)
    if _runtime(pack)[0] == "python" and not (pack / "__main__.py").is_file():
        # Without one the SDK runs the __main__.py of the directory it was started in: the program's own.
        raise ConfigError(
            f"policy pack {pack} has no __main__.py", hint="it declares the pack: PolicyPack(name, rules)"
        )
    return pack


def _runtime(pack: Path) -> tuple[str, Mapping[str, Any]]:
    """Name and options of the pack's runtime. Raises ConfigError."""
    file = pack / PACK_FILE
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise ConfigError(f"cannot read {file}: {why}", hint="it is YAML with `runtime: python`") from error
    runtime = document.get("runtime") if isinstance(document, dict) else None
    if isinstance(runtime, str):
        return runtime, {}
    if isinstance(runtime, dict) and isinstance(runtime.get("name"), str):
        options = runtime.get("options")
        return runtime["name"], options if isinstance(options, dict) else {}
    raise ConfigError(f"{file} names no runtime", hint="add `runtime: python`")


def declare_pack(pack: Path, environ: Mapping[str, str]) -> DeclaredPack | None:
    """What a pack declares; None for one that is not in Python, which only the engine can start.

    Takes as long as the pack's imports, some 0.3 s: ask while something else runs. `environ` is the one that the
    engine would start the pack with.

    Raises:
        ConfigError: it is no pack, its interpreter is not there, or it breaks while it declares its rules.
    """
    pack = check_pack(pack)
    runtime, options = _runtime(pack)
    if runtime != "python":
        return None
    try:
        python = find_interpreter(options, pack, pack, environ)
    except InterpreterError as error:
        raise ConfigError(f"policy pack {pack} cannot be started: {error}", hint="see its PulumiPolicy.yaml") from error
    with tempfile.TemporaryDirectory(prefix="harness-pack-") as folder:
        answer = Path(folder) / "rules.json"
        environment = activated(python, {**environ, "PYTHONDONTWRITEBYTECODE": "1"})
        said = _run([str(python), str(_DESCRIBER), str(pack), str(answer)], pack, environment)
        if not answer.exists():
            failure = explain_traceback(said, str(pack))
            raise ConfigError(failure.message, hint=failure.hint)
        document = json.loads(answer.read_text(encoding="utf-8"))
    rules = tuple(PackRule(**{**rule, "level": RuleLevel(rule["level"])}) for rule in document["rules"])
    return DeclaredPack(document["name"], rules)


def _run(command: list[str], pack: Path, environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            env=dict(environ),
            cwd=os.sep,  # nothing of the directory where we happen to be may be imported
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigError(
            f"policy pack {pack} did not declare its rules within {_SECONDS:.0f} s", hint="it must call PolicyPack()"
        ) from error
    except OSError as error:
        raise ConfigError(f"policy pack {pack} cannot be started: {error}", hint="check its interpreter") from error
    return done.stdout
