"""The folder of all runs in; those of cells that were killed before they had a lease, removed.

Nothing was ever made there: the specification is written before the lease, and the lease before anything else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.world.files import CellFiles

LEAVE_ALONE: Final = 600.0  # seconds: a run that is only just beginning has no lease yet either


def remove_unbegun(runs: Path, now: float) -> tuple[Path, ...]:
    """Those that are older than a beginning may take, and in nobody's hands. `now` is in seconds since the epoch."""
    found = []
    for directory in runs.glob("*/*"):
        files = CellFiles(directory)
        unbegun = files.passphrase.exists() and not files.spec.exists()  # a cell that has ended has neither
        if unbegun and now - files.began > LEAVE_ALONE and not files.is_held():
            files.remove()
            found.append(directory)
    return tuple(found)
