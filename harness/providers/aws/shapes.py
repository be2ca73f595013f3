"""Pulumi's values in, AWS's parameters out, and back: names are matched by botocore's model without regard to case."""

from __future__ import annotations

import base64
import datetime as dt
import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

_HEAD: Final = re.compile(r"^(?:[A-Z]+(?=[A-Z][a-z])|[A-Z]+(?=\d|$)|[A-Z]+?(?=[a-z])|[A-Z])")


class UnknownMemberError(ValueError):
    """A name that the model does not have, at a path; `hint` is the nearest valid name or empty."""

    def __init__(self, path: str, hint: str) -> None:
        super().__init__(path)
        self.path = path
        self.hint = hint


def norm(name: str) -> str:
    """Name without case and separators: `cidrBlock` and `CidrBlock` are one."""
    return name.replace("_", "").replace("-", "").lower()


def camel(member: str) -> str:
    """Pulumi's spelling of a member: `DBSubnetGroup` is `dbSubnetGroup`."""
    return _HEAD.sub(lambda found: found.group().lower(), member, count=1)


def nearest(name: str, valid: Iterable[str]) -> str:
    """The valid name that a misspelt one was meant to be, or empty."""
    by_norm = {norm(one): one for one in valid}
    close = difflib.get_close_matches(norm(name), by_norm, n=1, cutoff=0.6)
    return by_norm[close[0]] if close else ""


def member_for(names: Iterable[str], prop: str) -> str | None:
    """The member that a property means: by name, else the same in singular or plural."""
    by_norm = {norm(one): one for one in names}
    wanted = norm(prop)
    for candidate in (wanted, wanted.removesuffix("s"), wanted + "s", re.sub("ies$", "y", wanted)):
        if candidate in by_norm:
            return by_norm[candidate]
    return None


def to_api(shape: Any, value: Any, rename: Mapping[str, str], path: str = "") -> Any:
    """Value of a program as botocore wants it for this shape. Raises UnknownMemberError."""
    kind = shape.type_name
    if kind == "structure":
        return _structure_to_api(shape, value, rename, path)
    if kind == "list":
        values = value if isinstance(value, list | tuple) else [value]
        return [to_api(shape.member, one, rename, f"{path}[{index}]") for index, one in enumerate(values)]
    if kind == "map":
        return {str(key): to_api(shape.value, one, rename, f"{path}.{key}") for key, one in value.items()}
    return _scalar_to_api(kind, value)


def _structure_to_api(shape: Any, value: Any, rename: Mapping[str, str], path: str) -> dict[str, Any]:
    if isinstance(value, list | tuple) and len(value) <= 1:  # a block that may occur once
        value = value[0] if value else {}
    if not isinstance(value, Mapping):
        raise UnknownMemberError(path, "a block with named arguments")
    result = {}
    for key, one in value.items():
        member = rename.get(key) if rename.get(key) in shape.members else member_for(shape.members, key)
        inner = f"{path}.{key}" if path else key
        if member is None:
            raise UnknownMemberError(inner, nearest(key, (camel(name) for name in shape.members)))
        if one is not None:
            result[member] = to_api(shape.members[member], one, rename, inner)
    return result


def _scalar_to_api(kind: str, value: Any) -> Any:
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if kind in {"integer", "long"}:
        return int(value)
    if kind in {"float", "double"}:
        return float(value)
    if kind == "blob":
        return value.encode() if isinstance(value, str) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if kind == "timestamp" else str(value)


def from_api(value: Any, names: Mapping[str, str]) -> Any:
    """Answer of AWS in Pulumi's spelling; `names` maps members whose spelling is irregular."""
    if isinstance(value, Mapping):
        return {names.get(key, camel(key)): from_api(one, names) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [from_api(one, names) for one in value]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """Template with its `{names}` replaced; one that is a single name keeps the value's type. Raises KeyError."""
    if isinstance(template, str):
        if re.fullmatch(r"\{\w+\}", template):
            return values[template[1:-1]]
        return re.sub(r"\{(\w+)\}", lambda found: str(values[found.group(1)]), template)
    if isinstance(template, Mapping):
        return {key: fill(one, values) for key, one in template.items()}
    if isinstance(template, list | tuple):
        return [fill(one, values) for one in template]
    return template


def parse(template: str, text: str) -> dict[str, str]:
    """The parts of a text that follows a template; empty when it does not."""
    pattern = re.sub(r"\\\{(\w+)\\\}", lambda found: f"(?P<{found.group(1)}>.+?)", re.escape(template))
    found = re.fullmatch(pattern, text)
    return dict(found.groupdict()) if found else {}
