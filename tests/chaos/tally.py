"""Cases in, counters out: how many, how they ended, what was left, the longest recovery; by campaign and together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

PROPERTY = "campaign"  # under this name a case travels in its test's report, from a worker of xdist too


@dataclass
class Case:
    """One disturbance of one run, and what came of it.

    Attributes:
        campaign: the file of its test, without `test_`.
        seed: of all moments of the session; with it `--chaos-seed` repeats them.
        told: what was done to what, and when: program, victim, moment; for who must reproduce it.
        leaks: what the auditor found in the end.
        unverified: what the harness could not ask about, by its own reports.
        recovery: seconds from the disturbance until nothing was left; of several, the longest.
        passed: whether the test's promises held.
    """

    campaign: str
    seed: int
    told: dict[str, str] = field(default_factory=dict)
    leaks: int = 0
    unverified: int = 0
    recovery: float = 0.0
    count: int = 1
    passed: bool = False

    def tell(self, **facts: object) -> None:
        """Note what was done, for the report of a failure."""
        self.told.update({name: str(fact) for name, fact in facts.items()})

    def recovered(self, seconds: float) -> None:
        """So long it took until nothing was left."""
        self.recovery = max(self.recovery, seconds)

    def hear(self, document: dict[str, Any]) -> None:
        """A result document of the harness: what it could not ask about counts."""
        self.unverified += sum(len(cell["resources"]["unverified"]) for cell in document["cells"])

    def document(self) -> dict[str, Any]:
        """For the report."""
        return asdict(self)


@dataclass
class Counters:
    """Of a campaign, or of all."""

    cases: int = 0
    failed: int = 0
    leaks: int = 0
    unverified: int = 0
    longest_recovery: float = 0.0

    def add(self, case: Case) -> None:
        """One more case; one that counts several is as many."""
        self.cases += case.count
        self.failed += 0 if case.passed else 1
        self.leaks += case.leaks
        self.unverified += case.unverified
        self.longest_recovery = round(max(self.longest_recovery, case.recovery), 1)

    def line(self) -> str:
        """What people read."""
        return (
            f"{self.cases} cases, {self.failed} failed, {self.leaks} leaks, {self.unverified} unverified, "
            f"longest recovery {self.longest_recovery:.1f} s"
        )


def count(cases: Iterable[Case]) -> dict[str, Counters]:
    """Counters by campaign, in alphabetical order, and `all` last."""
    counted: dict[str, Counters] = {}
    together = Counters()
    for case in sorted(cases, key=lambda case: case.campaign):
        counted.setdefault(case.campaign, Counters()).add(case)
        together.add(case)
    return {**counted, "all": together}
