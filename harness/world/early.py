"""A plan in; the language hosts of its first cells out, started while everything else is being opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.model import Plan
from harness.world.files import CellFiles
from harness.world.language import Language
from harness.world.uninterrupted import uninterrupted


class EarlyHosts:
    """Hosts that wait for their cells. Each is taken once; a cell that finds none starts its own."""

    def __init__(self) -> None:
        self._waiting: dict[Path, Language] = {}

    def begin(self, plan: Plan, run_directory: Path) -> None:
        """Start the hosts of the cells that will run first. Raises HomeError when the disk refuses."""
        for cell in plan.cells[: plan.parallel]:
            directory = run_directory / cell.name
            CellFiles(directory).make()
            try:
                with uninterrupted():
                    self._waiting[directory] = Language.start(cell.program, directory, fresh_after_up=plan.recheck)
            except OSError:  # the cell tries again, and tells it if it cannot either
                return

    def take(self, directory: Path) -> Language | None:
        """The host of the cell whose files lie in `directory`, for good."""
        return self._waiting.pop(directory, None)

    def close(self) -> None:
        """End those that nobody took, and remove their folders: those cells never began."""
        for directory, language in self._waiting.items():
            language.close()
            CellFiles(directory).remove()
        self._waiting.clear()


Begin = Callable[[EarlyHosts, Path], None]


@contextmanager
def early_hosts() -> Iterator[EarlyHosts]:
    """None yet; whatever is begun inside and not taken is ended."""
    hosts = EarlyHosts()
    try:
        yield hosts
    finally:
        hosts.close()
