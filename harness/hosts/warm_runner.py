"""A program's path in; a Python in which its SDK is imported already, and a fork of it per run, out.

Runs in the *program's* interpreter, beside `program_runner.py` and under the same rules: standard library (3.9 and
later) only. Importing the SDK costs a program one to two seconds, in each of preview, up and recheck; here it is paid
once, while other things start.

Usage: `python -u warm_runner.py SOCKET_FD PROGRAM KEEP_BYTECODE_UNDER PARENT`. Over the socket come lines of JSON, each
with the file descriptors of stdin, stdout, stderr and (for a program) verdict: {argv, module, cwd, beside, environ}.
Each is answered by {"refused": WHY}, or by {"pid": N} and later by {"ended": N, "code": C}; {"ready": VERSION} says
that the imports are done. An empty request asks it to end with the last of its forks; the end of the socket ends
everything at once. A program must see what it saw in a Python of its own: where that cannot be, a run is refused, or we
end.
"""

from __future__ import annotations

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
from typing import Any, NoReturn

_FDS = 4
_LINE = 1 << 20


def main() -> None:
    """Import ahead, then fork on request until the socket ends."""
    sys.path.insert(0, str(Path(__file__).parent))  # with PYTHONSAFEPATH it is not there
    runner, ahead = (importlib.import_module(name) for name in ("program_runner", "import_ahead"))
    del sys.path[0]
    for module in (runner, ahead):
        del sys.modules[module.__name__]  # the program may have modules of these names
    fd, program, keep, parent = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    runner.leave_out_own_folder()
    if sys.platform == "linux":  # elsewhere it takes a thread; the end of the socket serves as well
        runner.die_with(parent)
    runner.spare_bytecode(keep)
    channel = socket.socket(fileno=fd)
    channel.set_inheritable(False)
    ahead.import_ahead(program.parent)
    if (why := ahead.unfit()) is not None:
        print(f"each run of the program starts a Python of its own: {why}", file=sys.stderr)
        return
    gc.freeze()  # pages that the collector does not touch stay shared with the forks
    _Server(channel, runner, ahead).serve()


class _Server:
    """Forks on request; single-threaded, because only such a process may be forked safely."""

    def __init__(self, channel: socket.socket, runner: Any, ahead: Any) -> None:
        self._channel = channel
        self._runner = runner
        self._ahead = ahead
        # In the locale C, Python puts a better LC_CTYPE into the environment while it starts.
        self._coerced = os.environ.get("LC_CTYPE")
        self._running: set[int] = set()
        self._retired = False
        self._wake, self._wake_end = os.pipe()
        os.set_blocking(self._wake_end, False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wake_end, warn_on_full_buffer=False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._channel, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until the other side is gone."""
        self._say({"ready": platform.python_version()})
        while self._running or not self._retired:
            ready = {key.fd for key, _ in self._selector.select()}
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
        ours = os.getpid()
        pid, refused = -1, self._ahead.shadowed(request["beside"])
        if refused is None:
            try:
                pid = os.fork()
            except OSError as error:  # no process or memory to be had; those that run go on
                refused = f"it cannot be forked: {error.strerror or error}"
        if pid == 0:
            self._become(request, fds, ours)
        for fd in fds:
            os.close(fd)
        if refused is not None:
            self._say({"refused": refused})
            return
        with contextlib.suppress(OSError):  # it did so itself already, or has ended
            os.setpgid(pid, pid)
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

    def _become(self, request: dict[str, Any], fds: list[int], parent: int) -> NoReturn:
        """In the fork: take on what the request says and run."""
        code = 70  # sysexits' EX_SOFTWARE; only if what follows raises past its own handling
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setpgid(0, 0)
            for target, fd in enumerate(fds[:3]):
                os.dup2(fd, target)
                os.close(fd)
            self._selector.close()
            self._channel.close()
            os.close(self._wake)
            os.close(self._wake_end)
            os.chdir(request["cwd"])
            os.environ.clear()
            os.environ.update(request["environ"])
            if "tempfile" in sys.modules:  # it remembers the folder of whoever asked first
                vars(sys.modules["tempfile"])["tempdir"] = None
            if self._coerced and not any(os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG")):
                os.environ["LC_CTYPE"] = self._coerced
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
        self._runner.die_with(parent)  # a fork does not inherit the death signal
        self._runner.stay_if_told()  # the environment came with the request
        if not request["module"]:
            self._runner.run_once(verdict[0])
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
