"""A program in, all its probes out: those that `harness.toml` declares, then those of its `probes.py`."""

from __future__ import annotations

from harness.model import Program
from harness.probes.declared import declared_probes
from harness.probes.functions import check_syntax, load_probes, refuse_same_names
from harness.probes.model import Probe


def check(program: Program) -> list[Probe]:
    """Refuse what can be refused without running anything of the user's; the declared probes.

    For a process that holds real credentials: `probes.py` is compiled here, and not run.

    Raises:
        ConfigError: a `[[probe]]` table is malformed.
        ProgramError: `probes.py` is not Python.
    """
    declared = declared_probes(program)
    check_syntax(program.directory)
    return declared


def load(program: Program) -> list[Probe]:
    """Every probe. It runs `probes.py`: only for a process whose environment leads to the target and nowhere else.

    Raises:
        ConfigError: a `[[probe]]` table is malformed.
        ProgramError: `probes.py` cannot be imported, declares no probe, or two probes have one name.
    """
    probes = [*declared_probes(program), *load_probes(program.directory)]
    refuse_same_names(probes)
    return probes
