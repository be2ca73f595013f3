"""A cell's stack in; what its previews said out: the plan, every policy rule, and whether `up` may begin.

The whole program is previewed, and then each `[[stage]]`: what only a stage declares goes up, too.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.model import CellStatus, Failure, PhaseName, RuleLevel, Stage
from harness.policy.failures import explain_pack_failure
from harness.policy.outcomes import PolicyEvents
from harness.policy.packs import DeclaredPack, declare_pack
from harness.policy.settings import PolicySettings, policy_arguments, read_policy
from harness.probes.outputs import check_outputs
from harness.probes.registry import Probe
from harness.run.cell_world import CellWorld
from harness.run.messages import ProgressMessage
from harness.run.operation import operate
from harness.run.previewed import Previewed
from harness.run.probing import read_probes
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield
from harness.run.stages import at_stage, configure
from harness.run.timeline import Timeline
from harness.world.engine_words import short_name

PHASE = PhaseName.PREFLIGHT


def preview_cell(world: CellWorld, record: Record, shield: Shield) -> Previewed:
    """One preview with the policy packs, and one for each stage.

    Raises:
        PhaseError: the program or a pack breaks, a mandatory rule is violated, or a probe could never pass.
    """
    previews = _Previews(world, record, shield)
    timeline, whole = previews.run()
    if stages := record.spec.cell.program.stages:
        for number, stage in enumerate(stages):
            with at_stage(stage.name):
                configure(world, stage.config, PHASE)
                try:
                    _, part = previews.run(f"{PHASE}-{stage.name}", whole)
                except _CutOffError as error:
                    if not number and not error.by_the_whole:
                        raise
                    why = "a rule for the stack as a whole" if error.by_the_whole else _last_line(error.failure.message)
                    record.note(f"stage {stage.name} cannot be looked at as a whole before it goes up: {why}")
                    continue
            if part == whole:
                record.note(_no_part(stage))
        configure(world, {}, PHASE)
        record.say(ProgressMessage(phase=PHASE, done=timeline.done, planned=timeline.planned))  # again of the whole
    probes = read_probes(record, shield, PHASE)
    _check_probes(probes, timeline.outputs)
    return Previewed(timeline.planned, probes)


class _CutOffError(PhaseError):
    """A stage's preview did not come to its end; what it had told by then is judged, and nothing forbids it.

    It may need what the stages before it make, or have broken a rule that is for the stack as a whole.
    """

    def __init__(self, error: PhaseError, *, by_the_whole: bool) -> None:
        super().__init__(error.failure, output=error.output)
        self.by_the_whole = by_the_whole


_Declared = Mapping[str, object]  # by URN, what there is to tell two declarations apart


class _Previews:
    """Previews of one cell, all with the same policy packs."""

    def __init__(self, world: CellWorld, record: Record, shield: Shield) -> None:
        self._stack = world.stack
        self._record = record
        self._shield = shield
        self._policy = _Policy(record) if record.spec.policy else None
        self._arguments = self._policy.begin(world.files.temporary) if self._policy else []

    def run(self, label: str = "", whole: _Declared | None = None) -> tuple[Timeline, _Declared]:
        """One preview; of a stage, when it is told what the `whole` declares. Raises PhaseError."""
        declared: dict[str, object] = {}

        def watch(event: Mapping[str, Any]) -> None:
            step = (event.get("resourcePreEvent") or {}).get("metadata") or {}
            if new := step.get("new"):
                declared[step["urn"]] = [new.get(name) for name in ("inputs", "protect", "retainOnDelete")]
            if self._policy:
                self._policy.take(event)

        def preview(log: Path) -> None:
            self._stack.preview(log, self._arguments)

        try:
            timeline = operate(self._stack, self._record, self._shield, PHASE, preview, watch=watch, label=label)
        except PhaseError as error:
            excused = not error.interrupted and self._judge(error, declared, whole)
            if whole is None or error.stopped:
                raise
            raise _CutOffError(error, by_the_whole=excused) from error
        self._judge(None, declared, whole)
        if timeline.imports:
            raise PhaseError(_imports(timeline.imports))
        return timeline, declared

    def _judge(self, error: PhaseError | None, declared: _Declared, whole: _Declared | None) -> bool:
        """What the whole declares in the same way was judged there. Says whether something was passed over for that."""
        if not self._policy:
            return False
        judged = None if whole is None else {urn for urn, one in declared.items() if whole.get(urn) == one}
        return self._policy.judge(error, judged)


def _no_part(stage: Stage) -> str:
    """A slip in a key, most often. It may differ in what no preview shows: a secret, or what only an output decides."""
    return (
        f"warning: stage {stage.name}: with {', '.join(stage.config)} it declares the whole program, as far as can be "
        "seen; `config` under [[stage]] in harness.toml must be spelled as the program asks for it"
    )


def _last_line(message: str) -> str:
    """Of an exception that is what it says."""
    return message.rstrip().rpartition("\n")[2]


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
        self._before = 0  # of these, those of earlier previews
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

    def judge(self, error: PhaseError | None, judged: Collection[str] | None = None) -> bool:
        """Record every rule. `error` is how the preview ended; violations by what was `judged` before are passed over.

        So are, of a stage, those by the stack itself: a part need not have what the whole must. Says whether a
        mandatory one was, which ends a preview all the same.

        Raises:
            PhaseError: a mandatory rule is violated, or a pack broke. Otherwise what stopped the preview counts.
        """
        broken = explain_pack_failure(error.output) if error is not None else None
        if broken is not None:
            raise PhaseError(broken) from error
        excused = False
        if judged is not None:
            later, before = self._events[self._before :], {"", *judged}
            excused = any(_is_mandatory(event) for event in later if _by(event) in before)
            self._events[self._before :] = [event for event in later if _by(event) not in before]
        packs = self._packs()
        every, events = PolicyEvents(self._settings, packs), PolicyEvents(self._settings, packs)
        for number, event in enumerate(self._events):
            every.take(event)
            if number >= self._before:
                events.take(event)
        self._before = len(self._events)
        self._record.rules, self._record.findings = every.outcomes, every.findings
        if error is not None and not events.complete:
            return excused
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
        return excused

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


def _is_mandatory(event: Mapping[str, Any]) -> bool:
    return (event.get("policyEvent") or {}).get("enforcementLevel") == RuleLevel.MANDATORY


def _by(event: Mapping[str, Any]) -> str | None:
    """The URN of what an event finds fault with, or may; of a stack's own rule that of the stack, or none."""
    if violation := event.get("policyEvent"):
        return str(violation.get("resourceUrn") or "")
    return str(event["resourcePreEvent"]["metadata"]["urn"]) if "resourcePreEvent" in event else None
