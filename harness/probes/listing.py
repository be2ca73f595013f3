"""All kinds of declared probes in, their documentation as Markdown out; `python -m harness.probes` prints it."""

from __future__ import annotations

import inspect

from harness.probes.declaring import COMMON, Keys, Kind, kinds

_HEAD = """# Kinds of declared probes

Made by `python -m harness.probes > harness/probes/README.md`; a test compares the two.

A `[[probe]]` table in `harness.toml` has these keys, and those of its kind. Any value but theirs may refer to outputs
of the stack: `"${name}"` alone is the output as it is (a list stays a list), inside other text its words;
`${names[0]}` and `${service.url}` go further into it, `$${` is a plain `${`.
"""


def listing() -> str:
    """Every kind with every key: what it must be, and whether it is needed."""
    common = "\n".join(_row(Keys, name) for name in COMMON)
    return "\n".join([_HEAD, _TABLE, common, *(_section(each) for each in kinds().values())]) + "\n"


_TABLE = "| key | what it is |\n|---|---|"


def _section(each: Kind) -> str:
    own = inspect.get_annotations(each.keys)  # first; then what several kinds have
    names = sorted(each.keys.model_fields, key=lambda name: name not in own)
    rows = [_row(each.keys, name) for name in names if name not in COMMON]
    return "\n".join([f"\n## {each.name}\n", f"{each.summary}\n", _TABLE, *rows])


def _row(keys: type[Keys], name: str) -> str:
    field = keys.model_fields[name]
    needed = " (needed)" if field.is_required() else ""
    return f"| `{field.alias or name}`{needed} | {field.description} |"
