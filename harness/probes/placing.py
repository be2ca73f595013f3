"""What uses a network, and the groups and subnets that were judged, in; that it stands just there, out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import Field

from harness.probes.declaring import Keys, Texts
from harness.probes.model import ProbeFailure


class PlacedKeys(Keys):
    """Of kinds that look at something in a network. What a group opens says nothing of who is in it."""

    security_groups: Texts = Field(default=[], min_length=1, description="ids of exactly its security groups")
    subnets: Texts = Field(default=[], min_length=1, description="ids of exactly the subnets that it may stand in")


def judge_place(
    what: str, keys: PlacedKeys, groups: Callable[[], Iterable[str]], subnets: Callable[[], Iterable[str]]
) -> None:
    """Where it is asked for; what tells the subnets is asked only then.

    Raises:
        ProbeFailure: it stands in others.
    """
    wanted = {"security groups": (keys.security_groups, groups), "subnets": (keys.subnets, subnets)}
    judge(what, {part: (ids, look()) for part, (ids, look) in wanted.items() if ids})


def judge(what: str, parts: Mapping[str, tuple[Iterable[str], Iterable[str]]]) -> None:
    """Ids that are wanted and ids that are seen, by what they are of; in any order.

    Raises:
        ProbeFailure: they differ.
    """
    wrong: dict[str, Any] = {
        part: {"seen": sorted(set(seen)), "wanted": sorted(set(wanted))}
        for part, (wanted, seen) in parts.items()
        if set(seen) != set(wanted)
    }
    if wrong:
        raise ProbeFailure(f"{what} must stand elsewhere", wrong)
