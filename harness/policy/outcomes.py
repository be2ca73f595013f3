"""The engine's events of one preview in; what every policy rule came to, and every violation, out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.model import Finding, RuleLevel, RuleOutcome, RuleStatus
from harness.policy import PACK_NAME
from harness.policy.packs import DeclaredPack, PackRule
from harness.policy.rule import is_exempt
from harness.policy.rules import RULES
from harness.policy.rules.deletion import RETAINED, protect_or_retain
from harness.policy.settings import PolicySettings
from harness.world.engine_words import plain, short_name

_SUMMARIES: Final = ("policyAnalyzeSummaryEvent", "policyAnalyzeStackSummaryEvent")
# The SDK's words, as an advisory violation, for a rule that read what preview cannot know.
_UNJUDGED: Final = re.compile(
    r"can't run (?:policy|remediation) '.*' from policy pack '.*' during preview: (?P<why>.*)", re.DOTALL
)


@dataclass(frozen=True)
class _Violation:
    pack: str
    rule: str
    urn: str
    level: RuleLevel
    message: str


class PolicyEvents:
    """Takes the events of a preview's event log, in any order and more than once; then tells what they come to.

    Args:
        settings: how our pack ran; None: it did not.
        declared: the user's packs as `declare_pack` described them. Without that, only those of a pack's rules are
            known that were applied, and of a rule that was kept not even its level: it is told as advisory.
    """

    def __init__(self, settings: PolicySettings | None, declared: Sequence[DeclaredPack] = ()) -> None:
        self._settings = settings
        self._packs: dict[str, dict[str, PackRule]] = {
            pack.name: {rule.name: rule for rule in pack.rules} for pack in declared
        }
        if settings is not None:
            self._packs = {PACK_NAME: _our_rules(settings), **self._packs}
        self._violations: dict[_Violation, None] = {}  # ordered, and each once
        self._complete: set[str] = set()  # packs that have judged every resource

    def take(self, event: Mapping[str, Any]) -> None:
        """Account for one line of the event log."""
        if violation := event.get("policyEvent"):
            self._violate(violation)
        elif mended := event.get("policyRemediationEvent"):
            self._seen(mended["policyPackName"], mended["policyName"])
        elif step := event.get("resourcePreEvent"):
            self._look(step["metadata"])
        for kind in _SUMMARIES:
            if summary := event.get(kind):
                pack = summary["policyPackName"]
                self._seen(pack)
                for name in (*(summary.get("passed") or ()), *(summary.get("failed") or ())):
                    self._seen(pack, name)
                if kind == "policyAnalyzeStackSummaryEvent":  # comes last, and only when all went through
                    self._complete.add(pack)

    @property
    def mandatory(self) -> bool:
        """Whether a mandatory rule is violated; then nothing may be made. The engine does not see all that we see."""
        return any(one.level is RuleLevel.MANDATORY for one in self._violations)

    @property
    def complete(self) -> bool:
        """Whether every pack has judged every resource. If not, no rule is said to have passed."""
        return set(self._packs) <= self._complete

    @property
    def outcomes(self) -> tuple[RuleOutcome, ...]:
        """Every rule that came to something: ours first, then pack by pack. Without what was not judged to the end."""
        return tuple(outcome for pack in self._packs for outcome in self._outcomes(pack))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every violation: mandatory ones first, else in the order of the rules."""
        ordered = sorted(
            self._violations, key=lambda one: (one.level is not RuleLevel.MANDATORY, one.pack != PACK_NAME)
        )
        return tuple(self._finding(one) for one in ordered)

    def _violate(self, event: Mapping[str, Any]) -> None:
        pack, rule = event["policyPackName"], event["policyName"]
        self._seen(pack, rule)
        level = RuleLevel.MANDATORY if event["enforcementLevel"] in {"mandatory", "remediate"} else RuleLevel.ADVISORY
        message = plain(event.get("message") or "").strip()
        self._violations.setdefault(_Violation(pack, rule, event.get("resourceUrn") or "", level, message))

    def _look(self, step: Mapping[str, Any]) -> None:
        """`retainOnDelete`, which the engine tells its event log and no policy pack."""
        if self._settings is None or not (step.get("new") or {}).get("retainOnDelete"):
            return
        name = protect_or_retain.name
        settings = self._settings.rules[name]
        _, _, logical = step["urn"].rpartition("::")
        if settings.level is RuleLevel.DISABLED or is_exempt(logical, step["type"], settings.params):
            return
        self._violations.setdefault(_Violation(PACK_NAME, name, step["urn"], settings.level, RETAINED))

    def _seen(self, pack: str, rule: str | None = None) -> None:
        rules = self._packs.setdefault(pack, {})
        if rule is not None:
            rules.setdefault(rule, PackRule(rule, "", RuleLevel.ADVISORY))

    def _outcomes(self, pack: str) -> Iterator[RuleOutcome]:
        for rule in self._packs[pack].values():
            violations = [one for one in self._violations if (one.pack, one.rule) == (pack, rule.name)]
            status = self._status(rule, violations, complete=pack in self._complete)
            if status is not None:
                level = RuleLevel.MANDATORY if status is RuleStatus.FAILED else rule.level
                yield RuleOutcome(
                    pack=pack,
                    rule=rule.name,
                    level=level,
                    status=status,
                    description=rule.description,
                    violations=len(violations),
                )

    @staticmethod
    def _status(rule: PackRule, violations: Sequence[_Violation], *, complete: bool) -> RuleStatus | None:
        if any(one.level is RuleLevel.MANDATORY for one in violations):
            return RuleStatus.FAILED
        if violations:
            return RuleStatus.ADVISED
        if rule.level is RuleLevel.DISABLED:
            return RuleStatus.DISABLED
        return RuleStatus.PASSED if complete else None

    def _finding(self, one: _Violation) -> Finding:
        rule = self._packs[one.pack][one.rule]
        remedy = rule.remedy
        cause = one.message.removeprefix(rule.description).removesuffix(remedy).strip() or rule.description
        if unjudged := _UNJUDGED.fullmatch(one.message):
            cause = f"it could not be judged before `up`: {unjudged['why']}"
            remedy = remedy or "let the rule pass by what preview does not know"
        return Finding(
            id=one.rule,
            severity=one.level.value,
            resource=short_name(one.urn),
            cause=cause,
            remedy=remedy,
            source=one.pack,
            urn=one.urn,
        )


def _our_rules(settings: PolicySettings) -> dict[str, PackRule]:
    return {
        name: PackRule(name, rule.description, settings.rules[name].level, rule.remedy) for name, rule in RULES.items()
    }
