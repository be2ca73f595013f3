"""Old and new checked inputs in, what differs and whether it replaces out. Pure: nothing is asked of the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.providers.aws import naming, normal
from harness.providers.aws.reading import IMPORTED
from harness.providers.aws.shapes import fill
from harness.providers.contract import Change, Diff

if TYPE_CHECKING:
    from harness.providers.aws.declare import Resource
    from harness.providers.contract import DiffRequest, Props

_REPLACING = {
    Change.ADD: Change.ADD_REPLACE,
    Change.DELETE: Change.DELETE_REPLACE,
    Change.UPDATE: Change.UPDATE_REPLACE,
}


def diff(resource: Resource, request: DiffRequest, account: Mapping[str, Any]) -> Diff:
    """Compare inputs with inputs: what AWS filled in never differs; `read` puts real drift into the old ones."""
    changes: dict[str, Change] = {}
    ignored = {path.split(".")[0].split("[")[0] for path in request.ignore_changes}
    for name in sorted({*request.old_inputs, *request.inputs}):
        if name.startswith("__") or name in ignored:
            continue
        old, new = request.old_inputs.get(name), request.inputs.get(name)
        if request.old_inputs.get(
            IMPORTED
        ):  # the target told all of a block; what the program leaves open is no change
            old = _asked_of(old, new)
        if not differs(resource, name, old, new, request.old_outputs) or _untellable(resource, name, request):
            continue
        kind = Change.ADD if normal.is_empty(old) else Change.DELETE if normal.is_empty(new) else Change.UPDATE
        changes[name] = kind if name in resource.updatable else _REPLACING[kind]
    replaces = any(kind in _REPLACING.values() for kind in changes.values())
    return Diff(
        changes, delete_before_replace=replaces and (resource.exclusive or _collides(resource, request, account))
    )


def _asked_of(old: Any, new: Any) -> Any:
    """The part of an imported block, or list of blocks, that the program asks for."""
    if isinstance(new, Mapping | list) and not normal.has_unknown(new):
        return normal.project(new, old)
    return old


def differs(resource: Resource, name: str, old: Any, new: Any, outputs: Props) -> bool:
    """Whether bringing this argument from `old` to `new` changes anything at the target."""
    return not normal.same(resource, name, old, new) and not _only_moved(resource, name, old, new, outputs)


def _only_moved(resource: Resource, name: str, old: Any, new: Any, outputs: Props) -> bool:
    """A difference that is none at the target: an optional argument was taken out, or names what is already so."""
    if new == [] and not normal.is_empty(old):
        return False  # nothing is asked for, in so many words
    if normal.is_empty(new):
        idle = isinstance(old, bool | int) and not old and name not in resource.defaults  # nothing to take out
        prefix = resource.naming is not None and name == resource.naming.prefix
        return idle or prefix or resource.has(resource.computed, name)
    return normal.is_empty(old) and normal.same(resource, name, outputs.get(name), new)


def _untellable(resource: Resource, name: str, request: DiffRequest) -> bool:
    """Just imported, and of this the target tells nothing: no ground to replace what is there."""
    silent = (resource.write_only, resource.untold, resource.inert)
    return (
        bool(request.old_inputs.get(IMPORTED))
        and name not in resource.updatable
        and any(resource.has(marks, name) for marks in silent)
        and normal.is_empty(request.old_outputs.get(name))
    )


def _collides(resource: Resource, request: DiffRequest, account: Mapping[str, Any]) -> bool:
    """Whether the new one would have the id of the old one, so that both cannot exist."""
    if resource.versions:
        return False
    predicted = identify(resource, request.inputs, account)
    if predicted != identify(resource, request.old_inputs, account):
        return False
    if resource.naming is None:
        return predicted is not None
    logical = request.urn.rsplit("::", 1)[-1]
    name = request.inputs.get(resource.naming.property)
    if predicted is None and (name is None or name != request.old_inputs.get(resource.naming.property)):
        return False
    return not naming.is_automatic(resource.naming, logical, request.inputs, name)


def identify(resource: Resource, inputs: Props, account: Mapping[str, Any]) -> str | None:
    """The id that a create with these inputs will have, or None when only the target decides it."""
    if resource.identity_with and not normal.has_unknown(inputs):
        try:
            return resource.identity_with(inputs)
        except KeyError:
            return None
    if not resource.identity:
        return None
    values = {**account, **inputs}
    try:
        text = str(fill(resource.identity, values))
    except KeyError:
        return None
    return None if normal.has_unknown([values[key] for key in inputs if f"{{{key}}}" in resource.identity]) else text
