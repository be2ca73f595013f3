"""Messages of a cell in; one line that says where it stands out."""

from __future__ import annotations

from harness.model import PhaseName, PhaseStatus
from harness.run.messages import Message, PhaseMessage, ProgressMessage

_DONE = {PhaseName.UP: "made", PhaseName.DESTROY: "deleted"}  # the other phases change nothing


class Standing:
    """Phases that run now, and how far they are."""

    def __init__(self) -> None:
        self._running: dict[PhaseName, ProgressMessage | None] = {}
        self.destroying = False

    def hear(self, message: Message) -> None:
        """Account for one message."""
        if isinstance(message, PhaseMessage):
            if message.status is PhaseStatus.RUNNING:
                self._running[message.phase] = None
                self.destroying |= message.phase is PhaseName.DESTROY
            else:
                self._running.pop(message.phase, None)
        elif isinstance(message, ProgressMessage) and message.phase in self._running:
            self._running[message.phase] = message

    def told(self) -> str:
        """`destroy: 12 of 48 deleted, waiting for cluster`."""
        running = list(self._running.items())  # signals come while it changes
        return " and ".join(_told(phase, progress) for phase, progress in running) or "between two phases"


def _told(phase: PhaseName, progress: ProgressMessage | None) -> str:
    if progress is None:
        return str(phase)
    counted = f"{progress.done} of {progress.planned} {_DONE[phase]}" if phase in _DONE and progress.planned else ""
    waiting = f"waiting for {progress.waiting}" if progress.waiting else ""
    far = ", ".join(part for part in (counted, waiting) if part)
    return f"{phase}: {far}" if far else str(phase)
