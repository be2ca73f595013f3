"""A program's `probes.py` in, `ProbeResult`s out: the `@probe` decorator, what a probe is given, and how it is retried.

A probe is a function of one `ProbeContext` that asserts what must be true, or raises `ProbeFailure`. What may be only a
matter of time (a failed assertion, a refusal by AWS, a broken connection) is tried again until the probe's deadline; a
mistake in the probe itself ends it at once.
"""

from __future__ import annotations

import ast
import contextlib
import enum
import hashlib
import http.client
import inspect
import json
import linecache
import math
import sys
import threading
import time
import traceback
import types
import urllib.error
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Never, TypeAlias, overload

import boto3
import tenacity
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, WaiterError
from botocore.exceptions import ConnectionError as AwsConnectionError

from harness.errors import ProgramError

DEFAULT_SECONDS: Final = 30.0
GRACE_SECONDS: Final = 5.0
"""How long after its deadline a probe that does not come back is waited for."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0
PARALLEL: Final = 8
_HINT: Final = (
    "a probe is `@probe` above a function of one argument, the ProbeContext; see the other programs' probes.py"
)


class ProbeFailure(Exception):  # noqa: N818 - a failed probe is a result, not an error
    """What a probe raises when it saw something else than it must; it is tried again until its deadline."""

    def __init__(self, message: str, evidence: Mapping[str, Any] | str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.evidence = evidence


_RETRIED: Final = (
    AssertionError,
    ProbeFailure,
    ClientError,
    WaiterError,
    AwsConnectionError,
    HTTPClientError,
    ConnectionError,
    TimeoutError,
    urllib.error.URLError,
    http.client.HTTPException,
)


class _Outputs(dict[str, Any]):
    """Stack outputs; one that is missing is named together with those that are there."""

    def __missing__(self, name: str) -> Never:
        raise KeyError(f"the stack has no output {name!r}; it has {', '.join(sorted(self)) or 'none'}")


@dataclass(frozen=True, kw_only=True)
class ProbeContext:
    """What a probe is given: the stack's outputs, and clients that talk to the target and nowhere else.

    Raises:
        ValueError: an endpoint without its own credentials (the user's real ones must never reach an emulator).
    """

    outputs: Mapping[str, Any] = field(repr=False)
    """Plain values; secrets are unwrapped, so nothing here may go into evidence unseen."""
    region: str
    suffix: str
    tags: Mapping[str, str] = field(default_factory=dict)
    endpoint: str | None = None
    """URL of the emulator; None is AWS itself."""
    access_key: str | None = field(default=None, repr=False)
    """None leaves credentials to boto3's own chain."""
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    _clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.endpoint is not None and not (self.access_key and self.secret_key):
            raise ValueError("an endpoint needs an access key and a secret key of its own")
        object.__setattr__(self, "outputs", _Outputs(self.outputs))

    def client(self, service: str) -> Any:
        """Boto3 client of one service (`s3`, `rds`, …) in the cell's region, the same one for every caller."""
        with self._lock:  # boto3 sessions are not thread-safe, clients are
            if service not in self._clients:
                session: Any = boto3.Session(
                    self.access_key, self.secret_key, self.session_token, region_name=self.region
                )
                config = Config(
                    connect_timeout=5,
                    read_timeout=20,
                    retries={"mode": "standard", "total_max_attempts": 2},  # the probe itself is retried
                    s3={"addressing_style": "path"} if self.endpoint else None,  # bucket.127.0.0.1 is no host
                )
                self._clients[service] = session.client(service, endpoint_url=self.endpoint, config=config)
            return self._clients[service]


Evidence: TypeAlias = str | Mapping[str, Any] | None
ProbeFunction: TypeAlias = Callable[[ProbeContext], Evidence]


@dataclass(frozen=True)
class Probe:
    """One decorated function. `timeout` is in seconds and covers all attempts together."""

    name: str
    function: ProbeFunction
    timeout: float
    file: Path
    line: int

    def __call__(self, context: ProbeContext) -> Evidence:
        """Run it once, as the undecorated function would."""
        return self.function(context)


class ProbeStatus(enum.StrEnum):
    """How a probe ended: what it looked for was there, was not there in time, or the probe itself is broken."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"


@dataclass(frozen=True)
class ProbeResult:
    """One probe as it ended; `seconds` spans all attempts, `detail` is the last evidence."""

    name: str
    status: ProbeStatus
    attempts: int
    seconds: float
    detail: str


_loading = threading.Lock()
_found: list[Probe] = []  # what is being loaded, under `_loading`: two functions of one name would hide each other


@overload
def probe(name: ProbeFunction, /) -> Probe: ...


@overload
def probe(name: str | None = None, /, *, timeout: float = DEFAULT_SECONDS) -> Callable[[ProbeFunction], Probe]: ...


def probe(
    name: ProbeFunction | str | None = None, /, *, timeout: float = DEFAULT_SECONDS
) -> Probe | Callable[[ProbeFunction], Probe]:
    """Declare a probe: `@probe`, `@probe("words for the report")`, `@probe("…", timeout=120)`.

    Without words the function's name is used. `timeout` is in seconds, for all attempts together.

    Raises:
        TypeError: the function is async, a generator, or does not take exactly one argument.
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
        code = inspect.unwrap(function).__code__
        words = name or function.__name__.strip("_").replace("_", " ")
        made = Probe(words, function, timeout, Path(code.co_filename), code.co_firstlineno)
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
    path = directory / "probes.py"
    if not path.is_file():
        return []
    module = types.ModuleType(f"_harness_probes_{hashlib.sha256(bytes(path)).hexdigest()[:16]}")
    module.__file__ = str(path)
    with _loading, _importable(directory):
        _found.clear()
        sys.modules[module.__name__] = module  # dataclasses and typing look their own module up
        try:
            # optimize=0: under `python -O` every assert would vanish and every probe pass.
            exec(compile(path.read_bytes(), str(path), "exec", optimize=0, dont_inherit=True), module.__dict__)  # noqa: S102 - the user's own file
        except BaseException as error:
            del sys.modules[module.__name__]
            if isinstance(error, KeyboardInterrupt):
                raise
            raise _refused(path, error) from error
        probes = list(_found)
    if not probes:
        raise ProgramError(f"{path}:1: declares no probe", hint=f"{_HINT}; or remove the file")
    for index, each in enumerate(probes):
        if any(each.name == other.name for other in probes[:index]):
            raise ProgramError(
                f"{each.file}:{each.line}: there is a probe {each.name!r} already", hint="give every probe its own name"
            )
    return probes


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
    frame = _own_frame(traceback.extract_tb(error.__traceback__), path.parent)
    text = f"{path if frame is None else frame.filename}:{1 if frame is None or not frame.lineno else frame.lineno}"
    hint = _HINT
    if isinstance(error, ModuleNotFoundError):
        hint = "probes run in the harness's own environment: boto3 and the standard library are there"
    return ProgramError(f"{text}: {type(error).__name__}: {error}", hint=hint)


def _own_frame(stack: traceback.StackSummary, directory: Path) -> traceback.FrameSummary | None:
    """The deepest frame in the program's own files: a library's line says nothing to its author."""
    return next((frame for frame in reversed(stack) if Path(frame.filename).is_relative_to(directory)), None)


def run_probe(
    which: Probe,
    context: ProbeContext,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    grace: float = GRACE_SECONDS,
    stop: threading.Event | None = None,
) -> ProbeResult:
    """Run it until it passes, breaks, or its time is over; never raises for what the probe does.

    An attempt that does not come back is left behind in its daemon thread `grace` real seconds after the deadline.
    `clock` and `sleep` are in seconds; once `stop` is set no further attempt is made.
    """
    began = clock()
    deadline = began + which.timeout
    tried: list[str] = []  # an entry per attempt: what it said, or nothing yet
    ended: list[tuple[ProbeStatus, str]] = []
    growing = tenacity.wait_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE)
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_RETRIED),
        stop=lambda _: clock() >= deadline or (stop is not None and stop.is_set()),
        wait=lambda state: max(0.0, min(growing(state), deadline - clock())),
        sleep=sleep,
        reraise=True,
    )

    def attempt() -> str:
        tried.append("")
        try:
            return _told(which(context))
        except _RETRIED as error:
            tried[-1] = _explained(error, which.file.parent)
            raise

    def work() -> None:
        try:
            ended.append((ProbeStatus.PASSED, retrying(attempt)))
        except _RETRIED:
            ended.append((ProbeStatus.FAILED, tried[-1]))
        except BaseException as error:  # noqa: BLE001 - whatever a probe throws, even SystemExit, is its result
            ended.append((ProbeStatus.ERRORED, _explained(error, which.file.parent)))

    worker = threading.Thread(target=work, name=f"probe {which.name}", daemon=True)
    worker.start()
    worker.join(which.timeout + grace)
    status, detail = ended[0] if ended else (ProbeStatus.FAILED, _abandoned(which, worker, tried, grace))
    return ProbeResult(which.name, status, len(tried), clock() - began, detail)


def run_probes(
    probes: Sequence[Probe],
    context: ProbeContext,
    parallel: int = PARALLEL,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[ProbeResult]:
    """Run all, at most `parallel` at once; results in the order of `probes`. An exception here (a signal) ends them."""
    stop = threading.Event()
    pool = ThreadPoolExecutor(parallel, thread_name_prefix="probes")
    try:
        return list(pool.map(lambda each: run_probe(each, context, clock=clock, sleep=sleep, stop=stop), probes))
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _told(evidence: object) -> str:
    """Evidence as text. `return False` must not pass for a probe that meant to fail."""
    if evidence is None or isinstance(evidence, str):
        return evidence or ""
    if isinstance(evidence, Mapping):
        texts = {
            key: value if isinstance(value, str) else json.dumps(value, default=str) for key, value in evidence.items()
        }
        return "; ".join(f"{key}: {text}" for key, text in texts.items())
    raise TypeError(
        f"returned {evidence!r}: a probe returns None, text or a mapping, and says no by assert or ProbeFailure"
    )


def _explained(error: BaseException, directory: Path) -> str:
    """What went wrong and where in the program's own files. No values of variables: they may be secret."""
    frame = _own_frame(traceback.extract_tb(error.__traceback__), directory)
    where = _short(frame)
    if isinstance(error, ProbeFailure):
        return "; ".join(filter(None, (error.message, _told(error.evidence)))) + f" ({where})"
    if isinstance(error, AssertionError):
        return ": ".join(filter(None, (where, _assertion(frame), str(error))))
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return f"{type(error).__name__}: {text} ({where})"


def _short(frame: traceback.FrameSummary | None) -> str:
    return "outside the program" if frame is None else f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}"


def _assertion(frame: traceback.FrameSummary | None) -> str:
    """Source text of the assert at this frame, on one line; the frame knows only the line where it was evaluated."""
    if frame is None or frame.lineno is None:
        return ""
    source = "".join(linecache.getlines(frame.filename))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert) and node.lineno <= frame.lineno <= (node.end_lineno or node.lineno):
            return "assert " + " ".join((ast.get_source_segment(source, node.test) or "").split())
    return frame.line or ""


def _abandoned(which: Probe, worker: threading.Thread, tried: list[str], grace: float) -> str:
    stack = sys._current_frames().get(worker.ident or 0)  # noqa: SLF001 - the documented way to ask where a thread is
    frame = None if stack is None else _own_frame(traceback.extract_stack(stack), which.file.parent)
    text = f"gave up {which.timeout:g} + {grace:g} s after the start: attempt {len(tried)} has not come back"
    before = f"; the one before said: {tried[-2]}" if len(tried) > 1 else ""
    return f"{text}, it is at {_short(frame)}{before}"
