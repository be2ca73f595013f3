"""The door of this room: what a program's `probes.py` imports, and what loads, checks and runs probes."""

from __future__ import annotations

from harness.probes.context import ProbeContext, StackResource
from harness.probes.functions import load_probes, probe
from harness.probes.load import check, load
from harness.probes.model import Evidence, Probe, ProbeFailure, ProbeFunction, ProbeResult, ProbeStatus
from harness.probes.outputs import check_outputs, references
from harness.probes.trying import GRACE_SECONDS, PARALLEL, run_probe, run_probes

__all__ = [
    "GRACE_SECONDS",
    "PARALLEL",
    "Evidence",
    "Probe",
    "ProbeContext",
    "ProbeFailure",
    "ProbeFunction",
    "ProbeResult",
    "ProbeStatus",
    "StackResource",
    "check",
    "check_outputs",
    "load",
    "load_probes",
    "probe",
    "references",
    "run_probe",
    "run_probes",
]
