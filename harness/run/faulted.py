"""A cell's specification in; one that leads through the cell's fault proxy, and what fired in the end, out.

Everything that the cell asks of the target goes that way, the harness's own questions in the leak check too: how the
harness bears a failing target is tested by the same door. A recovery, `harness destroy` and `harness sweep` ask the
target directly.
"""

from __future__ import annotations

import os
from contextlib import ExitStack

from harness.errors import HarnessError
from harness.model import CellStatus, Failure, PhaseName
from harness.run.record import Record
from harness.world.faults import FaultProxy, what_fired
from harness.world.files import CellFiles


def through_faults(record: Record, resources: ExitStack) -> None:
    """Start the proxy and lead the cell through it. Raises WorldError; nothing was made then."""
    spec = record.spec
    if spec.recover or spec.url is None:
        return
    files = CellFiles(spec.directory)
    try:
        files.make()
        proxy = FaultProxy(spec.url, spec.faults, spec.fault_seed, files.faults, record.note)
    except HarnessError as error:
        record.fail(CellStatus.ERRORED, Failure(phase=None, message=error.message, hint=error.hint))
        raise
    resources.enter_context(proxy)
    record.spec = spec.model_copy(update={"through": proxy.url})
    record.arm = proxy.arm
    os.environ["AWS_ENDPOINT_URL"] = proxy.url  # for probes that call boto3 by themselves


def tell_faults(record: Record) -> None:
    """Put what fired into the record. A rule that had to fire and never did fails a cell that came as far as `up`."""
    spec = record.spec
    record.faults = what_fired(spec.faults, CellFiles(spec.directory).faults)
    begun = any(phase.phase is PhaseName.UP for phase in record.phases)
    idle = [fault for fault in record.faults if fault.must_fire and not fault.times]
    if idle and begun:
        names = ", ".join(f"{fault.rule} ({fault.name})" for fault in idle)
        record.fail(
            CellStatus.FAILED,
            Failure(
                phase=None,
                message=f"never fired, but had to: fault {names}",
                hint="no call matched: see service, operation, resource and phase in the fault file",
            ),
        )
