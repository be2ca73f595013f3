"""Names of Pulumi's protocol modules in, the modules out, without the price of `import pulumi`.

`import pulumi` costs 0.8 s, of which the stubs of the wire protocol are a tenth. Importing
`pulumi.runtime.proto.language_pb2` the plain way runs `pulumi/__init__.py` first. `load` puts empty packages with the
right search path in their place for as long as it imports, and takes them away again: a later `import pulumi` in the
same process is the real one, and shares the message classes that were loaded here.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROTO = "pulumi.runtime.proto"
_lock = threading.Lock()


def load(*names: str) -> tuple[ModuleType, ...]:
    """Import modules of `pulumi.runtime.proto`, for instance `load("provider_pb2", "provider_pb2_grpc")`.

    Call it before other threads import anything of Pulumi: they would see the empty packages.

    Raises:
        ModuleNotFoundError: the Pulumi SDK is not installed, or it has no such module.
    """
    with _lock, _shells():
        return tuple(importlib.import_module(f"{_PROTO}.{name}") for name in names)


@contextmanager
def _shells() -> Iterator[None]:
    """Empty packages for `pulumi`, `pulumi.runtime` and `pulumi.runtime.proto`, unless the real ones are there."""
    if "pulumi" in sys.modules:
        yield
        return
    spec = importlib.util.find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'pulumi'", name="pulumi")
    root = Path(next(iter(spec.submodule_search_locations)))
    shells: dict[str, ModuleType] = {}
    for name, folder in (
        ("pulumi", root),
        ("pulumi.runtime", root / "runtime"),
        (_PROTO, root / "runtime" / "proto"),
    ):
        shell = ModuleType(name)
        shell.__path__ = [str(folder)]
        shells[name] = shell
    sys.modules.update(shells)
    try:
        yield
    finally:
        for name, shell in shells.items():
            if sys.modules.get(name) is shell:
                del sys.modules[name]
