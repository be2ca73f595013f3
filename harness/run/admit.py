"""A plan in; a refusal out of what can be refused before anything is started: policy settings, packs and probes.

Nothing of the user's code is run here: this is the process that holds real credentials.
"""

from __future__ import annotations

from harness.model import Plan
from harness.policy.packs import check_pack
from harness.policy.settings import read_policy
from harness.probes.load import check


def admit(plan: Plan) -> None:
    """Raises ConfigError or ProgramError; nothing was made then."""
    if plan.policy:
        for pack in plan.policy_packs:
            check_pack(pack)
    for program in {cell.program.directory: cell.program for cell in plan.cells}.values():
        if plan.policy:
            read_policy(program)
        if plan.probe:
            check(program)
