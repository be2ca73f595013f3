"""The nouns of a sweep: what was found, what is to be done about it and why, what became of it. Touches nothing."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from harness.errors import ExitCode
from harness.model import Frozen, ResourceRef


class Action(enum.StrEnum):
    """What a sweep does about something."""

    CLOSE = "close"  # the lease: everything was proved gone, only nobody wrote it down
    DESTROY = "destroy"  # by state, journal and tag, as the cell itself would
    DELETE = "delete"  # by the run's tag alone: there is no state
    NONE = "none"  # left alone, and that is right


class Outcome(enum.StrEnum):
    """What became of it."""

    TOLD = "told"  # nothing was done: no --apply, or there was nothing to do
    DONE = "done"
    LEFT = "left"  # it was tried, or could not be


class Item(Frozen):
    """One lease, or the resources of one run at one place that no lease stands for.

    `blocked` says that it should go and may not: somebody must look at it.
    """

    kind: Literal["lease", "orphans"]
    run: str
    cell: str = ""
    stack: str = ""
    target: str
    region: str
    account: str | None
    expires: datetime | None = None
    action: Action
    reason: str
    blocked: bool = False
    outcome: Outcome = Outcome.TOLD
    detail: str = ""  # of the outcome
    status: str = ""  # of the cell that destroyed it
    began: datetime | None = Field(default=None, exclude=True)  # the first of its cells, no earlier than this
    resources: tuple[ResourceRef, ...] = ()  # orphans: what carries the tag; afterwards: what is left

    @property
    def due(self) -> bool:
        """Whether a sweep acts on it."""
        return self.action is not Action.NONE


class Unasked(Frozen):
    """A place that was not asked, or did not answer. `matters` says that something of ours may well be there."""

    target: str
    account: str | None
    region: str
    reason: str
    matters: bool


class Sweep(Frozen):
    """What a sweep found and did; the document that `--json` writes."""

    schema_version: Literal[1] = Field(default=1, serialization_alias="schema")
    began: datetime
    seconds: float
    apply: bool
    items: tuple[Item, ...]
    unasked: tuple[Unasked, ...]

    @property
    def exit_code(self) -> ExitCode:
        """0: nothing to do, or all done; 3: something is left, or may be."""
        left = any(item.blocked or (item.due and item.outcome is not Outcome.DONE) for item in self.items)
        return ExitCode.LEAKED if left or any(one.matters for one in self.unasked) else ExitCode.PASSED

    def document(self) -> dict[str, Any]:
        """As it is published."""
        written: dict[str, Any] = self.model_dump(mode="json", by_alias=True)
        return {**written, "exit_code": int(self.exit_code)}


class Place(Frozen):
    """Somewhere that resources can be: an emulator's URL or `aws`, an account, a region.

    `named` says that somebody asked for it, or that a lease is open there.
    """

    target: str
    account: str | None
    region: str
    named: bool = Field(default=False, repr=False)

    @property
    def key(self) -> tuple[str, str | None, str]:
        """What makes two of them the same."""
        return self.target, self.account, self.region


class Scope(Frozen):
    """What the person asked for.

    `older_than` is in seconds. `emulator_gone` says that the emulator of `run` will not come back. `target`, `account`
    and `regions` are where to look beside the places that leases name.
    """

    run: str | None = None
    emulator_gone: bool = False
    older_than: float = 0
    target: str | None = None
    account: str | None = None
    regions: tuple[str, ...] = ()


def in_order(items: Sequence[Item]) -> tuple[Item, ...]:
    """What is due first."""
    return tuple(sorted(items, key=lambda item: (not item.due, not item.blocked)))
