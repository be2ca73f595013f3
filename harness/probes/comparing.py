"""A document and wanted values by JMESPath in, what differs out: for answers in JSON and for descriptions by AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator


def _checked(paths: dict[str, Any]) -> dict[str, Any]:
    import jmespath
    from jmespath.exceptions import JMESPathError

    for path in paths:
        try:
            jmespath.compile(path)
        except JMESPathError as error:
            raise ValueError(f"{path!r} is not a JMESPath: {' '.join(str(error).split())}") from error
    return paths


Wanted: TypeAlias = Annotated[dict[str, Any], AfterValidator(_checked)]
"""JMESPath to the value that must be there; `"*"` stands for any value but none."""


def differences(document: Any, wanted: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is seen beside what is wanted, for each path where they differ."""
    import jmespath

    found = {path: jmespath.search(path, document) for path in wanted}
    return {
        path: {"seen": found[path], "wanted": value}
        for path, value in wanted.items()
        if (found[path] in (None, "") if value == "*" else not _same(found[path], value))
    }


def _same(seen: Any, wanted: Any) -> bool:
    """Equality in which `true` is not 1."""
    return seen == wanted and isinstance(seen, bool) == isinstance(wanted, bool)
