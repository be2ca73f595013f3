"""A program's inputs in; inputs with names, defaults and tags filled in, and what cannot be accepted, out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws import naming, shapes
from harness.providers.aws.normal import is_empty
from harness.providers.contract import UNKNOWN, Checked, CheckFailure

if TYPE_CHECKING:
    from harness.providers.aws.clients import Clients
    from harness.providers.aws.declare import Resource
    from harness.providers.aws.tags import TagRules
    from harness.providers.contract import CheckRequest, Props

OFFICIAL: Final = "the bundled provider does not support it; use `--provider official`"


def check(resource: Resource, request: CheckRequest, rules: TagRules, clients: Clients) -> Checked:
    """Check and complete the inputs of one resource."""
    inputs = {key: one for key, one in request.inputs.items() if one is not None and not key.startswith("__")}
    inputs.pop("tagsAll", None)
    failures = [*_names(resource, inputs), *_missing(resource, inputs)]
    for name in set(resource.json.split()) & set(inputs):
        if isinstance(inputs[name], Mapping | list):  # a policy given as an object
            inputs[name] = json.dumps(inputs[name], separators=(",", ":"))
    for name, value in resource.defaults.items():
        inputs.setdefault(name, value)
    if resource.naming:
        name = resource.naming.property
        inputs[name] = naming.named(resource.naming, request.name, inputs, request.old_inputs, request.seed)
        failures += _name_limits(resource, inputs[name])
    if resource.tagging:
        inputs["tagsAll"] = rules.merged(inputs.get("tags"))
    failures += _nested(resource, inputs, clients)
    if resource.check and not failures:
        failures += resource.check(inputs)
    return Checked(inputs, tuple(failures))


def _names(resource: Resource, inputs: Props) -> list[CheckFailure]:
    failures = []
    for name in inputs:
        if name in resource.arguments:
            continue
        if resource.has(resource.refused, name):
            failures.append(CheckFailure(name, f"{resource.token} argument `{name}`: {OFFICIAL}"))
            continue
        hint = shapes.nearest(name, (*resource.arguments, *resource.refused.split()))
        meant = f"did you mean `{hint}`?" if hint else f"valid: {', '.join(sorted(resource.arguments))}"
        failures.append(CheckFailure(name, f"{resource.token} has no argument `{name}`; {meant}"))
    return failures


def _missing(resource: Resource, inputs: Props) -> list[CheckFailure]:
    return [
        CheckFailure(name, f"{resource.token} needs the argument `{name}`")
        for name in resource.required.split()
        if name not in inputs
    ]


def _name_limits(resource: Resource, name: Any) -> list[CheckFailure]:
    rules = resource.naming
    if rules is None or not isinstance(name, str) or len(name) <= rules.limit:
        return []
    reason = f"`{name}` has {len(name)} characters; {resource.noun} allows {rules.limit}"
    return [CheckFailure(rules.property, reason)]


def _nested(resource: Resource, inputs: Props, clients: Clients) -> list[CheckFailure]:
    """Names within blocks: by the declaration where our code reads them, else by botocore's model."""
    failures = []
    for name, value in inputs.items():
        if name in {"tags", "tagsAll"}:
            continue
        if isinstance(value, str) and resource.has(resource.json, name):
            failures += _by_document(resource, name, value, clients)
            continue
        if not _has_block(value):
            continue
        if name in resource.nested:
            failures += _by_words(resource.nested[name], value, name)
        elif name not in resource.inert.split():
            failures += _by_model(resource, name, value, clients)
    return failures


def _has_block(value: Any) -> bool:
    if isinstance(value, list):
        return any(_has_block(one) for one in value)
    return isinstance(value, Mapping)


def _by_words(valid: str, value: Any, path: str) -> list[CheckFailure]:
    """`valid` holds dotted names: `rules.id` says that `rules` may hold `id`; a name ending in `.*` is free."""
    if valid == "*":
        return []
    if isinstance(value, list):
        return [one for index, inner in enumerate(value) for one in _by_words(valid, inner, f"{path}[{index}]")]
    if not isinstance(value, Mapping):
        return []
    heads = {word.split(".")[0] for word in valid.split()}
    failures = []
    for key, inner in value.items():
        if key not in heads:
            hint = shapes.nearest(key, heads)
            reason = f"no argument `{path}.{key}`; " + (f"did you mean `{hint}`?" if hint else OFFICIAL)
            failures.append(CheckFailure(f"{path}.{key}", reason))
            continue
        below = " ".join(word.partition(".")[2] for word in valid.split() if word.startswith(f"{key}."))
        if below:
            failures += _by_words(below, inner, f"{path}.{key}")
    return failures


def _by_document(resource: Resource, name: str, text: str, clients: Clients) -> list[CheckFailure]:
    """Names within JSON text that AWS takes as a structure; what stays text is AWS's to judge."""
    shape = shape_of(resource, name, clients) if resource.has(resource.documents, name) else None
    if shape is None:
        return []
    try:
        value = json.loads(text)
    except ValueError as error:
        return [CheckFailure(name, f"{resource.token} argument `{name}` is not JSON: {error}")]
    return _by_model(resource, name, value, clients)


def _by_model(resource: Resource, name: str, value: Any, clients: Clients) -> list[CheckFailure]:
    shape = shape_of(resource, name, clients)
    if shape is None:
        return []
    try:
        shapes.to_api(shape, _known(value), resource.rename, name)
    except shapes.UnknownMemberError as error:
        meant = f"did you mean `{error.hint}`?" if error.hint else OFFICIAL
        return [CheckFailure(error.path, f"{resource.token} has no argument `{error.path}`; {meant}")]
    except (ValueError, TypeError, AttributeError):
        return [CheckFailure(name, f"{resource.token} argument `{name}` has the wrong form")]
    return []


def _known(value: Any) -> Any:
    """The value without what preview cannot know yet: names are checked, not values."""
    if isinstance(value, Mapping):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_known(one) for one in value if one is not UNKNOWN]
    return None if value is UNKNOWN else value


def shape_of(resource: Resource, name: str, clients: Clients) -> Any:
    """The model of an argument, from the first operation that takes it; None when our code writes it."""
    model = clients.client(resource.service).meta.service_model
    calls = [(resource.create, resource.rename)] if resource.create else []
    calls += [(one.call, {**resource.rename, **one.rename}) for one in resource.updates if one.call]
    for call, rename in calls:
        shape = model.operation_model(call.operation).input_shape if call else None
        if shape is None:
            continue
        member = rename.get(name) or shapes.member_for(shape.members, name)
        if member in shape.members:
            return shape.members[member]
    return None


def drop_empty(props: Props) -> Props:
    """Without the properties that say nothing."""
    return {key: one for key, one in props.items() if not is_empty(one)}
