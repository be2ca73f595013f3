"""Ambient settings in, a running provider process out: started, put where the engine finds it, asked, and ended."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import harness.providers.launcher
from harness.errors import WorldError
from harness.providers import control
from harness.providers.contract import Found, Presence, Search
from harness.providers.process import GRACE, Settings
from harness.world.forks import keep_from_forks, starting
from harness.world.language import CELL_VARIABLE
from harness.world.recorded import record_process

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from harness.providers.ambient import Ambient

BUNDLED: Final = ("aws", "random")
PID_FILE: Final = "provider.pid"

_SOCKET_PATH_LIMIT: Final = 100  # bytes; sun_path holds 104 on macOS and 108 on Linux, with the closing zero
START_TIMEOUT: Final = 30.0  # seconds until the first answer, on a machine that is busy
_LAST_LINES: Final = 5
ALLOCATOR: Final = {"MALLOC_ARENA_MAX": "2"}
"""What glibc is told: with an arena a thread, its many threads cost a provider process a fifth of its memory."""


@dataclass(frozen=True)
class Asked:
    """One resource whose presence at the target is asked for."""

    type: str
    id: str
    outputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Remnant:
    """Something that AWS keeps of a resource outside any state, and what became of it."""

    type: str
    id: str
    why: str
    lasting: bool = False  # no leak: it costs nothing, and goes or stays by AWS's will alone
    error: str = ""  # why it could not be removed
    gone: bool = False


class ProviderProcess:
    """The provider process of one cell. A context manager; `start` returns before the process is ready."""

    def __init__(self, process: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
        self._process = process
        self.socket = socket
        self.log = log

    @classmethod
    def start(
        cls,
        ambient: Ambient,
        directory: Path,
        packages: Sequence[str] = BUNDLED,
        *,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start the process; `directory` gets its journal (`journal.jsonl`) and its log (`provider.log`).

        Secrets go through the process's stdin. `environment` is the whole environment of the process; by default it is
        ours, and with an endpoint ours without anything that could lead botocore away from that endpoint.

        Raises:
            WorldError: it cannot be started.
        """
        log = directory / "provider.log"
        try:
            socket_directory = _socket_directory(directory)
            socket = socket_directory / "s"
            with control.listen(socket) as listener, log.open("ab") as output, starting():
                settings = Settings(
                    ambient=ambient,
                    packages=tuple(packages),
                    journal=str(directory / "journal.jsonl"),
                    listener=listener.fileno(),
                    socket=str(socket),
                )
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "harness.providers.process"],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    cwd=directory,
                    env={**ALLOCATOR, **_environment(ambient, environment, directory)},
                    pass_fds=(listener.fileno(),),
                    start_new_session=True,  # the terminal's Ctrl-C is for the lifecycle, which asks us to stop
                )
                assert process.stdin is not None  # noqa: S101 - Popen was given a pipe
                keep_from_forks(process.stdin)  # its end is the provider's
                _tell(process, settings)
                record_process(directory / PID_FILE, process.pid)
        except OSError as error:
            raise WorldError(
                f"the provider process cannot be started in {directory}: {error}",
                hint="make the directory writable, and free space and processes",
            ) from error
        return cls(process, socket, log)

    def answers(self, seconds: float) -> bool:
        """Whether it gives a sign of life within `seconds`; one that has ended counts as one that does: it is known."""
        try:
            control.ask(self.socket, {"ping": {}}, seconds)
        except TimeoutError:
            return False
        except (OSError, control.RefusedError):
            return True
        return True

    def kill(self) -> None:
        """End it at once: whoever waits for it gets an error."""
        self._process.kill()

    def plugin_home(self, home: Path, versions: Mapping[str, Iterable[str]] | None = None) -> None:
        """Write launchers into a PULUMI_HOME, so that the engine finds our packages as installed plugins.

        The engine takes a plugin only in the very version that the program's SDK names: `versions` maps a package to
        those; by default it is the version of the SDK that is installed beside the harness.
        """
        wanted = versions or {name: (sdk_version(name),) for name in BUNDLED}
        for package, numbers in wanted.items():
            for number in numbers:
                folder = home / "plugins" / f"resource-{package}-v{number}"
                folder.mkdir(parents=True, exist_ok=True)
                launcher = folder / f"pulumi-resource-{package}"
                command = [
                    sys.executable,
                    *("-I", "-S", harness.providers.launcher.__file__),
                    *(str(self.socket), package),
                ]
                # A shell in between, because the path of an interpreter may be too long, or hold a space, for `#!`.
                launcher.write_text(f"#!/bin/sh\nexec {shlex.join(command)}\n")
                launcher.chmod(0o755)

    def presence(self, region: str, items: Sequence[Asked], *, timeout: float = 120) -> list[tuple[Presence, str]]:
        """Ask the target for each item; the answers have the same order. An empty region is the default one.

        Raises:
            WorldError: the process does not answer within `timeout` seconds, or has ended.
        """
        answer = self._ask({"presence": {"region": region, "items": [_item(item) for item in items]}}, timeout)
        return [(Presence(one["presence"]), one["detail"]) for one in answer["answers"]]

    def find(
        self,
        region: str,
        types: Iterable[str],
        tags: Mapping[str, str | None],
        *,
        account: str | None = None,
        timeout: float = 120,
    ) -> list[Found]:
        """List everything of these types at the target that carries all these tags; None is any value.

        `account` is another one than the process's own, on an emulator.

        Raises:
            WorldError: as for `presence`, and when the target refuses the search.
        """
        seen = self.search(region, types, tags, account=account, timeout=timeout)
        if missing := [*seen.failed.values(), *seen.unseen.values()]:
            raise WorldError(f"the provider process could not find: {missing[0]}", hint=self._hint)
        return list(seen.found)

    def search(
        self,
        region: str,
        types: Iterable[str],
        tags: Mapping[str, str | None],
        *,
        account: str | None = None,
        thorough: Iterable[str] = (),
        timeout: float = 120,
    ) -> Search:
        """The same; a type that cannot be listed, or a thing that refuses, costs the others nothing.

        Of types that are not `thorough` AWS's own index of tags is asked, which may not know the newest things.

        Raises:
            WorldError: as for `presence`.
        """
        wanted = {"region": region, "types": list(types), "tags": dict(tags), "account": account or ""}
        answer = self._ask({"find": {**wanted, "thorough": list(thorough)}}, timeout)
        return Search([Found(**one) for one in answer["found"]], answer["searched"], answer["failed"], answer["unseen"])

    def delete(self, region: str, item: Asked, *, timeout: float = 600) -> tuple[str, ...]:
        """Remove one thing of ours at the target and wait until it is gone, whatever its properties say of keeping it.

        Says in words what had to be lifted first.

        Raises:
            WorldError: as for `presence`, and when the target refuses.
        """
        answer = self._ask({"delete": {"region": region, **_item(item), "timeout": timeout}}, timeout + GRACE)
        return tuple(answer["lifted"])

    def unblock(self, region: str, items: Sequence[Asked], *, timeout: float = 600) -> list[tuple[list[str], str]]:
        """Lift what would keep things of ours from being deleted: for each in words what, and what went wrong.

        Raises:
            WorldError: as for `presence`.
        """
        answer = self._ask({"unblock": {"region": region, "items": [_item(item) for item in items]}}, timeout)
        return [(list(one["lifted"]), str(one.get("error", ""))) for one in answer["answers"]]

    def remains(
        self, region: str, items: Sequence[Asked], *, since: float, blocking: bool, remove: bool, timeout: float = 120
    ) -> list[tuple[list[Remnant], str]]:
        """What AWS keeps of things of ours outside any state: for each what was found, and what went wrong.

        `blocking`: instead what holds a thing that is there. `since` is when the run began, in seconds since the epoch.

        Raises:
            WorldError: as for `presence`.
        """
        asked = {"items": [_item(item) for item in items], "since": since, "blocking": blocking, "remove": remove}
        answer = self._ask({"remains": {"region": region, **asked}}, timeout)
        return [([Remnant(**found) for found in one["found"]], str(one.get("error", ""))) for one in answer["answers"]]

    def secrets(self, hidden: Mapping[str, Iterable[Sequence[str | int]]], *, timeout: float = 2) -> list[str]:
        """Every secret text that passed through the process; for scrubbing, never to be written down.

        `hidden` names by URN the places (keys and indices) that the engine's events hide.

        Raises:
            WorldError: the process does not answer within `timeout` seconds, or has ended.
        """
        places = {urn: [list(path) for path in paths] for urn, paths in hidden.items()}
        answer = self._ask({"secrets": {"hidden": places}}, timeout)
        return [str(text) for text in answer["secrets"]]

    def wait_ready(self) -> None:
        """Wait until the process answers; nobody needs to, whoever asks or connects waits by itself.

        Raises:
            WorldError: it does not.
        """
        self._ask({"ping": {}}, START_TIMEOUT)

    @property
    def journal(self) -> Path:
        """The journal of this process; `harness.providers.journal.read_journal` reads it."""
        return self.log.parent / "journal.jsonl"

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def ends_within(self, seconds: float) -> bool:
        """Whether it has ended, or is about to: when it is killed, its connections close before its end is seen."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """End the process: creates in flight are cancelled and get a few seconds; then it is killed."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it is gone already, which is what we want
                self._process.stdin.close()
        try:
            self._process.wait(GRACE + 2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _remove_socket_directory(self.socket.parent)
        (self.log.parent / "control.path").unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        [what] = request
        try:
            return control.ask(self.socket, request, timeout)
        except control.RefusedError as error:
            raise WorldError(f"the provider process could not {what}: {error}", hint=self._hint) from error
        except TimeoutError as error:
            raise WorldError(
                f"the provider process did not answer {what} within {timeout:.0f} s",
                hint=f"is the target reachable? see {self.log}",
            ) from error
        except OSError as error:
            state = "runs" if self.alive else f"ended with code {self._process.returncode}"
            raise WorldError(
                f"the provider process cannot be asked to {what}: {error}; it {state}{self._last_words()}",
                hint=self._hint,
            ) from error

    @property
    def _hint(self) -> str:
        return f"see {self.log}"

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:] if self.log.exists() else []
        return "".join(f"\n  {line}" for line in lines)


def _item(item: Asked) -> dict[str, Any]:
    return {"type": item.type, "id": item.id, "outputs": item.outputs}


def sdk_version(package: str) -> str:
    """Version of the package's Python SDK beside the harness, as its plugin is called."""
    return importlib.metadata.version(f"pulumi-{package}")


def _tell(process: subprocess.Popen[bytes], settings: Settings) -> None:
    """Hand over the settings and leave stdin open: its closing is how the process learns that we are gone."""
    if process.stdin is None:
        raise AssertionError("stdin was asked to be a pipe")
    process.stdin.write(settings.to_json().encode() + b"\n")
    process.stdin.flush()


def _socket_directory(directory: Path) -> Path:
    """Private directory whose socket paths are short enough: beside the cell's files, else a temporary one."""
    record = directory / "control.path"
    if record.exists():  # an earlier process of this cell was killed before it could clear up
        _remove_socket_directory(Path(record.read_text(encoding="utf-8")))
    chosen = _short_directory(directory)
    if chosen.parent != directory:  # else whoever comes knows where it is, and a full disk does not matter
        record.write_text(str(chosen), encoding="utf-8")
    return chosen


def _remove_socket_directory(folder: Path) -> None:
    """Remove the socket and the folder that holds nothing else.

    What names the folder may have been cut off by a full disk, and name anybody's: nothing else is ever taken along.
    """
    if folder.is_absolute():
        with contextlib.suppress(OSError):
            (folder / "s").unlink(missing_ok=True)
            folder.rmdir()


def _short_directory(directory: Path) -> Path:
    beside = directory / "control"
    if len(os.fsencode(beside / "s")) <= _SOCKET_PATH_LIMIT:
        _remove_socket_directory(beside)
        beside.mkdir(mode=0o700, exist_ok=True)
        return beside
    temporary = Path(tempfile.mkdtemp(prefix="harness-"))  # mkdtemp makes it 0700
    if len(os.fsencode(temporary / "s")) <= _SOCKET_PATH_LIMIT:
        return temporary
    temporary.rmdir()
    return Path(tempfile.mkdtemp(prefix="harness-", dir="/tmp"))


def _environment(ambient: Ambient, chosen: Mapping[str, str] | None, directory: Path) -> dict[str, str]:
    """`chosen`, or ours; with an endpoint, without what could send a call anywhere else. With the cell's mark."""
    mark = {CELL_VARIABLE: str(directory)}  # by it the process is found when nobody is left who knew it
    ours = {**(os.environ if chosen is None else chosen), **mark}
    if chosen is not None or ambient.endpoint is None:
        return ours
    kept = {k: v for k, v in ours.items() if not k.startswith("AWS_") and not k.lower().endswith("_proxy")}
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
