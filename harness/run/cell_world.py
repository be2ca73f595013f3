"""A cell's specification in; its stack and its provider process out, started side by side and always ended."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from harness.errors import RunError
from harness.model import Failure, PhaseName
from harness.run.marks import ambient, provider_config, run_tags
from harness.run.messages import CellSpec
from harness.run.record import PhaseError
from harness.run.shield import Shield
from harness.world.command import EngineCommand, stop_recorded_engine
from harness.world.engine_environment import engine_environment
from harness.world.files import CellFiles
from harness.world.language import Language
from harness.world.provider import BUNDLED, ProviderProcess
from harness.world.remnants import end_remnants
from harness.world.sdk import sdk_versions
from harness.world.stack import PARALLEL, PARALLEL_PER_CORE, Stack
from harness.world.target import Target

LOOK = 0.2  # seconds between two looks at the lock of an earlier process


class CellWorld:
    """What one cell works with."""

    def __init__(self, spec: CellSpec, files: CellFiles, resources: ExitStack, shield: Shield) -> None:
        self.spec = spec
        self.files = files
        self._resources = resources
        self._shield = shield
        self._provider: ProviderProcess | None = None
        self.environment = environment = _engine_environment(spec, files)
        language = self._language()
        if language is not None:
            resources.enter_context(language)
            language.live(environment)
        self.provider()

        def stack(pid_file: Path, place: int | None) -> Stack:
            command = EngineCommand(spec.engine, spec.engine_version, environment, pid_file)
            journaled = BUNDLED if spec.provider == "bundled" else ()
            parallel = PARALLEL if spec.target == "aws" else PARALLEL_PER_CORE * (os.cpu_count() or 1)
            return Stack(
                spec.cell,
                files,
                command,
                provider_config(spec),
                language,
                place=place,
                journaled=journaled,
                parallel=parallel,
            )

        # One for each engine that may run beside another: a recheck runs two, and probes may read secret outputs.
        self.stack = stack(files.engine_pid, 0)
        self.second_stack = stack(files.more_engine_pids[0], 1)
        self.reading_stack = stack(files.more_engine_pids[1], None)

    def _language(self) -> Language | None:
        """The host that was started early, or one of our own; none for a recovery, which runs no program."""
        spec = self.spec
        if spec.host is not None:
            return Language(*spec.host)
        if spec.recover:
            return None
        # The recheck's preview must not share the hash seed of `up`.
        return Language.start(spec.cell.program, self.files.directory, fresh_after_up=spec.recheck)

    def provider(self) -> ProviderProcess:
        """The cell's provider process, started again if it died: the destroy needs it."""
        if self._provider is None or not self._provider.alive:
            if self._provider is not None:
                self._provider.close()
            process = ProviderProcess.start(ambient(self.spec), self.files.directory)
            self._provider = self._resources.enter_context(process)
            if self.spec.provider == "bundled":
                process.plugin_home(self.files.engine_home, sdk_versions(self.spec.cell.program, {}))
        return self._provider

    def create_stack(self) -> None:
        """An empty stack with the cell's configuration. Raises PhaseError."""
        phase = PhaseName.PREFLIGHT
        if (reason := self._shield.stop()) is not None:
            failure = Failure(phase=phase, message=f"stopped: {reason}", hint="nothing had been made")
            raise PhaseError(failure, interrupted=self._shield.interrupted is not None)
        try:
            self.stack.create()
        except RunError as error:
            raise PhaseError(Failure(phase=phase, message=error.message, hint=error.hint)) from error


@contextmanager
def open_cell_world(spec: CellSpec, shield: Shield) -> Iterator[CellWorld]:
    """Everything that the cell needs, ended when the block ends, however it ends."""
    files = CellFiles(spec.directory)
    with ExitStack() as resources:
        resources.enter_context(_alone(spec, files, shield))
        files.make()  # under the lock: whoever held it before may have cleared up
        if spec.recover:
            for pid_file in (files.engine_pid, *files.more_engine_pids):
                stop_recorded_engine(pid_file)
            end_remnants(str(files.directory))
        resources.callback(end_remnants, str(files.directory))  # last of all: what the program left running
        yield CellWorld(spec, files, resources, shield)


@contextmanager
def _alone(spec: CellSpec, files: CellFiles, shield: Shield) -> Iterator[None]:
    """One process a cell: an earlier one that still destroys is waited for. The kernel frees the lock of a dead one."""
    with files.lock.open("w", encoding="ascii") as lock:
        with shield.destroying(spec.limits.destroy):
            while not _locked(lock):
                if shield.stop():
                    raise RunError(
                        f"another process still works on {spec.cell.name}",
                        hint=f"wait for it to end, then harness destroy {spec.run}",
                    )
                time.sleep(LOOK)
        yield


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _engine_environment(spec: CellSpec, files: CellFiles) -> dict[str, str]:
    return engine_environment(
        spec.cell,
        files,
        target=Target(kind=spec.target, url=spec.url),
        account=spec.account,
        provider=spec.provider,
        tags=run_tags(spec),
        hosts=spec.hosts,
        base=os.environ,
    )
