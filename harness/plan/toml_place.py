"""A place in a TOML file in; its line, and a ConfigError that names file, line, key and what is allowed, out.

tomllib tells no lines of what it has read; this finds them again by the file's own headers and keys.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.errors import ConfigError

Loc = Sequence[str | int]
_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")


def line_of(text: str, loc: Loc) -> int | None:
    """The line (from 1) of a key such as `("probe", 1, "url")`, or of the nearest thing above it; None without any."""
    best, depth, counted = None, 0, dict[str, int]()
    inside: list[str | int] = []
    wanted = list(loc)
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            name = header[2]
            inside = list(_parts(name))
            if header[1] == "[[":
                counted[name] = counted.get(name, -1) + 1
                inside.append(counted[name])
            elif inside and inside[0] in counted:  # a table inside the last entry of an array
                inside.insert(1, counted[str(inside[0])])
            here = inside
        elif key := _KEY.match(line):
            here = [*inside, *_parts(key[1])]
        else:
            continue
        common = _shared(here, wanted)
        if common > depth and common == len(here):
            best, depth = number, common
    return best


def _parts(name: str) -> list[str]:
    return [part.strip().strip("\"'") for part in name.split(".")]


def _shared(here: Sequence[str | int], wanted: Sequence[str | int]) -> int:
    count = 0
    for one, other in zip(here, wanted, strict=False):
        if one != other:
            break
        count += 1
    return count


def refuse(path: Path, loc: Loc, message: str, hint: str) -> ConfigError:
    """`FILE:LINE: KEY: message`, as an error to raise."""
    try:
        line = line_of(path.read_text(encoding="utf-8"), loc)
    except (OSError, UnicodeDecodeError):  # it changed since it was read
        line = None
    place = f"{path}:{line}" if line else str(path)
    key = _spoken(loc)
    return ConfigError(f"{place}: {key}: {message}" if key else f"{place}: {message}", hint=hint)


def refuse_invalid(path: Path, prefix: Loc, model: type[BaseModel], error: ValidationError) -> ConfigError:
    """The first thing that pydantic refused of the table at `prefix`, as an error to raise."""
    first = error.errors()[0]
    loc = (*prefix, *first["loc"])
    if first["type"] == "extra_forbidden":
        return refuse(path, loc, "no such key", f"allowed here: {allowed(_owner(model, first['loc']))}")
    if first["type"] == "missing":
        return refuse(path, loc, "is needed and missing", f"allowed here: {allowed(_owner(model, first['loc']))}")
    message = str(first["msg"]).removeprefix("Value error, ")
    return refuse(path, loc, message[0].lower() + message[1:], _expected(model, first["loc"]))


def allowed(model: type[BaseModel]) -> str:
    """The keys of a table, as they are written."""
    return ", ".join(field.alias or name for name, field in model.model_fields.items())


def _owner(model: type[BaseModel], loc: Loc) -> type[BaseModel]:
    """The model of the table that holds the last key of `loc`."""
    for part in loc[:-1]:
        field = next((f for n, f in model.model_fields.items() if part in {n, f.alias}), None)
        inner: Any = field.annotation if field else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return model


def _expected(model: type[BaseModel], loc: Loc) -> str:
    owner = _owner(model, loc)
    named = [f for part in reversed(loc) for n, f in owner.model_fields.items() if part in {n, f.alias}]
    field = named[0] if named else None
    if field is not None and field.description:
        return f"allowed: {field.description}"
    return f"allowed here: {allowed(owner)}"


def _spoken(loc: Loc) -> str:
    """`probe[2].url`, counted from 1 as people do."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
