"""Tags in; all of some types at the target that carries them, and what of them could not be looked at, out.

An account on AWS is seldom ours alone. Somebody's key or bucket may refuse to be looked at by its own policy, and that
must not cost the others. What refuses is never called a stranger's for that: the tagging API is asked, which knows the
tags of everything that its service tells it of, and what nobody can tell of is said.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from harness.providers import flights
from harness.providers.aws import reading, tags
from harness.providers.aws.failures import explain, says_absent, says_denied
from harness.providers.aws.shapes import fill
from harness.providers.contract import Found, Search

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.providers.aws.work import Work

_AT_ONCE: Final = 16  # types listed at the same time
_OF_A_TYPE: Final = 4  # things of one type, on AWS: there may be a thousand, and its services throttle


@dataclass
class _Seen:
    """What one type's listing told. `refused` are the ids of what could not be looked at, and why."""

    found: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    failed: str = ""


def search(works: Sequence[Work], wanted: Mapping[str, str | None]) -> Search:
    """All of these types that carry these tags (None: any value)."""
    listed = [work for work in works if work.resource.searchable]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        lists = list(zip(listed, pool.map(flights.carried(lambda work: _listed(work, wanted)), listed), strict=True))
    _ask_for_refused([(work, seen) for work, seen in lists if seen.refused], wanted)
    found = [Found(work.resource.token, one, work.region, held) for work, seen in lists for one, held in seen.found]
    failed = {work.resource.token: seen.failed for work, seen in lists if seen.failed}
    unseen = {work.resource.token: _refusals(seen.refused) for work, seen in lists if seen.refused}
    searched = [work.resource.token for work, _ in lists if work.resource.token not in {*failed, *unseen}]
    return Search(found, searched, failed, unseen)


def _refusals(refused: Mapping[str, str]) -> str:
    first = next(iter(refused.values()))
    return first if len(refused) == 1 else f"{first}; and {len(refused) - 1} more"


def _listed(work: Work, wanted: Mapping[str, str | None]) -> _Seen:
    """What was found and refused, or why that cannot be told."""
    try:
        return _tagged(work, wanted)
    except Exception as error:  # noqa: BLE001 - one listing that fails must not cost the others
        return _Seen(failed=str(explain("listing", work.resource.noun, "all", error, work.clients.access.endpoint)))


def _tagged(work: Work, wanted: Mapping[str, str | None]) -> _Seen:
    """Ids and tags."""
    import jmespath

    declared = work.resource.find
    if declared is None:
        return _Seen()
    params: dict[str, Any] = dict(declared.call.params) if declared.call else {}
    if declared.by_tag_filter:
        tagged = [_filter(key, one) for key, one in wanted.items()]
        params["Filters"] = [*params.get("Filters", []), *tagged]
    if declared.call:
        items = work.pages(declared.call.operation, declared.call.at, **params)
    else:
        items = declared.items(work) if declared.items else []
    whole = [item if isinstance(item, dict) else {"value": item} for item in items]
    named = [(str(jmespath.search(declared.id, item)), item) for item in whole]
    if not declared.by_tag_filter:
        return _looked_at(work, [name for name, _ in named], wanted)
    # Not every target honours the filter; what is found may be deleted, so the tags are looked at again.
    there = [
        (name, tags.read(_of(work, name), item)) for name, item in named if not reading.is_gone(work.resource, item)
    ]
    return _Seen(found=[(name, carried) for name, carried in there if _has(carried, wanted)])


def _filter(key: str, value: str | None) -> dict[str, Any]:
    return {"Name": "tag-key", "Values": [key]} if value is None else {"Name": f"tag:{key}", "Values": [value]}


def _looked_at(work: Work, names: Iterable[str], wanted: Mapping[str, str | None]) -> _Seen:
    """Those of them that carry these tags, each asked for its own."""
    seen = _Seen()

    def one(name: str) -> dict[str, str] | None:
        try:
            return _carried(work, name)
        except Exception as error:
            if not says_denied(error):
                raise
            refusal = explain("looking for", work.resource.noun, name, error, work.clients.access.endpoint)
            seen.refused[name] = str(refusal)
            return None

    asked = list(names)
    if work.clients.access.endpoint:
        answers = list(map(one, asked))
    else:
        with ThreadPoolExecutor(_OF_A_TYPE) as pool:
            answers = list(pool.map(flights.carried(one), asked))
    pairs = zip(asked, answers, strict=True)
    seen.found = [(name, carried) for name, carried in pairs if carried is not None and _has(carried, wanted)]
    return seen


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
        return None if item is None or reading.is_gone(work.resource, item) else reading.carried(one, item)
    except Exception as error:
        if says_absent(error, work.resource):  # deleted while we listed
            return None
        raise


def _ask_for_refused(lists: Sequence[tuple[Work, _Seen]], wanted: Mapping[str, str | None]) -> None:
    """Of what refuses, on AWS: move what carries these tags to what was found, and forget what does not.

    The tagging API learns of a new thing some moments late. Whoever waits for a create without an answer searches
    again until AWS would show it; older things it knows.
    """
    askable = [(work, seen) for work, seen in lists if work.resource.find and work.resource.find.arn]
    if not askable or askable[0][0].clients.access.endpoint:  # an emulator's account is the cell's alone
        return
    try:
        told = _by_tagging_api(askable[0][0], wanted)
        arns = {id(seen): {_arn(work, name): name for name in seen.refused} for work, seen in askable}
    except Exception:  # noqa: BLE001 - then nobody can tell; that the things refuse is said already
        return
    for _, seen in askable:
        seen.found += [(name, told[arn]) for arn, name in arns[id(seen)].items() if arn in told]
        seen.refused.clear()


def _by_tagging_api(work: Work, wanted: Mapping[str, str | None]) -> dict[str, dict[str, str]]:
    """ARN to tags of all in the region that carries these. Raises botocore's errors."""
    asked = [{"Key": key, "Values": [] if one is None else [one]} for key, one in wanted.items()]
    client = work.clients.client("resourcegroupstaggingapi", work.region)
    pages = client.get_paginator("get_resources").paginate(TagFilters=asked)
    held = {
        one["ResourceARN"]: tags.from_api(one.get("Tags")) for page in pages for one in page["ResourceTagMappingList"]
    }
    return {arn: carried for arn, carried in held.items() if _has(carried, wanted)}


def _arn(work: Work, name: str) -> str:
    """The ARN of a listed thing. Raises ProviderError where that holds the account, which nobody tells."""
    template = work.resource.find.arn if work.resource.find else ""
    known = {"id": name, "last": name.rpartition("/")[2], "region": work.region, "partition": work.partition}
    if "{account}" in template:
        known["account"] = work.account
    return str(fill(template, known))
