"""Nothing in; what will run out: programs, cells, limits, faults, and the plan of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from harness.model.words import Frozen, PhaseName, ProviderName

FaultKind = Literal["throttle", "denied", "error", "latency", "hang", "reset"]


class Stage(Frozen):
    """A part of a program that goes up before the whole does."""

    name: str
    config: Mapping[str, str] = Field(default_factory=dict)  # laid over the cell's, keys with their namespace
    run: tuple[str, ...] = ()  # command after it, in the program's folder


class Prerequisite(Frozen):
    """A secret that must be there before the program, and does not belong to its stack."""

    name: str
    fields: tuple[str, ...] = ()  # of its JSON; without any it is plain text
    purpose: str = ""


class Program(Frozen):
    """A directory with a `Pulumi.yaml` and Python code."""

    name: str  # the project's name in Pulumi.yaml
    directory: Path
    main: Path  # the directory or file that is run; absolute
    runtime_options: Mapping[str, Any] = Field(default_factory=dict)
    project: Mapping[str, Any] = Field(default_factory=dict)  # Pulumi.yaml as it is
    config: Mapping[str, str] = Field(default_factory=dict)  # defaults from harness.toml
    tags: Mapping[str, str] = Field(default_factory=dict)  # from harness.toml
    policy: Mapping[str, Any] = Field(default_factory=dict)  # [policy] as it stands; harness.policy reads it
    probes: tuple[Mapping[str, Any], ...] = ()  # each [[probe]] as it stands; harness.probes reads them
    stages: tuple[Stage, ...] = ()
    prerequisites: tuple[Prerequisite, ...] = ()
    recheck_ignore: tuple[str, ...] = ()  # globs of RESOURCE.PROPERTY that a recheck lets pass
    limits: Mapping[str, float] = Field(default_factory=dict)  # [limits] in seconds: run, destroy, resource, a phase, …
    settings_file: Path | None = None  # its harness.toml, when there is one


class StackConfig(Frozen):
    """An existing `Pulumi.NAME.yaml` that is taken over."""

    name: str
    config: Mapping[str, Any] = Field(default_factory=dict)
    secrets: Mapping[str, str] = Field(default_factory=dict)  # encryptionsalt, secretsprovider, encryptedkey


class Cell(Frozen):
    """One program at one point of the matrix; runs in one stack."""

    name: str
    program: Program
    stack: str
    suffix: str
    region: str
    config: Mapping[str, Any]  # as in Pulumi.NAME.yaml: text, structures, or {"secure": ciphertext}
    stack_config: StackConfig | None
    tags: Mapping[str, str]


class Limits(Frozen):
    """How long things may take, in seconds."""

    run: float  # everything before the destroy
    destroy: float  # from its own beginning, leak check included
    phases: Mapping[PhaseName, float] = Field(default_factory=dict)  # each from its beginning, within `run`
    resource: float | None = None  # one operation on one resource
    silence: float = 60.0  # without a sign of life: a cell process or a provider is ended and replaced then


class FaultRule(Frozen):
    """One fault that calls to the target shall meet; `rule` is the part that microburst reads."""

    number: int  # in its file, from 1
    name: str
    service: str
    operation: str  # a glob
    kind: FaultKind
    phases: tuple[PhaseName, ...] = ()  # none: in all of them
    cell: str = "*"  # a glob for names of cells or programs
    after: int = 0  # calls that pass first
    must_fire: bool = False
    rule: Mapping[str, Any]


class Plan(Frozen):
    """What will run."""

    run: str
    cells: tuple[Cell, ...]
    limits: Mapping[str, float]  # that were asked for, in seconds; each cell's own are completed from its program
    provider: ProviderName
    keep_on_failure: bool
    preflight: bool
    policy: bool
    policy_packs: tuple[Path, ...]  # the user's, beside the one that is shipped
    probe: bool
    recheck: bool
    parallel: int
    faults: tuple[FaultRule, ...] = ()
    fault_seed: int = 0
