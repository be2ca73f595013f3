"""A plan in; a refusal out of what can be refused before anything is started: policy settings, packs and probes.

Nothing of the user's code is run here: this is the process that holds real credentials.
"""

from __future__ import annotations

from harness.model import Plan, Program


def admit(plan: Plan) -> None:
    """Raises ConfigError or ProgramError; nothing was made then."""
    programs = list({cell.program.directory: cell.program for cell in plan.cells}.values())
    if plan.policy:
        _admit_policy(plan, programs)
    if plan.probe:
        _admit_probes(programs)


def _admit_policy(plan: Plan, programs: list[Program]) -> None:
    from harness.policy.packs import check_pack  # only what a run needs is imported: programs wait for this
    from harness.policy.settings import read_policy

    for pack in plan.policy_packs:
        check_pack(pack)
    for program in programs:
        read_policy(program)


def _admit_probes(programs: list[Program]) -> None:
    from harness.probes.load import check

    for program in programs:
        check(program)
