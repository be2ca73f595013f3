"""Pulumi's verbs in, finished operations out: create, read, update, delete, each waiting until the target says so."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws import reading, sending, tags
from harness.providers.aws.failures import explain, is_lost, passes, says_absent
from harness.providers.aws.normal import is_empty
from harness.providers.contract import UNKNOWN, PartialError, ProviderError, ResourceState

if TYPE_CHECKING:
    from harness.providers.aws.declare import Item, Resource
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_VISIBLE_AWS: Final = 120.0  # seconds in which AWS may not yet show what it has just made
_VISIBLE_EMULATOR: Final = 5.0


def foresee(resource: Resource, inputs: Props, old: Props | None = None) -> Props:
    """Outputs as far as a preview can know them."""
    given = {key: one for key, one in inputs.items() if not key.startswith("__")}
    if old is not None:
        kept = {key: one for key, one in old.items() if key not in resource.arguments or key in given}
        computed = {key: one for key, one in old.items() if resource.has(resource.computed, key)}
        return {**computed, **kept, **given}
    unknown = [
        name
        for name in resource.properties
        if name not in resource.arguments or resource.has(resource.computed, name) or name == "region"
    ]
    return {**dict.fromkeys(unknown, UNKNOWN), **given}


def create(work: Work) -> ResourceState:
    """Make it and wait until it is ready. Raises PartialError when it exists but is not whole."""
    resource = work.resource
    endpoint = work.clients.access.endpoint
    try:
        untagged = sending.create(work)
    except Exception as error:
        if work.id:  # a hook got so far that something exists
            raise _partial(work, "creating", error) from error
        unheard = work.doubt or (work.sent and is_lost(error))
        raise explain("creating", resource.noun, work.name, error, endpoint, definite=not unheard) from error
    try:
        item = _ready(work) if resource.wait else None
        if untagged:  # only now: what is still being made may refuse it
            item = item or reading.look(work)
            work.outputs = reading.outputs(work, item) if item else {}  # tags may go by ARN
            tags.write(work, {}, work.inputs.get("tagsAll") or {})
        sending.finish_create(work)
        return _settled(work)
    except Exception as error:
        raise _partial(work, "creating", error) from error


def _partial(work: Work, doing: str, error: Exception) -> PartialError:
    resource = work.resource
    text = str(explain(doing, resource.noun, work.name, error, work.clients.access.endpoint))
    props = reading.fallback(work)
    try:
        item = reading.look(work)
        if item is not None:
            props = reading.outputs(work, item)
    except Exception as second:  # noqa: BLE001 - the first failure is what the user must read; the second goes with it
        text += f"; and it could not be looked at: {second}"
    return PartialError(text, ResourceState(work.id, reading.marked(resource, props)))


def _ready(work: Work) -> Item:
    """Wait until the item is in a state of readiness. Raises ProviderError when it failed."""
    resource = work.resource
    wait = resource.wait
    visible = _VISIBLE_EMULATOR if work.clients.access.endpoint else _VISIBLE_AWS
    seen: list[str] = ["absent"]
    left = max(work.deadline - time.monotonic(), 0.0)
    item = work.until(lambda: reading.look(work), "it did not appear", min(visible, left))
    if wait is None or not wait.ready:
        return item

    def judge() -> Item | None:
        current = reading.look(work)
        if current is None:
            raise ProviderError("it vanished while we waited for it")
        seen[0] = reading.state_of(resource, current)
        if seen[0] in wait.ready.lower().split():
            return current
        if seen[0] in (*wait.failed.lower().split(), *wait.gone.lower().split()):
            raise ProviderError(f"it went into the state `{seen[0]}`{_reason(current)}")
        return None

    try:
        return work.until(judge, "not ready")
    except TimeoutError as error:
        raise ProviderError(f"timed out after {work.timeout:.0f} s in the state `{seen[0]}`") from error


def _reason(item: Item) -> str:
    for name in ("FailureMessage", "StateReason", "StatusMessage", "FailureReason"):
        value: Any = item.get(name)
        if value:
            return f": {value.get('Message', value) if isinstance(value, dict) else value}"
    return ""


def _settled(work: Work) -> ResourceState:
    """State after a create or update: ready, and looked at."""
    item = _ready(work)
    return ResourceState(work.id, reading.marked(work.resource, reading.outputs(work, item)))


def read(work: Work) -> ResourceState | None:
    """Look at it: None when it is gone or on its way there."""
    resource = work.resource
    try:
        item = reading.look(work)
        if item is None or reading.is_gone(resource, item):
            return None
        seen = reading.outputs(work, item)
    except Exception as error:
        if says_absent(error, resource):  # it went between two calls
            return None
        raise explain("reading", resource.noun, work.name, error, work.clients.access.endpoint) from error
    inputs = reading.as_inputs(work, seen)
    return ResourceState(work.id, reading.marked(resource, seen), inputs)


def update(work: Work) -> ResourceState:
    """Change it in place and wait until it is ready again."""
    try:
        sending.apply_updates(work)
        return _settled(work)
    except Exception as error:
        raise explain("updating", work.resource.noun, work.name, error, work.clients.access.endpoint) from error


def delete(work: Work) -> None:
    """Remove it and wait until it is gone. What is gone already is removed."""
    resource = work.resource
    try:
        work.forced = work.forced or (is_empty(work.outputs) and is_empty(work.inputs))
        if is_empty(work.outputs) and not _complete(work):
            return
        if resource.before_delete:
            resource.before_delete(work)
        _remove(work)
        if resource.destructive:
            _gone(work)
    except Exception as error:
        if says_absent(error, resource):
            return
        raise explain("deleting", resource.noun, work.name, error, work.clients.access.endpoint) from error


def _complete(work: Work) -> bool:
    """Fill the outputs of a find, of which only the id is known; False when there is nothing."""
    item = reading.look(work)
    if item is None or reading.is_gone(work.resource, item):
        return False
    work.outputs = reading.outputs(work, item)
    return True


def _remove(work: Work) -> None:
    from harness.providers.aws.shapes import fill

    resource = work.resource

    def act() -> None:
        if resource.delete_with:
            resource.delete_with(work)
        elif resource.delete:
            work.call(resource.delete.operation, **fill(resource.delete.params, work.values()))

    work.patiently(act, lambda error: passes(error, resource.retry_delete))


def _gone(work: Work) -> None:
    last: list[str] = [""]

    def judge() -> bool | None:
        item = reading.look(work)
        if reading.is_gone(work.resource, item):
            return True
        last[0] = reading.state_of(work.resource, item or {}) or "still there"
        return None

    try:
        work.until(judge, "not gone")
    except TimeoutError as error:
        raise ProviderError(f"timed out after {work.timeout:.0f} s waiting until it is gone: {last[0]}") from error
