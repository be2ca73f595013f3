"""A stack's deployment in; the same, so that everything of it that is ours can be deleted, and what that took, out."""

from __future__ import annotations

from typing import Any

from harness.providers.aws.unblocking import SILENT, SWITCHES

_PACKAGE = "aws:"
ADOPTED = tuple(
    f"aws:ec2/default{thing}:"
    for thing in ("Vpc", "Subnet", "RouteTable", "NetworkAcl", "SecurityGroup", "VpcDhcpOptions")
)
"""Types by which a program takes over what the account had before: with `forceDestroy` it would be deleted."""


def make_deletable(deployment: dict[str, Any], changes: list[tuple[str, str, str]]) -> bool:
    """Lift `protect` and `retainOnDelete`, and set the properties by which a provider would keep something.

    What was imported was there before us: it is retained. `changes` gets type, id and what was lifted in words. Says
    whether anything is different now.
    """
    different = False
    for entry in deployment.get("resources") or []:
        imported = bool(entry.get("importID"))
        different |= _set(entry, "protect", False) | _set(entry, "retainOnDelete", imported)
        type_ = str(entry.get("type", ""))
        if imported or entry.get("external") or not type_.startswith(_PACKAGE) or type_.startswith(ADOPTED):
            continue
        words: list[str] = []
        for side in ("inputs", "outputs"):
            different |= _switch(entry.get(side) or {}, words)
        what = (type_, str(entry.get("id") or ""))
        changes.extend((*what, word) for word in dict.fromkeys(words))
    return different


def _set(entry: dict[str, Any], name: str, value: bool) -> bool:
    if bool(entry.get(name)) is value:
        return False
    entry[name] = value
    return True


def _switch(properties: dict[str, Any], words: list[str]) -> bool:
    different = False
    for name, (value, word) in SWITCHES.items():
        if name not in properties or properties[name] == value or (value is None and not properties[name]):
            continue
        if value is None:
            del properties[name]
        else:
            properties[name] = value
        different = True
        if name not in SILENT:
            words.append(word)
    return different
