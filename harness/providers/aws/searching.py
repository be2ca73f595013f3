"""Tags in; all of some types at the target that carries them, and what of them could not be looked at, out.

An account on AWS is seldom ours alone, and may hold thousands of things. So its own index of tags is asked where it has
one, and only what that names is looked at; where it is not enough, all things are listed and looked at one by one.
Somebody's key or bucket may refuse that by a policy of its own, which must not cost the others. What refuses is never
called a stranger's for that: the index tells, and what nobody can tell of is said.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from harness.providers import flights
from harness.providers.aws import reading, tags
from harness.providers.aws.failures import explain, says_absent, says_denied
from harness.providers.aws.tag_index import TagIndex, key, tells_ids
from harness.providers.contract import Found, Search

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from harness.providers.aws.work import Work

_AT_ONCE: Final = 16  # types listed at the same time
_OF_A_TYPE: Final = 4  # things of one type, on AWS: there may be a thousand, and its services throttle


@dataclass
class _Seen:
    """What one type's listing told. `refused` are the ids of what could not be looked at, and why."""

    found: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    failed: str = ""


def search(works: Sequence[Work], wanted: Mapping[str, str | None], thorough: Container[str] = ()) -> Search:
    """All of these types that carry these tags (None: any value); the `thorough` ones are listed, whatever is known."""
    listed = [work for work in works if work.resource.searchable]
    index = TagIndex(wanted)
    known = {
        work.resource.token: index.of(work)
        for work in listed
        if tells_ids(work) and work.resource.token not in thorough
    }
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        look = flights.carried(lambda work: _listed(work, wanted, known.get(work.resource.token)))
        lists = list(zip(listed, pool.map(look, listed), strict=True))
    for work, seen in lists:
        if seen.refused:
            _ask_for_refused(work, seen, index)
    found = [Found(work.resource.token, one, work.region, held) for work, seen in lists for one, held in seen.found]
    failed = {work.resource.token: seen.failed for work, seen in lists if seen.failed}
    unseen = {work.resource.token: _refusals(seen.refused) for work, seen in lists if seen.refused}
    searched = [work.resource.token for work, _ in lists if work.resource.token not in {*failed, *unseen}]
    return Search(found, searched, failed, unseen)


def _refusals(refused: Mapping[str, str]) -> str:
    first = next(iter(refused.values()))
    return first if len(refused) == 1 else f"{first}; and {len(refused) - 1} more"


def _listed(work: Work, wanted: Mapping[str, str | None], known: Iterable[str] | None) -> _Seen:
    """What was found and refused, or why that cannot be told. `known` are the only ones to look at, by an index."""
    try:
        return _tagged(work, wanted) if known is None else _looked_at(work, known, wanted)
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


def _ask_for_refused(work: Work, seen: _Seen, index: TagIndex) -> None:
    """Of what refuses: move what carries the tags to what was found, and forget what does not, where an index tells.

    Whoever waits for a create without an answer searches again until AWS would show it; older things it knows.
    """
    told = index.of(work)
    if told is not None:
        ours = [(name, told[key(work, name)]) for name in seen.refused if key(work, name) in told]
        seen.found += [(name, dict(carried)) for name, carried in ours]
        seen.refused.clear()
