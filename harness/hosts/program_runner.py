"""One JSON request on stdin in, a Pulumi program run to its end, one JSON verdict on a pipe out.

Runs in the *program's* interpreter, where neither the harness nor a new Python need be: standard library (3.9 and
later) and the `pulumi` SDK that is found there, nothing else. Usage: `python -u program_runner.py PARENT
VERDICT_FD`.

Request: {program, root, project, stack, organization, monitor, engine, parallel, preview, config, secret_keys,
keep_bytecode_under, drop_debug}. Verdict: {"kind": "done"}, {"kind": "quiet"} (the engine is going away and needs no
message), or {"kind": "error", "message": text for the user}. No verdict: the program ended the process itself.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib.util
import json
import logging
import os
import sys
import sysconfig
import threading
import time
import traceback
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_SIGKILL = 9
_THREADS_PER_RESOURCE = 4  # each registration may wait for a few calls of its own


class _EndedByProgramError(Exception):
    """`sys.exit` in the program's own code, kept out of asyncio, which lets SystemExit tear the loop down."""

    def __init__(self, code: Any) -> None:
        super().__init__(code)
        how = f"with code {code} before it was done" if isinstance(code, int) else f"before it was done: {code}"
        self.told = f"the program exited {how}"


def main() -> None:
    """Read the request, run, write the verdict, and leave without waiting for the program's threads."""
    parent, verdict_fd = map(int, sys.argv[1:])
    die_with(parent)
    leave_out_own_folder()
    run_once(verdict_fd)


def leave_out_own_folder() -> None:
    """Keep this file's own folder from shadowing the program's modules. With PYTHONSAFEPATH it is not there."""
    if sys.path and Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
        del sys.path[0]


def run_once(verdict_fd: int) -> None:
    """The same in a process that is prepared already; does not return."""
    os.set_inheritable(verdict_fd, False)
    stay_if_told()
    request = json.load(sys.stdin)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    spare_bytecode(request["keep_bytecode_under"])
    verdict = _run(request)
    sys.stdout.flush()
    sys.stderr.flush()
    with open(verdict_fd, "w", encoding="utf-8") as pipe:
        json.dump(verdict, pipe)
    os._exit(0)  # a thread of the program that never ends must not hold up the engine


def die_with(parent: int) -> None:
    """End when the language host does, however it does.

    `parent` is its process id, told by itself: `getppid` names another process when it has died already.
    """
    if os.uname().sysname == "Linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def stay_if_told() -> None:
    """Keep this process on this machine when its environment says so. The module is kept from the program's eyes."""
    spec = importlib.util.spec_from_file_location("_harness_loopback", Path(__file__).with_name("loopback.py"))
    if spec is None or spec.loader is None:
        raise ImportError("loopback.py is not beside program_runner.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.stay_if_told()


def spare_bytecode(keep_under: str | None) -> None:
    """Write no `__pycache__`, here or in child processes, but warm the harness's own installation if that is ours."""
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    if keep_under is None or os.path.realpath(keep_under) != os.path.realpath(sys.prefix):
        sys.dont_write_bytecode = True
        return
    from importlib.machinery import SourceFileLoader

    libraries = tuple({sysconfig.get_path(name) + os.sep for name in ("purelib", "platlib")})
    write = SourceFileLoader.set_data

    def write_in_libraries(self: Any, path: str, data: Any, **options: Any) -> None:
        if path.startswith(libraries):
            write(self, path, data, **options)

    SourceFileLoader.set_data = write_in_libraries  # type: ignore[method-assign] # the loader's documented write hook


def _run(request: dict[str, Any]) -> dict[str, str]:
    program = Path(request["program"])
    try:
        # Before the SDK is imported, so that a typing mistake is told at once.
        code = compile(program.read_bytes(), str(program), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return _failed(_told(error))
    except OSError as error:
        return _failed(f"the program {program} cannot be read: {error.strerror or error}")
    try:
        import pulumi
    except ModuleNotFoundError as error:
        if error.name != "pulumi":
            raise
        return _failed(
            f"the interpreter {sys.executable} has no Pulumi SDK (no module named 'pulumi'); install it with "
            f"`{sys.executable} -m pip install pulumi`, or name the program's own environment as "
            "`runtime.options.virtualenv` in Pulumi.yaml"
        )
    sys.path.insert(0, str(program.parent))
    sys.argv = [str(program)]
    _configure(request)
    return _judge(_deploy(pulumi, code, program, request))


def _say_nothing(*_message: Any, **_where: Any) -> None:
    """In place of the SDK's debug messages."""


def _configure(request: dict[str, Any]) -> None:
    from pulumi import log, runtime

    if request["drop_debug"]:
        # Some eight calls to the engine for each resource, one waiting for the other, with words that nobody would see.
        log.debug = _say_nothing
    settings: dict[str, Any] = {
        "project": request["project"],
        "stack": request["stack"],
        "monitor": request["monitor"],
        "engine": request["engine"],
        "parallel": request["parallel"],
        "dry_run": request["preview"],
        "organization": request["organization"],
    }
    try:
        chosen = runtime.Settings(**settings, root_directory=request["root"])
    except TypeError:  # an SDK from before root_directory
        chosen = runtime.Settings(**settings)
    runtime.configure(chosen)
    runtime.set_all_config(request["config"], request["secret_keys"])


def _deploy(pulumi: Any, code: Any, program: Path, request: dict[str, Any]) -> BaseException | None:
    """Run the program and wait for all that it registered. Returns what stopped it, if anything did."""
    main_module = types.ModuleType("__main__")
    main_module.__file__ = str(program)
    sys.modules["__main__"] = main_module

    def body() -> None:
        try:
            exec(code, main_module.__dict__)  # noqa: S102 - running the user's program is what this file is for
        except SystemExit as end:
            if end.code not in (None, 0):
                raise _EndedByProgramError(end.code) from None

    # The SDK leaves failed tasks behind whose error it has told already.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    threads = max(int(request["parallel"]), 1) * _THREADS_PER_RESOURCE
    loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(max_workers=threads))
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(body))
    except BaseException as error:  # noqa: BLE001 - each kind becomes a verdict
        return error
    return None


def _judge(error: BaseException | None) -> dict[str, str]:
    import grpc
    from pulumi import RunError

    if error is None:
        return {"kind": "done"}
    gone = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    if isinstance(error, SystemExit) and _is_users(traceback.extract_tb(error.__traceback__)[-1].filename):
        error = _EndedByProgramError(error.code)  # `sys.exit` in a callback of the program
    # SystemExit that is not the program's: the SDK's own way out when the engine's end of the line is gone.
    if isinstance(error, SystemExit) or (isinstance(error, grpc.RpcError) and error.code() in gone):
        return {"kind": "quiet"}
    if isinstance(error, grpc.RpcError):
        message = f"the engine refused a call of the program: {error.details()}"
    elif isinstance(error, RunError):
        message = str(error)
    elif isinstance(error, _EndedByProgramError):
        message = error.told
    else:
        message = _told(error)
    return _failed(message)


def _failed(message: str) -> dict[str, str]:
    return {"kind": "error", "message": message}


def _told(error: BaseException) -> str:
    """Write the traceback, shortened to the user's own files; whole when none of its frames is theirs."""
    told = traceback.TracebackException.from_exception(error)
    for part in _parts(told, set()):
        kept = [frame for frame in part.stack if _is_users(frame.filename)]
        part.stack = traceback.StackSummary.from_list(kept or [f for f in part.stack if f.filename != __file__])
    return "the program failed with an unhandled exception:\n" + "".join(told.format()).rstrip()


def _is_users(filename: str) -> bool:
    """Whether a frame's file is neither a library's, nor Python's own, nor this one."""
    if filename.startswith("<") or filename == __file__:
        return False
    standard = tuple(sysconfig.get_path(key) + os.sep for key in ("stdlib", "platstdlib"))
    return not filename.startswith(standard) and not {"site-packages", "dist-packages"} & set(Path(filename).parts)


def _parts(told: traceback.TracebackException, seen: set[int]) -> Iterator[traceback.TracebackException]:
    """The exception, its causes and contexts, and the members of a group."""
    if id(told) in seen:
        return
    seen.add(id(told))
    yield told
    for other in (told.__cause__, told.__context__, *(getattr(told, "exceptions", None) or ())):
        if other is not None:
            yield from _parts(other, seen)


if __name__ == "__main__":
    main()
