"""Settings in, a plan of named cells out: programs found, suffixes minted, configuration merged. Starts nothing."""

from __future__ import annotations

import random
from pathlib import Path

from harness.errors import ConfigError, SuffixError
from harness.model import Cell, FaultRule, Plan, Program, ProviderName
from harness.plan.discovery import PROJECT_FILES, find_program, known_programs
from harness.plan.naming import SUFFIX_KEY, check_suffix, random_suffix, run_id, stack_name
from harness.plan.own_credentials import refuse_own_credentials
from harness.plan.settings import Settings, namespaced, parse_config, pick_region, read_stack_config
from harness.plan.settings_file import read_settings

SUFFIX_VARIABLE = "ENVIRONMENT_SUFFIX"


def make_plan(settings: Settings, rng: random.Random) -> Plan:
    """What will run. Raises UsageError and its kind; nothing was touched then."""
    programs = _programs(settings)
    given = parse_config(settings.config)
    run = run_id(rng)
    cells = tuple(_cell(program, settings, given, rng) for program in programs)
    seed, faults = _faults(settings, cells)
    provider: ProviderName = settings.provider or ("official" if settings.target == "aws" else "bundled")
    cells = tuple(_cell(program, settings, given, rng) for program in programs)
    _refuse_protected(cells, settings)
    return Plan(
        run=run,
        cells=cells,
        limits=dict(settings.limits),
        provider=provider,
        keep_on_failure=settings.keep_on_failure,
        preflight=settings.preflight,
        policy=settings.policy,
        policy_packs=tuple((settings.cwd / text).resolve() for text in settings.policy_packs),
        probe=settings.probe,
        recheck=settings.recheck,
        parallel=settings.parallel,
        faults=faults,
        fault_seed=seed,
    )


def _faults(settings: Settings, cells: tuple[Cell, ...]) -> tuple[int, tuple[FaultRule, ...]]:
    if settings.faults is None:
        return 0, ()
    from harness.plan.faults import read_faults

    if settings.target == "aws":
        raise ConfigError(
            "--faults cannot be used with --target aws: the fault proxy knows one endpoint, and AWS has one a service",
            hint="use --target emulator, or the URL of an emulator of yours",
        )
    return read_faults((settings.cwd / settings.faults).resolve(), cells)


def _programs(settings: Settings) -> tuple[Program, ...]:
    names = settings.programs
    if not names:
        if not any((settings.cwd / name).is_file() for name in PROJECT_FILES):
            known = known_programs(settings.cwd)
            raise ConfigError(
                "no program given, and no Pulumi.yaml here",
                hint=f"harness run {known[0]}" if known else "harness run DIRECTORY",
            )
        names = (".",)
    programs = tuple(find_program(name, settings.cwd) for name in _of_a_pattern(names, settings.cwd))
    _refuse_twins(programs, settings)
    return programs


def _of_a_pattern(names: tuple[str, ...], cwd: Path) -> tuple[str, ...]:
    """Without what a shell puts beside the programs when it is told `programs/*`: a README, a library of theirs.

    Only where all of a folder is given, so that a directory which somebody names is refused if it is no program.
    """
    given = {cwd / name for name in names}
    projects = {path for path in given if any((path / file).is_file() for file in PROJECT_FILES)}
    others = {path for path in given - projects if path.exists()}
    folders = {path.parent for path in projects} & {path.parent for path in others}
    whole = {folder for folder in folders if {one for one in folder.iterdir() if one.name[0] != "."} <= given}
    return tuple(name for name in names if cwd / name not in others or (cwd / name).parent not in whole)


def _refuse_twins(programs: tuple[Program, ...], settings: Settings) -> None:
    """Two cells of one project with one given suffix would fight over every name."""
    suffix = settings.suffix or settings.environ.get(SUFFIX_VARIABLE)
    names = [program.name for program in programs]
    twins = {name for name in names if names.count(name) > 1}
    if suffix and twins:
        raise SuffixError(
            f"{', '.join(sorted(twins))} is asked for more than once with the one suffix {suffix!r}",
            hint="leave --suffix (or ENVIRONMENT_SUFFIX) out, so that each gets its own",
        )


def _refuse_protected(cells: tuple[Cell, ...], settings: Settings) -> None:
    """What may never be destroyed must not be made by us."""
    protected = read_settings(settings.environ)
    for cell in cells:
        if pattern := protected.protects(cell.stack):
            raise ConfigError(
                f"the stack {cell.stack} is protected by the pattern {pattern!r}: it is neither made nor destroyed",
                hint="rename the project, or change `protected` in the settings (harness doctor shows where they are)",
            )


def _cell(program: Program, settings: Settings, given: dict[str, str], rng: random.Random) -> Cell:
    asked = settings.suffix if settings.suffix is not None else settings.environ.get(SUFFIX_VARIABLE)
    suffix = check_suffix(asked, program.name) if asked is not None else random_suffix(rng)
    stack = read_stack_config(program, settings.stack_config, settings.environ) if settings.stack_config else None
    region = pick_region(settings, program, given, stack)
    config = {
        **namespaced(program.config, program.name),
        **(stack.config if stack else {}),
        **namespaced(given, program.name),
        f"{program.name}:{SUFFIX_KEY}": suffix,
        "aws:region": region,
    }
    if settings.target == "aws":
        refuse_own_credentials(config, program.name)
        for stage in program.stages:
            refuse_own_credentials({**config, **stage.config}, f"{program.name}, stage {stage.name}")
    name = stack_name(program.name, suffix)
    return Cell(
        name=name,
        program=program,
        stack=name,
        suffix=suffix,
        region=region,
        config=config,
        stack_config=stack,
        tags=_tags(program, suffix),
    )


def _tags(program: Program, suffix: str) -> dict[str, str]:
    """What every taggable resource carries through the provider; harness.toml may say it better."""
    defaults = {"Environment": suffix, "Project": program.name, "CostCenter": "ephemeral"}
    return {**defaults, **program.tags}
