"""Services that keep settings in one map of text (SQS, SNS, load balancers): arguments in, the map out, and back.

A dotted argument (`accessLogs.bucket`) is one within a block.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.providers.aws.normal import is_empty

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.providers.contract import Props


def to_map(inputs: Props, names: Iterable[str], members: Mapping[str, str]) -> dict[str, str]:
    """The arguments as text under the service's names; one that was taken out is sent empty."""
    return {members[name]: _text(_at(inputs, name)) for name in names}


def given(inputs: Props, members: Mapping[str, str]) -> dict[str, str]:
    """The same for a create: only those that say something."""
    return to_map(inputs, [name for name in members if not is_empty(_at(inputs, name))], members)


def pairs(texts: Mapping[str, str]) -> list[dict[str, str]]:
    """Such a map as the list that load balancers take."""
    return [{"Key": key, "Value": text} for key, text in texts.items()]


def from_pairs(raw: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The map of such a list."""
    return {one["Key"]: one.get("Value", "") for one in raw}


def from_map(raw: Mapping[str, str], members: Mapping[str, str]) -> dict[str, Any]:
    """Properties of such a map; text that is a number or a truth value becomes one."""
    result: dict[str, Any] = {}
    for name, member in members.items():
        if raw.get(member) not in (None, ""):
            block, _, inner = name.rpartition(".")
            (result.setdefault(block, {}) if block else result)[inner] = _value(raw[member])
    return result


def _at(inputs: Props, name: str) -> Any:
    block, _, inner = name.rpartition(".")
    return ((inputs.get(block) or {}) if block else inputs).get(inner)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(text: str) -> Any:
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if re.fullmatch(r"-?\d+", text) else text
