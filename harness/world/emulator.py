"""In: the home and a log file. Out: a running AWS emulator on a loopback port, which ends with its owner.

The emulator is ministack, as an ASGI application in a process and environment of its own (`emulator_server.py`,
`emulator_env.py`); what it lacks is served beside it (`emulator_beside.py`). An access key of 12 digits is the account
of its request; accounts see nothing of each other.

What it would do on its own, and why it does not do it here:

- Containers (functions, RDS, ECS, ElastiCache, EKS, OpenSearch ...) are started only where Docker's Python SDK is
  installed, which `emulator.lock` leaves out; DOCKER_HOST names a socket that is not there besides. Resources answer as
  available without one.
- With `cryptography` installed it listens for MQTT on 0.0.0.0:8883 (IOT_MTLS_ENABLED), for SFTP on 0.0.0.0 (SFTP_*);
  both are off. The former is also two thirds of its start-up time.
- It runs scripts found in /docker-entrypoint-initaws.d and /etc/localstack/init; the server looks for none.
- SNS and EventBridge deliver to HTTP endpoints, Cognito sends mail and asks identity providers, API Gateway and AppSync
  proxy, and code of functions runs as child processes. In its own process an audit hook refuses every address that is
  not loopback. Child processes (Lambda code, Node) are *not* under that hook.
- State, S3 objects and temporary files would lie in shared folders under /tmp; they get a work folder of their own.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import weakref
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Self

import psutil

from harness.errors import EmulatorError
from harness.hosts import loopback
from harness.world.emulator_env import emulator_python
from harness.world.orphans import held_folder
from harness.world.target import GUARD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.world.home import Home

READY_SECONDS: Final = 60.0
"""Measured: 0.2 s on two cores, files cached. The rest is room for a cold disk and a machine that does other things."""
_GRACE_SECONDS: Final = 5.0
_HEALTH_PATH: Final = "/_ministack/health"
_TAIL_LINES: Final = 15
_KEPT_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_BACKLOG: Final = 1024


class Emulator:
    """A running emulator; a context manager that ends it.

    Attributes:
        url: `http://127.0.0.1:PORT`. Requests made before it is ready wait in the socket's queue.
        pid: of the emulator's process, the leader of a session of its own: signals of the terminal do not reach it.
        log_path: what it printed.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, lifeline: int, work: Path, log_path: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.pid = process.pid
        self.log_path = log_path
        self._process = process
        self._port = port
        self._lifeline: int | None = lifeline
        self._work = work
        self._owner = os.getpid()
        _LIVE.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process.poll() is None

    @property
    def lifeline(self) -> int:
        """The descriptor that keeps it up: with a process that inherits it (`pass_fds`) it outlives its owner.

        Raises:
            EmulatorError: it was closed or disowned.
        """
        if self._lifeline is None:
            raise EmulatorError("the emulator was let go already", hint="this is a fault of the harness")
        return self._lifeline

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return once it answers.

        Raises:
            EmulatorError: it ended, or did not answer within `seconds`; the message has its log's tail.
        """
        # One request is enough: the socket listens already, so the answer comes when the emulator is there to give it.
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=seconds)
        try:
            connection.request("GET", _HEALTH_PATH)
            status = connection.getresponse().status
        except TimeoutError as error:
            raise self._failed(f"the emulator did not answer within {seconds:.0f} s") from error
        except (OSError, http.client.HTTPException) as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
            raise self._failed("the emulator ended while it started") from error
        finally:
            connection.close()
        if status != http.HTTPStatus.OK:
            raise self._failed(f"the emulator is not well (HTTP {status})")

    def close(self) -> None:
        """End it and what it started, and remove its work folder. Takes at most some seconds; twice is once.

        After `disown`, and in a forked copy of the owner, it ends nothing.
        """
        if self._lifeline is None:
            return
        if os.getpid() != self._owner:
            self.disown()
            return
        try:
            self._end()
        finally:
            # Even if ending it was interrupted: without its lifeline it ends by itself.
            self.disown()
            shutil.rmtree(self._work, ignore_errors=True)

    def disown(self) -> None:
        """Let go of the lifeline: it ends when no other process holds that any more; `close` does nothing then."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    def _end(self) -> None:
        started = _descendants(self.pid) if self.running else []
        self._process.terminate()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for child in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()

    def _failed(self, message: str) -> EmulatorError:
        tail = "\n".join(self.log_path.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
        hint = f"its log is {self.log_path}; or use --target URL with an emulator that already runs"
        return EmulatorError(f"{message}:\n{tail}" if tail else message, hint=hint)


_LIVE: weakref.WeakSet[Emulator] = weakref.WeakSet()


def _let_go_in_fork() -> None:
    # A forked child that kept the pipe's write end would keep the emulator alive after its owner's death.
    for emulator in list(_LIVE):
        emulator.disown()


os.register_at_fork(after_in_child=_let_go_in_fork)


def start_emulator(
    home: Home,
    log_path: Path,
    tell: Callable[[str], None],
    *,
    environ: Mapping[str, str] = os.environ,
    wait: bool = True,
) -> Emulator:
    """Start the emulator, which is installed first when it is not there.

    Args:
        home: below it lie the emulator's environment and its work folder.
        log_path: what it prints is appended here; the folder must exist.
        tell: hears when it must be installed.
        environ: of it only the path, locale and library settings reach the emulator, never a credential.
        wait: return when it answers. With False call `wait_ready` later, and start other things meanwhile.

    Raises:
        EmulatorError: it could not be installed or started; no process and no folder is left.
    """
    python = emulator_python(home, tell, environ=environ)
    try:
        emulator = _spawn(python, home.emulator / "work", log_path, environ)
    except OSError as error:
        hint = "see that the home is writable and has room, and that this machine has a loopback interface"
        raise EmulatorError(f"the emulator could not be started: {error}", hint=hint) from error
    try:
        if wait:
            emulator.wait_ready()
    except BaseException:
        emulator.close()
        raise
    return emulator


def _spawn(python: Path, work_root: Path, log_path: Path, environ: Mapping[str, str]) -> Emulator:
    server = str(files("harness.world").joinpath("emulator_server.py"))
    with (
        log_path.open("ab") as log,
        # Bound here and handed over: no other process can take the port in between.
        socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listening,
        held_folder(work_root) as (work, holder),
    ):
        port: int = listening.getsockname()[1]
        reading, lifeline = os.pipe()
        arguments = [str(listening.fileno()), str(reading), str(_GRACE_SECONDS)]
        try:
            (work / "tmp").mkdir()
            process = subprocess.Popen(
                [str(python), "-I", server, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=work,
                env=_environment(environ, work, port),
                pass_fds=(listening.fileno(), reading, holder),
                start_new_session=True,
            )
        except BaseException:
            os.close(lifeline)
            shutil.rmtree(work, ignore_errors=True)
            raise
        finally:
            os.close(reading)
    return Emulator(process, port, lifeline, work, log_path)


def _environment(environ: Mapping[str, str], work: Path, port: int) -> dict[str, str]:
    kept = {name: environ[name] for name in _KEPT_VARIABLES if name in environ}
    return {
        **kept,
        "HOME": str(work),
        "TMPDIR": str(work / "tmp"),
        "HARNESS_EMULATOR_WORK": str(work),
        "STATE_DIR": str(work / "state"),
        "S3_DATA_DIR": str(work / "s3"),
        "PERSIST_STATE": "0",
        "GATEWAY_PORT": str(port),  # in the URLs of queues, functions and APIs that it gives out
        "LOG_LEVEL": "WARNING",
        "DOCKER_HOST": f"unix://{work}/no-docker.sock",
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "SFTP_HOST": "127.0.0.1",
        "COGNITO_EMAIL_ENABLED": "false",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
        # Code of functions runs in Pythons of its own, and calls out as little as the emulator itself.
        loopback.VARIABLE: "emulator",
        "PYTHONPATH": GUARD,
    }


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
