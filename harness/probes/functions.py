"""A program's `probes.py` in, its decorated functions as `Probe`s out; the file is run, so nothing real may be near."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import math
import sys
import threading
import traceback
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, overload

from harness.errors import ProgramError
from harness.probes.evidence import deepest_below
from harness.probes.model import DEFAULT_SECONDS, Probe, ProbeFunction

FILE: Final = "probes.py"
_HINT: Final = (
    "a probe is `@probe` above a function of one argument, the ProbeContext; see the other programs' probes.py"
)
_loading = threading.Lock()
_found: list[Probe] = []  # what is being loaded, under `_loading`: two functions of one name would hide each other


@overload
def probe(name: ProbeFunction, /) -> Probe: ...


@overload
def probe(
    name: str | None = None, /, *, timeout: float = DEFAULT_SECONDS, outputs: Sequence[str] = ()
) -> Callable[[ProbeFunction], Probe]: ...


def probe(
    name: ProbeFunction | str | None = None, /, *, timeout: float = DEFAULT_SECONDS, outputs: Sequence[str] = ()
) -> Probe | Callable[[ProbeFunction], Probe]:
    """Declare a probe: `@probe`, `@probe("words for the report")`, `@probe("…", timeout=120)`.

    Without words the function's name is used. `timeout` is in seconds, for all attempts together. `outputs` names stack
    outputs that it needs and that its source does not show as `context.outputs["name"]`: looked for before `up`.

    Raises:
        TypeError: the function is async, a generator, or does not take exactly one argument; `outputs` is a text.
        ValueError: the time-out is not a positive number of seconds.
    """
    if callable(name):
        return probe(None)(name)

    def decorate(function: ProbeFunction) -> Probe:
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
            raise TypeError(f"probe {function.__name__} is async or a generator: nothing would ever run it")
        try:
            inspect.signature(function).bind(object())
        except TypeError as error:
            raise TypeError(f"probe {function.__name__} does not take exactly one argument: {error}") from error
        if not (math.isfinite(timeout) and timeout > 0):
            raise ValueError(f"probe {function.__name__}: {timeout} is not a positive number of seconds")
        if isinstance(outputs, str):
            raise TypeError(f'probe {function.__name__}: write outputs=("{outputs}",)')
        code = inspect.unwrap(function).__code__
        words = name or function.__name__.strip("_").replace("_", " ")
        made = Probe(words, function, timeout, Path(code.co_filename), code.co_firstlineno, outputs=frozenset(outputs))
        _found.append(made)
        return made

    return decorate


def load_probes(program_dir: Path) -> list[Probe]:
    """Probes of the program in their order in `probes.py`; none without that file. Writes nothing into the directory.

    The directory is importable while `probes.py` is being read: import what lies beside it at the top of the file.

    Raises:
        ProgramError: it cannot be imported, declares no probe, or two of one name.
    """
    directory = program_dir.resolve()
    path = directory / FILE
    if not path.is_file():
        return []
    module = types.ModuleType(f"_harness_probes_{hashlib.sha256(bytes(path)).hexdigest()[:16]}")
    module.__file__ = str(path)
    with _loading, _importable(directory):
        _found.clear()
        sys.modules[module.__name__] = module  # dataclasses and typing look their own module up
        try:
            exec(compiled(path), module.__dict__)  # noqa: S102 - the user's own file
        except BaseException as error:
            del sys.modules[module.__name__]
            if isinstance(error, KeyboardInterrupt):
                raise
            raise _refused(path, error) from error
        probes = list(_found)
    if not probes:
        raise ProgramError(f"{path}:1: declares no probe", hint=f"{_HINT}; or remove the file")
    refuse_same_names(probes)
    return probes


def check_syntax(program_dir: Path) -> None:
    """Refuse a `probes.py` that is not Python, without running it. Raises ProgramError."""
    path = program_dir.resolve() / FILE
    if path.is_file():
        try:
            compiled(path)
        except (OSError, SyntaxError, ValueError) as error:
            raise _refused(path, error) from error


def refuse_same_names(probes: Sequence[Probe]) -> None:
    """Results are told apart by name. Raises ProgramError at the second one's place."""
    for index, each in enumerate(probes):
        if any(each.name == other.name for other in probes[:index]):
            raise ProgramError(
                f"{each.file}:{each.line}: there is a probe {each.name!r} already", hint="give every probe its own name"
            )


def compiled(path: Path) -> types.CodeType:
    """The file's code; with its asserts, or under `python -O` every probe would pass."""
    return compile(path.read_bytes(), str(path), "exec", optimize=0, dont_inherit=True)


@contextlib.contextmanager
def _importable(directory: Path) -> Iterator[None]:
    """Let the directory's modules be imported, and forgotten: another program may have modules of the same names."""
    known, bytecode = set(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, str(directory))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = bytecode
        sys.path.remove(str(directory))
        for name in set(sys.modules) - known:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(directory) and not name.startswith("_harness_probes_"):
                del sys.modules[name]


def _refused(path: Path, error: BaseException) -> ProgramError:
    if isinstance(error, SyntaxError):
        return ProgramError(f"{error.filename}:{error.lineno}: {error.msg}", hint="mend the syntax in that line")
    frame = deepest_below(traceback.extract_tb(error.__traceback__), path.parent)
    text = f"{path if frame is None else frame.filename}:{1 if frame is None or not frame.lineno else frame.lineno}"
    hint = _HINT
    if isinstance(error, ModuleNotFoundError):
        hint = "probes run in the harness's own environment: boto3, httpx and the standard library are there"
    return ProgramError(f"{text}: {type(error).__name__}: {error}", hint=hint)
