"""A kind of probe as a case: what it needs at the target, its table, and ways to break it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.probes.registry import ProbeContext

Break = Callable[["Aws"], object]


class Aws:
    """Clients of an account of the test's own, and what was made in it, by name."""

    def __init__(self, context: ProbeContext) -> None:
        self.context = context
        self.made: Any = context.outputs

    def __getattr__(self, service: str) -> Any:
        return self.context.client(service)

    def __getitem__(self, name: str) -> Any:
        return self.made[name]


@dataclass
class Case:
    """A kind: what it needs, its table, and ways to break it, each with a word that its evidence must hold."""

    make: Callable[[Aws], dict[str, Any]]
    table: str
    breaks: dict[str, tuple[Break, str]] = field(default_factory=dict)
