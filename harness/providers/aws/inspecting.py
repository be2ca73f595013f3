"""Ids and tags in; what the target itself says is there, out: the base of every verdict on leaks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from harness.providers import flights
from harness.providers.aws import leftovers, reading, tags
from harness.providers.aws.failures import explain, says_absent
from harness.providers.contract import Found, Presence, ProviderError, Remains, Search

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_AT_ONCE: Final = 16  # types listed at the same time


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


def search(works: Sequence[Work], wanted: Mapping[str, str | None]) -> Search:
    """All of these types that carry these tags (None: any value)."""
    listed = [work for work in works if work.resource.searchable]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        lists = list(pool.map(flights.carried(lambda work: _listed(work, wanted)), listed))
    found = [one for several in lists if isinstance(several, list) for one in several]
    failed = {work.resource.token: said for work, said in zip(listed, lists, strict=True) if isinstance(said, str)}
    return Search(found, [one for one in (work.resource.token for work in listed) if one not in failed], failed)


def _listed(work: Work, wanted: Mapping[str, str | None]) -> list[Found] | str:
    """What was found, or why that cannot be told."""
    try:
        return [Found(work.resource.token, one, work.region, carried) for one, carried in _tagged(work, wanted)]
    except Exception as error:  # noqa: BLE001 - one listing that fails must not cost the others
        return str(explain("listing", work.resource.noun, "all", error, work.clients.access.endpoint))


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


def _tagged(work: Work, wanted: Mapping[str, str | None]) -> list[tuple[str, dict[str, str]]]:
    """Ids and tags."""
    import jmespath

    declared = work.resource.find
    if declared is None:
        return []
    params: dict[str, Any] = dict(declared.call.params) if declared.call else {}
    if declared.by_tag_filter:
        tagged = [_filter(key, one) for key, one in wanted.items()]
        params["Filters"] = [*params.get("Filters", []), *tagged]
    result = []
    if declared.call:
        items = work.pages(declared.call.operation, declared.call.at, **params)
    else:
        items = declared.items(work) if declared.items else []
    for item in items:
        own = item if isinstance(item, dict) else {"value": item}
        name = str(jmespath.search(declared.id, own))
        if declared.by_tag_filter:
            # Not every target honours the filter; what is found may be deleted, so the tags are looked at again.
            carried = None if reading.is_gone(work.resource, own) else tags.read(_of(work, name), own)
        else:
            carried = _carried(work, name)
        if carried is not None and _has(carried, wanted):
            result.append((name, carried))
    return result


def _filter(key: str, value: str | None) -> dict[str, Any]:
    return {"Name": "tag-key", "Values": [key]} if value is None else {"Name": f"tag:{key}", "Values": [value]}


def _of(work: Work, name: str) -> Work:
    """The same type, of one thing."""
    return type(work)(work.clients, work.resource, work.rules, name=name, id=name)


def _has(actual: Mapping[str, str], wanted: Mapping[str, str | None]) -> bool:
    return all(key in actual and one in {None, actual[key]} for key, one in wanted.items())


def _carried(work: Work, name: str) -> dict[str, str] | None:
    """The tags of one listed thing, if it exists in earnest."""
    one = _of(work, name)
    try:
        item = reading.look(one)
        if item is None or reading.is_gone(work.resource, item):
            return None
        one.outputs = reading.outputs(one, item)
    except Exception as error:
        if says_absent(error, work.resource):  # deleted while we listed
            return None
        raise
    return dict(one.outputs.get("tagsAll") or {})
