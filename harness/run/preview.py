"""A cell's stack in; what its preview said out: the plan, every policy rule, and whether `up` may begin."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.model import CellStatus, Failure, PhaseName, RuleLevel
from harness.policy.failures import explain_pack_failure
from harness.policy.outcomes import PolicyEvents
from harness.policy.packs import DeclaredPack, declare_pack
from harness.policy.settings import PolicySettings, policy_arguments, read_policy
from harness.probes.outputs import check_outputs
from harness.probes.registry import Probe
from harness.run.cell_world import CellWorld
from harness.run.operation import operate
from harness.run.previewed import Previewed
from harness.run.probing import read_probes
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield
from harness.world.engine_words import short_name

PHASE = PhaseName.PREFLIGHT


def preview_cell(world: CellWorld, record: Record, shield: Shield) -> Previewed:
    """One preview with the policy packs.

    Raises:
        PhaseError: the program or a pack breaks, a mandatory rule is violated, or a probe could never pass.
    """
    policy = _Policy(record) if record.spec.policy else None
    arguments = policy.begin(world.files.temporary) if policy else []
    try:
        timeline = operate(
            world.stack,
            record,
            shield,
            PHASE,
            lambda log: world.stack.preview(log, arguments),
            watch=policy.take if policy else None,
        )
    except PhaseError as error:
        if policy is None or error.interrupted:
            raise
        policy.judge(error)
        raise
    if policy:
        policy.judge(None)
    if timeline.imports:
        raise PhaseError(_imports(timeline.imports))
    probes = read_probes(record, shield, PHASE)
    _check_probes(probes, timeline.outputs)
    return Previewed(timeline.planned, probes)


def _check_probes(probes: list[Probe], outputs: frozenset[str]) -> None:
    try:
        check_outputs(probes, outputs)
    except HarnessError as error:
        raise PhaseError(Failure(phase=PHASE, message=error.message, hint=error.hint)) from error


def _imports(urns: list[str]) -> Failure:
    """A run would lay its tags on what somebody else owns, and could not take it down."""
    return Failure(
        phase=PHASE,
        message=f"the program imports what exists already: {', '.join(short_name(urn) for urn in urns)}",
        hint="in an ephemeral run look it up with .get() instead; what was imported is never deleted",
    )


class _Policy:
    """The policy packs of one preview."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._events: list[Mapping[str, Any]] = []
        self._declared: list[Future[DeclaredPack | None]] = []
        self._settings = PolicySettings()

    def begin(self, directory: Path) -> list[str]:
        """What the engine is told. The user's packs are asked meanwhile which rules they have."""
        spec = self._record.spec
        try:
            self._settings = read_policy(spec.cell.program)
            arguments = policy_arguments(self._settings, spec.policy_packs, directory)
        except HarnessError as error:
            raise PhaseError(Failure(phase=PHASE, message=error.message, hint=error.hint)) from error
        packs = (*self._settings.packs, *spec.policy_packs)
        if packs:
            pool = ThreadPoolExecutor(len(packs), thread_name_prefix="packs")
            self._declared = [pool.submit(declare_pack, pack, dict(os.environ)) for pack in packs]
            pool.shutdown(wait=False)
        return arguments

    def take(self, event: Mapping[str, Any]) -> None:
        """Keep what the rules can be told from."""
        if "resourcePreEvent" in event or any(name.startswith("policy") for name in event):
            self._events.append(event)

    def judge(self, error: PhaseError | None) -> None:
        """Record every rule. `error` is how the preview ended.

        Raises:
            PhaseError: a mandatory rule is violated, or a pack broke. Otherwise what stopped the preview counts.
        """
        broken = explain_pack_failure(error.output) if error is not None else None
        if broken is not None:
            raise PhaseError(broken) from error
        events = PolicyEvents(self._settings, self._packs())
        for event in self._events:
            events.take(event)
        self._record.rules, self._record.findings = events.outcomes, events.findings
        if error is not None and not events.complete:
            return
        if events.mandatory:
            raise PhaseError(self._violated(events), status=CellStatus.FAILED)
        if not events.complete:
            raise PhaseError(
                Failure(
                    phase=PHASE,
                    message="a policy pack did not judge the whole program",
                    hint="what it printed is in the cell's log; --no-policy runs without",
                )
            )

    def _packs(self) -> list[DeclaredPack]:
        try:
            packs = [future.result() for future in self._declared]
        except HarnessError as error:
            raise PhaseError(Failure(phase=PHASE, message=error.message, hint=error.hint)) from error
        return [pack for pack in packs if pack is not None]

    @staticmethod
    def _violated(events: PolicyEvents) -> Failure:
        bad = [finding for finding in events.findings if finding.severity == RuleLevel.MANDATORY]
        rules = sorted({finding.id for finding in bad})
        first = bad[0]
        count = f"{len(bad)} violations of {', '.join(rules)}" if len(bad) > 1 else f"policy {first.id}"
        return Failure(
            phase=PHASE,
            message=f"{count}: {first.resource}: {first.cause}",
            hint=first.remedy or f"see the rule {first.id} of the pack {first.source}",
        )
