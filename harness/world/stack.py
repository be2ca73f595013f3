"""A cell in, an Automation API stack out: private project, state and engine home, and Pulumi's verbs on them.

The SDK's own `Stack.up` and `Stack.destroy` make four and two engine calls (outputs, history); what they ask for is in
the event log and the state file that we own, so each verb here is one call, with the options that the Automation API
gives. Its workspace does what else is done to the state.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from harness.errors import RunError
from harness.model import Cell
from harness.world.checkpoint import (
    Checkpoint,
    Restored,
    edit_state,
    empty_stack,
    read_checkpoint,
    read_state_file,
    restore_backup,
    revealed,
    state_file,
    write_stack_tags,
)
from harness.world.command import EngineCommand
from harness.world.deletable import make_deletable
from harness.world.files import CellFiles, write_whole
from harness.world.language import Language
from harness.world.locks import release_locks
from harness.world.sources import declares_only

if TYPE_CHECKING:
    from pulumi.automation import LocalWorkspace

NO_CHECKPOINTS = {"PULUMI_SKIP_CHECKPOINTS": "true"}  # of the engine: the state is written once, at the end
PARALLEL = 64  # operations at once on AWS, whose own throttling answers above that
PARALLEL_PER_CORE = 6  # on an emulator, which shares this machine: more are slower, by a tenth at 64 on two cores
_NOT_OURS = ("backend", "stackConfigDir", "main", "runtime")  # of Pulumi.yaml: replaced by our own


class Stack:
    """One cell's stack. Every call runs under the guard of its command."""

    def __init__(
        self,
        cell: Cell,
        files: CellFiles,
        command: EngineCommand,
        config: Mapping[str, Any],
        language: Language | None,
        *,
        place: int | None = 0,
        journaled: tuple[str, ...] = (),
        parallel: int = PARALLEL,
        sole_account: bool = False,
    ) -> None:
        """`place` is where its engine attaches to the language host: 1 for one that runs beside another.

        Without a host or a place it starts its own.
        `journaled` are the packages whose provider has each create on disk before it is made. `parallel` is how many
        operations an engine may have under way. `sole_account`: its providers heed no credentials of the program's.
        """
        self.cell = cell
        self.config = {**config, **cell.config}  # what the program asks for wins over what we would set
        self.files = files
        self.command = command
        self._language = language
        self._place = place
        self._journaled = journaled
        self._parallel = parallel
        ours = {name.removeprefix("aws:"): one for name, one in config.items() if name.startswith("aws:")}
        self._granted = None if sole_account else ours
        self._foreign = False  # a preview has shown that something is planned which no journal has
        self._checkpoints: Mapping[str, str] = {}

    @cached_property
    def _workspace(self) -> LocalWorkspace:
        from harness.world.automation import open_workspace

        return open_workspace(self.files, self.command)

    def create(self, tags: Mapping[str, str]) -> None:
        """Write the private project and an empty stack with these stack tags. Raises RunError when the disk refuses.

        `pulumi stack init` would write the same, for the price of an engine start and a key derivation (0.4 s); the
        first engine call adds the salt of its secrets.
        """
        write_project(self.cell, self.files, self.config)
        try:
            empty_stack(self.files.state, self.cell.program.name, self.cell.stack)
            write_stack_tags(self.files.state, self.cell.program.name, self.cell.stack, tags)
        except OSError as error:
            raise RunError(f"the stack cannot be made: {error}", hint="free some space under HARNESS_HOME") from error

    def configure(self, more: Mapping[str, str]) -> None:
        """Lay these over the cell's configuration, in place of what was laid over it before. Raises RunError."""
        path = self.files.project / f"Pulumi.{self.cell.stack}.yaml"
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise RunError(f"cannot read {path}: {error}", hint="free some space under HARNESS_HOME") from error
        # The engine has written the salt of its secrets beside it, which must stay.
        _write_yaml(path, {**document, "config": {**self.config, **more}})

    def preview(self, event_log: Path, policy: Sequence[str] = ()) -> None:
        """Plan an update; touches nothing. `policy` are the engine's arguments for policy packs."""
        self._run("preview", event_log, *policy)
        self._foreign |= bool(self._journaled) and not makes_only(event_log, self._journaled)

    def refresh(self, event_log: Path) -> None:
        """Read every resource at the target and tell what differs from the state; touches neither."""
        self._run("refresh", event_log, "--preview-only")

    def up(self, event_log: Path) -> None:
        """Create what the program declares.

        Each step is written to the state, as evidence of what an engine that is killed had made; unless another journal
        has that of all that the sources can declare. The preview alone does not tell: what is declared inside an
        `apply` of something that is not known yet is not in it.
        """
        sources = self.cell.program.directory
        if self._journaled and not self._foreign and declares_only(sources, self._journaled):
            self._checkpoints = NO_CHECKPOINTS
        self._run("up", event_log, "--yes", "--skip-preview", **self._checkpoints)

    def destroy(self, event_log: Path) -> None:
        """Delete what the state holds, going on past errors.

        Where the state is written once, at the end, an engine that is killed before leaves what it had deleted in the
        state: a provider with a journal takes that for deleted when it is asked again.
        """
        self._run("destroy", event_log, "--yes", "--skip-preview", "--continue-on-error", **self._checkpoints)

    def release_lock(self) -> list[Path]:
        """Clear the lock of an engine of ours that is dead; says which. Raises RunError for any other."""
        return release_locks(self.files.state)

    def restore_state(self) -> Restored:
        """Make the state file readable again where its backup is. Says which state the engine can work with."""
        return restore_backup(self.files.state, self.cell.program.name, self.cell.stack)

    def make_deletable(self) -> list[tuple[str, str, str]]:
        """Lift in the state what would keep something; keep what was imported. Says type, id and what was lifted.

        The file is edited in place: nearly every program has something to lift, and two engine calls for it would cost
        as much as the destroy itself. Raises OSError when the disk refuses.
        """
        changes: list[tuple[str, str, str]] = []
        place = (self.files.state, self.cell.program.name, self.cell.stack)
        edit_state(*place, lambda deployment: make_deletable(deployment, changes))
        return changes

    def clear_pending(self) -> None:
        """Drop pending operations from the state; only after each was looked up at the target."""
        deployment = self._workspace.export_stack(self.cell.stack)
        kept = {name: part for name, part in (deployment.deployment or {}).items() if name != "pending_operations"}
        deployment.deployment = kept
        self._workspace.import_stack(self.cell.stack, deployment)

    def secret_outputs(self) -> Mapping[str, Any]:
        """Outputs in plain text, for probes only: an engine call, needed just when one of them is secret."""
        text = self._call("stack", "output", "--json", "--show-secrets", "--stack", self.cell.stack)
        outputs: Mapping[str, Any] = json.loads(text)
        return outputs

    def secrets(self) -> list[Any]:
        """Every secret value of the state, in plain text, for scrubbing: an engine call."""
        text = self._call("stack", "export", "--show-secrets", "--stack", self.cell.stack)
        return list(revealed(json.loads(text)))

    def secret_config(self) -> list[Any]:
        """Every secret value of the configuration, in plain text, for scrubbing: an engine call."""
        text = self._call("config", "--show-secrets", "--json", "--stack", self.cell.stack)
        return [entry.get("objectValue", entry.get("value")) for entry in json.loads(text).values() if entry["secret"]]

    def checkpoint(self) -> Checkpoint:
        """What the state file says now."""
        return read_checkpoint(self.files.state, self.cell.program.name, self.cell.stack, self._granted)

    def keep_state(self, stage: str) -> None:
        """Put the state aside as a stage has left it: what a later `up` removes is in it, and in no other.

        Raises RunError when the disk refuses.
        """
        path = self.files.state_after(stage)
        state = state_file(self.files.state, self.cell.program.name, self.cell.stack)
        try:
            write_whole(path, state.read_text(encoding="utf-8"))
        except OSError as error:
            raise RunError(f"{path} cannot be written: {error}", hint="free some space under HARNESS_HOME") from error

    def kept_checkpoints(self) -> list[Checkpoint]:
        """What was put aside, in the order in which it was."""
        return [read_state_file(path, self._granted) for path in self.files.states_after]

    def _run(self, verb: str, event_log: Path, *flags: str, **environment: str) -> None:
        fixed = ("--stack", self.cell.stack, "--parallel", str(self._parallel), "--exec-kind", "auto.local")
        self._call(verb, *flags, *fixed, "--event-log", str(event_log), **environment)

    def _attachment(self) -> dict[str, str]:
        if self._language is None or self._place is None:
            return {}
        return self._language.attachment(self._place)

    def _call(self, *args: str, **additional: str) -> str:
        # --event-log is one of the engine's debugging flags, which it hides without this.
        environment = {
            "PULUMI_HOME": str(self.files.engine_home),
            "PULUMI_DEBUG_COMMANDS": "true",
            **self._attachment(),
            **additional,
        }
        return self.command.run(list(args), str(self.files.project), environment).stdout


def makes_only(event_log: Path, packages: Collection[str]) -> bool:
    """Whether all resources of a preview's events (components aside) are of these packages."""
    for line in event_log.read_bytes().splitlines():
        step = json.loads(line).get("resourcePreEvent", {}).get("metadata", {})
        package, _, kind = step.get("type", "").partition(":")
        is_provider = package == "pulumi" and kind.startswith("providers:")  # makes nothing by itself
        custom = (step.get("new") or step.get("old") or {}).get("custom")
        if custom and package not in packages and not is_provider:
            return False
    return True


def write_project(cell: Cell, files: CellFiles, config: Mapping[str, Any]) -> None:
    """A project of our own that points at the user's program, so that the engine writes nothing beside it."""
    program = cell.program
    main = program.main
    options = dict(program.runtime_options)
    if isinstance(options.get("virtualenv"), str):
        options["virtualenv"] = str((program.directory / options["virtualenv"]).absolute())
    project = {key: value for key, value in program.project.items() if key not in _NOT_OURS}
    project["runtime"] = {"name": "python", "options": options}
    project["main"] = str(main)
    _write_yaml(files.project / "Pulumi.yaml", project)
    secrets_provider = cell.stack_config.secrets if cell.stack_config else {}
    _write_yaml(files.project / f"Pulumi.{cell.stack}.yaml", {**secrets_provider, "config": dict(config)})


def _write_yaml(path: Path, document: Mapping[str, Any]) -> None:
    try:
        path.write_text(yaml.safe_dump(dict(document), sort_keys=False), encoding="utf-8")
        path.chmod(0o600)  # configuration may hold what nobody else should read
    except (OSError, yaml.YAMLError) as error:
        raise RunError(f"cannot write {path}: {error}", hint="free some space under HARNESS_HOME") from error
