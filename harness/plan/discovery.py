"""A name or directory in, a Program out: any Pulumi Python project counts, unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from harness.errors import ProgramError
from harness.model import Program
from harness.plan.program_file import read_program_file

PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")
PROGRAMS = "programs"  # where a bare name is looked up


def find_program(text: str, cwd: Path) -> Program:
    """`text` is a directory, or the name of a folder under `programs/`. Raises ProgramError."""
    for candidate in (cwd / text, cwd / PROGRAMS / text):
        if candidate.is_dir():
            return load_program(candidate.resolve())
        if candidate.is_file() and candidate.name in PROJECT_FILES:
            return load_program(candidate.parent.resolve())
    known = known_programs(cwd)
    listing = f"here are: {', '.join(known)}" if known else "give the directory that holds its Pulumi.yaml"
    raise ProgramError(f"no program {text!r}: neither a directory nor a folder under {PROGRAMS}/", hint=listing)


def known_programs(cwd: Path) -> list[str]:
    """Names of the folders under `programs/` that hold a project."""
    root = cwd / PROGRAMS
    if not root.is_dir():
        return []
    return sorted(child.name for child in root.iterdir() if any((child / name).is_file() for name in PROJECT_FILES))


def load_program(directory: Path) -> Program:
    """Read `Pulumi.yaml` and `harness.toml`. Raises ProgramError or ConfigError; runs nothing."""
    project_file = next((directory / name for name in PROJECT_FILES if (directory / name).is_file()), None)
    if project_file is None:
        raise ProgramError(
            f"{directory} has no Pulumi.yaml",
            hint="a program is a directory with a Pulumi.yaml (name, runtime: python) and a __main__.py",
        )
    project = _read_project(project_file)
    name = project.get("name")
    if not isinstance(name, str) or not name:
        raise ProgramError(f"{project_file} has no project name", hint="add a line `name: my-project`")
    options = _python_options(project_file, project)
    main = _entry_point(directory, project)
    settings_file = directory / "harness.toml"
    settings = read_program_file(settings_file)
    return Program(
        name=name,
        directory=directory,
        main=main,
        runtime_options=options,
        project=project,
        config=settings.config,
        tags=settings.tags,
        policy=settings.policy,
        probes=tuple(settings.probe),
        recheck_ignore=settings.recheck.ignore,
        limits={str(name): seconds for name, seconds in settings.limits.items()},
        stages=tuple(table.stage(name) for table in settings.stage),
        prerequisites=tuple(table.prerequisite() for table in settings.prerequisite),
        settings_file=settings_file if settings_file.is_file() else None,
    )


def _read_project(path: Path) -> dict[str, Any]:
    try:
        project = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ProgramError(f"{path}{line}: {error.problem}", hint="mend the YAML in that line") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProgramError(f"cannot read {path}: {error}", hint="check the file and its permissions") from error
    if not isinstance(project, dict):
        raise ProgramError(f"{path} is not a mapping", hint="it needs at least `name:` and `runtime: python`")
    return project


def _python_options(path: Path, project: dict[str, Any]) -> dict[str, Any]:
    runtime = project.get("runtime")
    name, options = (runtime.get("name"), runtime.get("options")) if isinstance(runtime, dict) else (runtime, None)
    if name != "python":
        raise ProgramError(
            f"{path}: runtime {name!r} is not supported" if name else f"{path}: no runtime",
            hint="the harness runs Pulumi projects with `runtime: python`",
        )
    return options if isinstance(options, dict) else {}


def _entry_point(directory: Path, project: dict[str, Any]) -> Path:
    """The directory or file that Python will run; its syntax is checked here, where nothing exists yet."""
    main = project.get("main")
    entry = (directory / main).resolve() if isinstance(main, str) and main else directory
    source = entry / "__main__.py" if entry.is_dir() else entry
    if not source.is_file():
        raise ProgramError(f"no program at {source}", hint="write it, or point `main:` in Pulumi.yaml at it")
    try:
        compile(source.read_bytes(), str(source), "exec")
    except SyntaxError as error:
        raise ProgramError(
            f"{error.filename}:{error.lineno}: {error.msg}: {(error.text or '').strip()}", hint="mend the syntax error"
        ) from error
    except ValueError as error:
        raise ProgramError(f"{source}: {error}", hint="the file is not Python source text") from error
    return entry
