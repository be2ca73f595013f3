"""Nothing in; the words for what a preview leaves for later, out."""

from __future__ import annotations

from dataclasses import dataclass

from harness.probes.model import Probe


@dataclass(frozen=True)
class Previewed:
    """How many resources it plans, and the program's probes, which were read already."""

    planned: int = 0
    probes: list[Probe] | None = None
