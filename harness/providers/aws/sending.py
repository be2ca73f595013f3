"""Inputs in, the parameters of create and update operations out, and the calls made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.providers.aws import normal, tags
from harness.providers.aws.failures import passes
from harness.providers.aws.shapes import fill, member_for, to_api
from harness.providers.contract import ProviderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.providers.aws.declare import Item, Resource, Update
    from harness.providers.aws.work import Work


def member_of(shape: Any, name: str, rename: Mapping[str, str]) -> str | None:
    """The parameter that an argument goes into, or None."""
    if name in rename:
        return rename[name] if rename[name] in shape.members else None
    return member_for(shape.members, name)


def document(shape: Any, text: str) -> Any:
    """JSON text of a program, taken apart where the operation wants a structure. Raises ValueError."""
    return text if shape.type_name == "string" else json.loads(text)


def parameters(work: Work, operation: str, names: Iterable[str], rename: Mapping[str, str]) -> Item:
    """Those arguments that the operation takes, in its own shape."""
    shape = work.input_shape(operation)
    resource = work.resource
    result: Item = {}
    for name in names:
        value = work.inputs.get(name)
        if value is None or resource.has(resource.inert, name) or name in {"region", "tags", "tagsAll"}:
            continue
        if name in resource.nested:  # our code writes it
            continue
        if normal.is_empty(value) and not isinstance(value, str):
            continue
        member = member_of(shape, name, rename)
        if member:
            if resource.has(resource.json, name) and isinstance(value, str):
                value = document(shape.members[member], value)
            result[member] = to_api(shape.members[member], value, rename, name)
    return result


def create(work: Work) -> bool:
    """Make the thing: sets `work.id` and `work.answer`. Says whether its tags still have to be written."""
    resource = work.resource
    if resource.create_with:
        passing = _passing_create(work)
        make = resource.create_with
        # Once a hook has made something, beginning anew would make a second.
        work.id = work.patiently(lambda: make(work), lambda error: not work.id and passing(error))
        return not _tags_created(resource)
    if resource.create is None:
        raise ValueError(f"{resource.token} declares no way to create it")
    operation = resource.create.operation
    params = parameters(work, operation, work.inputs, resource.rename)
    params.update(fill(resource.create.params, work.values()))
    tagged = tags.put_in_create(work, operation, params)
    if resource.before_create:
        resource.before_create(work, params)
    work.answer = work.patiently(lambda: work.call(operation, **params), _passing_create(work))
    work.id = _id(work)
    return not tagged


def _tags_created(resource: Resource) -> bool:
    return resource.tagging is None or resource.tagging.spec != "" or resource.tagging.tag is None


def _passing(marks: str) -> Any:
    return lambda error: passes(error, marks)


def _passing_create(work: Work) -> Any:
    """The same for a create, which must not follow one that may have worked unheard, unless it is by name."""
    passing = _passing(work.resource.retry_create)
    return lambda error: passing(error) and (work.repeatable or not work.doubt)


def _id(work: Work) -> str:
    import jmespath

    resource = work.resource
    if "{" in resource.id:
        return str(fill(resource.id, work.values()))
    found = jmespath.search(resource.id, work.answer)
    if not found:
        raise ProviderError("the target's answer names no id", definite=False)
    return str(found)


def finish_create(work: Work) -> None:
    """Set what the create operation could not."""
    resource = work.resource
    shape = work.input_shape(resource.create.operation) if resource.create else None
    for update in resource.updates:
        if update.on_create is False:
            continue
        wanted = {
            name
            for name in update.names
            if not normal.is_empty(work.inputs.get(name))
            and not (name in resource.initial and resource.initial[name] == work.inputs[name])
            and (update.on_create or shape is None or member_of(shape, name, resource.rename) is None)
        }
        if wanted:
            run(work, update, wanted)


def apply_updates(work: Work) -> None:
    """Bring every argument that changed to its new value, then the tags."""
    for update in work.resource.updates:
        changed = {name for name in update.names if work.changed(name)}
        if changed:
            run(work, update, changed)
    if work.resource.tagging:
        tags.write(work, work.old.get("tagsAll") or {}, work.inputs.get("tagsAll") or {})


def run(work: Work, update: Update, names: set[str]) -> None:
    """One update, for those of its arguments that need it."""
    if update.apply:
        update.apply(work)
        return
    if update.call is None:
        raise ValueError(f"{work.resource.token} declares an update that does nothing")
    rename = {**work.resource.rename, **update.rename}
    operation = update.call.operation
    shape = work.input_shape(operation)
    params = parameters(work, operation, {*names, *update.also.split()}, rename)
    for name in names:
        member = member_of(shape, name, rename)
        if member and member not in params:
            params[member] = _emptied(work, name, shape.members[member])
    params.update(fill(update.call.params, work.values()))
    work.patiently(lambda: work.call(operation, **params), _passing(work.resource.retry_create))


def _emptied(work: Work, name: str, shape: Any) -> Any:
    """What unsets an argument that was taken out of the program."""
    if name in work.resource.reset:
        return work.resource.reset[name]
    empty: dict[str, Any] = {"boolean": False, "list": [], "map": {}, "structure": {}, "string": ""}
    if shape.type_name not in empty:
        raise ValueError(f"`{name}` cannot be unset in place; give it a value")
    return empty[shape.type_name]
