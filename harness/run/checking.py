"""A cell that is up in; its probes and its recheck done, side by side, out."""

from __future__ import annotations

import threading

from harness.model import PhaseName
from harness.probes.registry import Probe
from harness.run.cell_world import CellWorld
from harness.run.probing import probe_cell
from harness.run.recheck import recheck_cell
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield


def check_cell(world: CellWorld, record: Record, shield: Shield, probes: list[Probe] | None) -> None:
    """Probe and recheck. Each is heard out, also when the other fails. Raises PhaseError, the probes' first."""
    probing = _Probing(world, record, shield, probes)
    probing.start()
    if probes == [] or not record.spec.probe:
        probing.join()  # nothing that could disturb the recheck
    failed: list[PhaseError] = []
    try:
        if record.spec.recheck:
            recheck_cell(world, record, shield, alone=lambda: not probing.is_alive())
        else:
            record.skip(PhaseName.RECHECK, "--no-recheck")
    except PhaseError as error:
        failed.append(error)
    finally:
        probing.join()
    if probing.error is not None:
        raise probing.error
    if failed:
        raise failed[0]


class _Probing(threading.Thread):
    """The probes of a cell; `join` returns soon after a stop."""

    def __init__(self, world: CellWorld, record: Record, shield: Shield, probes: list[Probe] | None) -> None:
        super().__init__(name="probing", daemon=True)
        self.error: BaseException | None = None
        self._ask = world, record, shield, probes

    def run(self) -> None:
        """Probe; an error waits for whoever joins."""
        try:
            probe_cell(*self._ask)
        except BaseException as error:  # noqa: BLE001 - raised again by check_cell, in the thread that counts
            self.error = error
