"""Ids and tags in; what the target itself says is there, out: the base of every verdict on leaks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from harness.providers import flights
from harness.providers.aws import reading, tags
from harness.providers.aws.failures import explain, says_absent
from harness.providers.contract import Found, Presence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.providers.aws.work import Work

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


def find(works: Sequence[Work], wanted: Mapping[str, str]) -> list[Found]:
    """All of these types that carry these tags. Raises ProviderError when a listing fails."""
    listed = [work for work in works if work.resource.find and work.resource.tagging]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        lists = pool.map(flights.carried(lambda work: _listed(work, wanted)), listed)
        return [found for several in lists for found in several]


def _listed(work: Work, wanted: Mapping[str, str]) -> list[Found]:
    try:
        return [Found(work.resource.token, one, work.region) for one in _ids(work, wanted)]
    except Exception as error:
        raise explain("listing", work.resource.noun, "all", error, work.clients.access.endpoint) from error


def _ids(work: Work, wanted: Mapping[str, str]) -> list[str]:
    import jmespath

    declared = work.resource.find
    if declared is None:
        return []
    params: dict[str, Any] = dict(declared.call.params) if declared.call else {}
    if declared.by_tag_filter:
        tagged = [{"Name": f"tag:{key}", "Values": [one]} for key, one in wanted.items()]
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
            if reading.is_gone(work.resource, own) or not _has(tags.read(_of(work, name), own), wanted):
                continue
            result.append(name)
        elif _carries(work, name, wanted):
            result.append(name)
    return result


def _of(work: Work, name: str) -> Work:
    """The same type, of one thing."""
    return type(work)(work.clients, work.resource, work.rules, name=name, id=name)


def _has(actual: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(actual.get(key) == value for key, value in wanted.items())


def _carries(work: Work, name: str, wanted: Mapping[str, str]) -> bool:
    """Whether one listed thing exists in earnest and has the tags."""
    one = _of(work, name)
    try:
        item = reading.look(one)
        if item is None or reading.is_gone(work.resource, item):
            return False
        one.outputs = reading.outputs(one, item)
    except Exception as error:
        if says_absent(error, work.resource):  # deleted while we listed
            return False
        raise
    return _has(one.outputs.get("tagsAll") or {}, wanted)
