"""Ids in; what the target itself says is there, and what it keeps beside, out: the base of every verdict on leaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.providers.aws import leftovers, reading
from harness.providers.aws.failures import explain
from harness.providers.contract import Presence, ProviderError, Remains

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props


def presence(work: Work) -> tuple[Presence, str]:
    """One resource, asked by describe. A call that fails is no answer."""
    resource = work.resource
    try:
        item = reading.look(work)
    except Exception as error:  # noqa: BLE001 - whatever failed, the verdict is the same and says why
        reason = explain("looking for", resource.noun, work.id, error, work.clients.access.endpoint)
        return Presence.UNVERIFIED, str(reason)
    if item is None:
        return Presence.GONE, f"{resource.noun} {work.id} is not there"
    state = reading.state_of(resource, item)
    if reading.is_gone(resource, item):
        return Presence.GONE, f"{resource.noun} {work.id} is in the state `{state}`"
    if not resource.destructive:
        return Presence.GONE, f"{resource.noun} {work.id} belongs to AWS and goes with its parent"
    return Presence.EXISTS, f"{resource.noun} {work.id} exists" + (f" in the state `{state}`" if state else "")


def remains(parent: leftovers.Parent, *, blocking: bool, remove: bool) -> Remains:
    """What is left of one resource outside any state, and what became of it. Raises ProviderError."""
    there = leftovers.seek(parent, blocking=blocking)
    errors: dict[tuple[str, str], str] = {}
    still: set[tuple[str, str]] = {(one.type, one.id) for one in there}
    if there and remove:
        for one in there:
            try:
                leftovers.remove(parent, one)
            except ProviderError as error:
                errors[one.type, one.id] = str(error)
        still = {(one.type, one.id) for one in leftovers.seek(parent, blocking=blocking)}
    found: list[Props] = [
        {
            "type": one.type,
            "id": one.id,
            "why": one.why,
            "lasting": one.lasting,
            "error": errors.get((one.type, one.id), ""),
            "gone": (one.type, one.id) not in still,
        }
        for one in there
    ]
    return Remains(found)
