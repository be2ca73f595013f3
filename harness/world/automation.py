"""An engine command in, a workspace of the Automation API out that runs by it: guarded, in sessions of their own.

The one file that imports the Automation API, and only when it is called: the import costs 0.2 s of CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pulumi.automation import CommandResult, LocalWorkspace, PulumiCommand
from semver import VersionInfo

from harness.world.command import EngineCommand
from harness.world.files import CellFiles


class _GuardedCommand(PulumiCommand):
    """What the Automation API runs in place of its own command. A failure stays ours."""

    def __init__(self, engine: EngineCommand) -> None:
        # No super().__init__: it would spend 0.4 s to ask a version that is known.
        self.command = str(engine.executable)
        self.version = VersionInfo.parse(engine.version)
        self._engine = engine

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], object] | None = None,
        on_error: Callable[[str], object] | None = None,
    ) -> CommandResult:
        """Run one command to its end. Raises EngineFailedError or EngineStoppedError."""
        finished = self._engine.run(args, cwd, additional_env, on_output, on_error)
        return CommandResult(stdout=finished.stdout, stderr=finished.stderr, code=finished.code)


def open_workspace(files: CellFiles, engine: EngineCommand) -> LocalWorkspace:
    """The cell's private project, for what the Automation API does in one engine call: export and import of state."""
    return LocalWorkspace(
        work_dir=str(files.project), pulumi_home=str(files.engine_home), pulumi_command=_GuardedCommand(engine)
    )
