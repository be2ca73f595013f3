"""All declarations in, lookup by token out. A new type is one declaration in one file of `services`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

from harness.providers.aws import services
from harness.providers.aws.declare import Resource
from harness.providers.aws.shapes import nearest

if TYPE_CHECKING:
    from harness.providers.aws.asking import Asking
    from harness.providers.contract import Props

Function: TypeAlias = "Callable[[Asking, Props], Props]"

_FUNCTIONS: Final[dict[str, tuple[Function, frozenset[str]]]] = {}


def function(token: str, args: str = "") -> Callable[[Function], Function]:
    """Mark the answer to a Pulumi function call; `args` are the arguments that it takes."""

    def keep(answer: Function) -> Function:
        _FUNCTIONS[token] = (answer, frozenset(args.split()) | {"region"})
        return answer

    return keep


@cache
def resources() -> dict[str, Resource]:
    """Every resource type by token, aliases included."""
    found: dict[str, Resource] = {}
    for module in pkgutil.iter_modules(services.__path__, f"{services.__name__}."):
        for declared in vars(importlib.import_module(module.name)).values():
            if isinstance(declared, Resource):
                for token in (declared.token, *declared.aliases.split()):
                    found[token] = declared
    return found


def functions() -> dict[str, tuple[Function, frozenset[str]]]:
    """Every function by token, with the names of its arguments."""
    resources()  # reads the modules in which both are declared
    return _FUNCTIONS


def closest(token: str, known: Iterable[str]) -> str:
    """The known token that looks most like an unknown one, or empty."""
    return nearest(token, known)
