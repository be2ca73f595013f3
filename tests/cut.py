"""Cases in, parameters of a test out: all of them, of which only the fast cut runs without `--campaign`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def cut(cases: Iterable[Any], fast: Callable[[Any], bool] | int) -> list[Any]:
    """The fast cut is those for which `fast` holds, or the first `fast` ones. A tuple is several parameters."""
    parameters = []
    for number, one in enumerate(cases):
        chosen = number < fast if isinstance(fast, int) else fast(one)
        values = one if isinstance(one, tuple) else (one,)
        parameters.append(pytest.param(*values, marks=() if chosen else pytest.mark.campaign))
    return parameters
