"""A program's path in; a Python in which its SDK is imported already, and a fork of it per run, out.

Runs in the *program's* interpreter, beside `program_runner.py` and under the same rules: standard library (3.9 and
later) only. Importing the SDK costs a program one to two seconds, in each of preview, up and recheck; here it is paid
once, while other things start.

Usage: `python -u warm_runner.py SOCKET_FD PROGRAM KEEP_BYTECODE_UNDER [MODULE...]`. Over the socket come lines of JSON,
each with the file descriptors of stdin, stdout, stderr and (for a program) verdict: {argv, module, cwd, environ}. Each
is answered by {"pid": N}, and later by {"ended": N, "code": C}; {"ready": VERSION} says that the imports are done. An
empty request asks it to end with the last of its forks; the end of the socket ends everything at once.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
import json
import os
import platform
import runpy
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_SDK = "pulumi"  # only the SDK's own packages are imported ahead: they do nothing but define things
_SOURCES = 200  # files of a program that are looked at
_NOT_SOURCES = {"node_modules", "venv", "site-packages", "__pycache__", "tests"}
_FDS = 4
_LINE = 1 << 20


def main() -> None:
    """Import ahead, then fork on request until the socket ends."""
    runner: Any = importlib.import_module("program_runner")  # beside this file
    fd, program, keep = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    del sys.path[0]  # this file's own folder must not shadow the program's modules
    runner.die_with(os.getppid())
    runner.spare_bytecode(keep)
    channel = socket.socket(fileno=fd)
    channel.set_inheritable(False)
    _import_ahead(program, sys.argv[4:])
    gc.freeze()  # pages that the collector does not touch stay shared with the forks
    _Server(channel).serve()


def _import_ahead(program: Path, modules: list[str]) -> None:
    sys.path.insert(0, str(program.parent))
    wanted = [_SDK, *modules, *sorted(_wanted(program.parent))]
    for name in wanted:
        # What cannot be imported is told by the program's own import, with its own words.
        with contextlib.suppress(Exception):
            getattr(
                importlib.import_module(name), "__all__", ()
            )  # SDK packages load their modules only when one looks into them
    sys.path.remove(str(program.parent))


def _wanted(folder: Path) -> set[str]:
    """Modules of SDK packages that the sources name: `import pulumi_aws as aws` and `aws.s3` mean `pulumi_aws.s3`."""
    found: set[str] = set()
    for source in _sources(folder):
        try:
            tree = ast.parse(source.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue
        names: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names.update({alias.asname or alias.name: alias.name for alias in node.names if _is_sdk(alias.name)})
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level and _is_sdk(node.module):
                found.add(node.module)
                names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        found.update(name for name in names.values() if "." not in name)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
                found.add(f"{names[node.value.id]}.{node.attr}")
    return {name for name in found if _is_module(name)}


def _is_sdk(name: str) -> bool:
    top = name.partition(".")[0]
    return top == _SDK or top.startswith(_SDK + "_")


def _is_module(name: str) -> bool:
    """Whether there is such a module (an attribute may be a class as well). Imports its package only."""
    package, _, last = name.rpartition(".")
    if not package:
        return True
    try:
        paths = importlib.import_module(package).__path__
    except Exception:  # noqa: BLE001 - the program's own import tells it
        return False
    return any(Path(path, last).is_dir() or Path(path, f"{last}.py").is_file() for path in paths)


def _sources(folder: Path) -> Iterator[Path]:
    left = _SOURCES
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _NOT_SOURCES]
        for name in files:
            if name.endswith(".py") and left > 0:
                left -= 1
                yield Path(root, name)


class _Server:
    """Forks on request; single-threaded, because only such a process may be forked safely."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._running: set[int] = set()
        self._retired = False
        self._wake, wake_end = os.pipe()
        os.set_blocking(wake_end, False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Until the other side is gone."""
        selector = selectors.DefaultSelector()
        selector.register(self._channel, selectors.EVENT_READ)
        selector.register(self._wake, selectors.EVENT_READ)
        self._say({"ready": platform.python_version()})
        while self._running or not self._retired:
            ready = {key.fd for key, _ in selector.select()}
            if self._wake in ready:
                os.read(self._wake, 4096)
                self._reap()
            if self._channel.fileno() in ready and not self._take():
                break
        for pid in self._running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)

    def _take(self) -> bool:
        data, fds, _, _ = socket.recv_fds(self._channel, _LINE, _FDS)
        if not data:
            return False
        while not data.endswith(b"\n"):
            more = self._channel.recv(_LINE)
            if not more:
                return False
            data += more
        for line in data.splitlines():
            request = json.loads(line)
            if request:
                self._fork(request, fds)
            else:
                self._retired = True
        return True

    def _fork(self, request: dict[str, Any], fds: list[int]) -> None:
        pid = os.fork()
        if pid == 0:
            self._become(request, fds)
        with contextlib.suppress(OSError):  # it did so itself already, or has ended
            os.setpgid(pid, pid)
        for fd in fds:
            os.close(fd)
        self._running.add(pid)
        self._say({"pid": pid})

    def _reap(self) -> None:
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._running.discard(pid)
            self._say({"ended": pid, "code": os.waitstatus_to_exitcode(status)})

    def _say(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # then the end of the socket is what comes next
            self._channel.sendall(json.dumps(message).encode() + b"\n")

    def _become(self, request: dict[str, Any], fds: list[int]) -> None:
        """In the fork: take on what the request says and run; does not return."""
        code = 70  # sysexits' EX_SOFTWARE; only if what follows raises past its own handling
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setpgid(0, 0)
            parent = os.getppid()
            for target, fd in enumerate(fds[:3]):
                os.dup2(fd, target)
                os.close(fd)
            self._channel.close()
            os.close(self._wake)
            os.chdir(request["cwd"])
            os.environ.clear()
            os.environ.update(request["environ"])
            code = self._run(request, fds[3:], parent)
        except BaseException:  # noqa: BLE001 - told on its stderr, as an interpreter of its own would
            sys.excepthook(*sys.exc_info())
            code = 1
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _run(self, request: dict[str, Any], verdict: list[int], parent: int) -> int:
        runner: Any = importlib.import_module("program_runner")
        runner.die_with(parent)  # a fork does not inherit the death signal
        if request["module"] is None:
            runner.run_once(verdict[0])
            return 0
        sys.path.insert(0, request["cwd"])  # as `python -m` has it
        sys.argv = ["", *request["argv"]]
        try:
            runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        except SystemExit as end:
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        return 0


if __name__ == "__main__":
    main()
