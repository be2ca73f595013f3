"""A cell's specification in; its stack and its provider process out, started side by side and always ended."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from harness.errors import RunError
from harness.model import Failure, PhaseName
from harness.providers.process import GRACE
from harness.run.marks import ambient, lease_tags, provider_config, run_tags
from harness.run.messages import CellSpec
from harness.run.record import PhaseError
from harness.run.shield import Shield
from harness.world.cell_lock import sign, stopped_holder
from harness.world.command import BUNDLED_GRACE, FIRST_GRACE, SECOND_GRACE, EngineCommand, stop_recorded_engine
from harness.world.engine_environment import engine_environment
from harness.world.file_lock import locked
from harness.world.files import CellFiles
from harness.world.forks import keep_from_forks
from harness.world.language import Language
from harness.world.provider import BUNDLED, START_TIMEOUT, ProviderProcess
from harness.world.recorded import await_end
from harness.world.remnants import PROCESS_VARIABLE, end_remnants
from harness.world.sdk import sdk_versions
from harness.world.stack import PARALLEL, PARALLEL_PER_CORE, Stack
from harness.world.target import Target, no_way_out

PING = 2.0  # seconds between two looks at whether the provider lives
LOOK = 0.2  # seconds between two looks at the lock of an earlier process


class CellWorld:
    """What one cell works with."""

    def __init__(
        self, spec: CellSpec, files: CellFiles, resources: ExitStack, shield: Shield, tell: Callable[[str], None]
    ) -> None:
        self.spec = spec
        self.files = files
        self._resources = resources
        self._shield = shield
        self._tell = tell
        self._provider: ProviderProcess | None = None
        environment = _engine_environment(spec, files)
        # The engine may fetch a plugin; a program, and the commands of its stages, reach their emulator and no more.
        self.program_environment = environment | (no_way_out(environment) if spec.url is not None else {})
        language = self._language()
        if language is not None:
            resources.enter_context(language)
            language.live(self.program_environment)
        self.provider()
        threading.Thread(target=self._watch_provider, name="provider watch", daemon=True).start()

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
                sole_account=spec.provider == "bundled" and spec.url is not None,
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

    def _watch_provider(self) -> None:
        """A provider that is stopped or stuck answers nobody: ended, it is an error, and `provider` starts another."""
        silence, known = self.spec.limits.silence, None
        while True:
            provider = self._provider
            patience = silence if provider is known else max(silence, START_TIMEOUT)
            if provider is not None and not provider.answers(patience):
                self._tell(
                    f"the provider gave no sign of life for {patience:.0f} s (--silence-timeout): it is replaced"
                )
                provider.kill()
            known = provider
            time.sleep(min(PING, silence / 2))

    def create_stack(self) -> None:
        """An empty stack with the cell's configuration. Raises PhaseError."""
        phase = PhaseName.PREFLIGHT
        if (reason := self._shield.stop(phase)) is not None:
            raise PhaseError.stopped_by(reason, phase, "", hint="nothing had been made")
        try:
            self.stack.create(lease_tags(self.spec))
        except RunError as error:
            raise PhaseError(Failure(phase=phase, message=error.message, hint=error.hint)) from error


@contextmanager
def open_cell_world(spec: CellSpec, shield: Shield, tell: Callable[[str], None]) -> Iterator[CellWorld]:
    """Everything that the cell needs, ended when the block ends, however it ends. `tell` hears what a person should."""
    files = CellFiles(spec.directory)
    with ExitStack() as resources:
        before = resources.enter_context(_alone(spec, files, shield))
        files.make()  # under the lock: whoever held it before may have cleared up
        if spec.recover:
            graces = (BUNDLED_GRACE if spec.provider == "bundled" else FIRST_GRACE, SECOND_GRACE)
            for pid_file in (files.engine_pid, *files.more_engine_pids):
                stop_recorded_engine(pid_file, graces)
            await_end(files.provider_pid, GRACE + 2)  # it writes down what its last creates came to
            end_remnants(str(files.directory))
            end_remnants(before, PROCESS_VARIABLE)
        # Last of all: what the program left running, and the probes.
        resources.callback(end_remnants, os.environ.get(PROCESS_VARIABLE, ""), PROCESS_VARIABLE)
        resources.callback(end_remnants, str(files.directory))
        yield CellWorld(spec, files, resources, shield, tell)


@contextmanager
def _alone(spec: CellSpec, files: CellFiles, shield: Shield) -> Iterator[str]:
    """One process a cell: an earlier one that still destroys is waited for. The kernel frees the lock of a dead one.

    Gives the mark of the process that held it before, or nothing.
    """
    with files.lock.open("a+", encoding="ascii") as lock:
        keep_from_forks(lock)
        with shield.destroying(spec.limits.destroy):
            while not locked(lock):
                if (holder := stopped_holder(lock)) is not None:
                    with suppress(psutil.Error):  # it has ended
                        holder.kill()
                if shield.stop():
                    raise RunError(
                        f"another process still works on {spec.cell.name}",
                        hint=f"wait for it to end, then harness destroy {spec.run}",
                    )
                time.sleep(LOOK)
        yield sign(lock, os.environ.get(PROCESS_VARIABLE, ""))


def _engine_environment(spec: CellSpec, files: CellFiles) -> dict[str, str]:
    return engine_environment(
        spec.cell,
        files,
        target=Target(kind=spec.target, url=spec.endpoint),
        account=spec.account,
        provider=spec.provider,
        tags=run_tags(spec),
        hosts=spec.hosts,
        base=os.environ,
    )
