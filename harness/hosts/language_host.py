"""The engine's gRPC calls in, programs run: Pulumi's LanguageRuntime for Python.

Started by the engine as `pulumi-language-python ENGINE_ADDRESS`; prints its port and serves until the engine is done
or gone. Each program and policy pack runs in a process of its own, with the project's own interpreter. The SDK is
never imported here: that would cost more than all else that this process does.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2, json_format

from harness import __version__
from harness.hosts.child import Child, spawn
from harness.hosts.interpreter import InterpreterError, activated, find_interpreter
from harness.hosts.lifeline import on_end
from harness.hosts.output import CappedOutput
from harness.hosts.strays import adopt_orphans, end_strays
from harness.hosts.warm import WarmPython, WarmShelf
from harness.protostubs import load

language, language_grpc, plugin = load("language_pb2", "language_pb2_grpc", "plugin_pb2")

_MESSAGE_BYTES = 400 * 1024 * 1024  # the limit that the engine and its SDKs use on their own side
_OPTIONS = (("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES))
_RUNNER = Path(__file__).with_name("program_runner.py")
_SERVERS: list[Any] = []
_WORKERS = 16  # concurrent calls: a run and some packs block one each
_ASK_SECONDS = 60.0  # for a question to an interpreter, which takes 0.1 s on a machine at rest
_DEPENDENCIES = """
import importlib.metadata, json
print(json.dumps([[d.name, d.version, d.requires or []] for d in importlib.metadata.distributions()]))
"""


class LanguageHost(language_grpc.LanguageRuntimeServicer):  # type: ignore[misc,name-defined] # loaded at run time
    """What the engine asks of a language."""

    def __init__(self, engine_address: str, shelf: WarmShelf | None = None) -> None:
        self._engine_address = engine_address
        self._shelf = shelf
        self._children: set[Child] = set()
        self._lock = threading.Lock()
        self._cancelled = False

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """Learn the engine's address when it did not come as an argument. An engine that attaches begins anew."""
        del context
        self._engine_address = request.engine_address or self._engine_address
        with self._lock:
            self._cancelled = False
        return language.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """Say the version."""
        del request, context
        return plugin.PluginInfo(version=__version__)

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """None in advance: the engine loads a provider when the first resource names it, with its version.

        What an environment has installed is more than what its program uses; answering with it would make the engine
        download providers of 150 MB and more for nothing.
        """
        del request, context
        return language.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """None in advance, as above."""
        del request, context
        return language.GetRequiredPluginsResponse()

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """No questions."""
        del request, context
        return language.RuntimeOptionsResponse()

    def About(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """The interpreter and its version."""
        python = self._interpreter(request.info, context)
        known = self._shelf.version(python) if self._shelf is not None else ""
        version = known or _ask(python, "import platform; print(platform.python_version())", context).strip()
        return language.AboutResponse(executable=str(python), version=version)

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """What the interpreter has installed; without transitive ones, what nothing else there requires."""
        python = self._interpreter(request.info, context)
        installed = json.loads(_ask(python, _DEPENDENCIES, context))
        inner = set()
        if not request.transitiveDependencies:
            inner = {_plain_name(requirement) for _, _, requires in installed for requirement in requires}
        chosen = sorted((name, version) for name, version, _ in installed if _plain_name(name) not in inner)
        return language.GetProgramDependenciesResponse(
            dependencies=[language.DependencyInfo(name=name, version=version) for name, version in chosen]
        )

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802 - gRPC names it
        """Refuse, and say what to run: installing is the project's own tool's job."""
        folder = request.info.program_directory or request.directory
        context.abort(
            grpc.StatusCode.FAILED_PRECONDITION,
            "the harness's Python language host installs nothing; run the project's own tool, for instance "
            f"`cd {folder} && python3 -m venv .venv && .venv/bin/pip install -r requirements.txt`",
        )
        yield  # the engine expects a stream

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """Run the program to its end. What went wrong is told as a diagnostic of the engine."""
        try:
            message = self._run(request, context)
        except InterpreterError as error:
            message = str(error)
        if message is None:
            return language.RunResponse()
        if message:
            self._tell(message, request.args[0] if request.args else self._engine_address)
        return language.RunResponse(bail=True)

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802 - gRPC names it
        """Run a policy pack, or a plugin written in Python, and stream what it prints."""
        python = self._interpreter(request.info, context)
        folder = Path(request.info.program_directory)
        # The pack is told where it lies last, after the engine's address.
        environ = dict(line.split("=", 1) for line in request.env) or dict(os.environ)
        environ = activated(python, {**environ, "PYTHONDONTWRITEBYTECODE": "1"})
        if request.kind == "analyzer":
            # The pack is told where it lies last, after the engine's address.
            module, args = "pulumi.policy", (*request.args, str(folder))
            cold = (str(python), "-u", "-m", module, *args)
        else:
            module, args = "", ()
            cold = (str(python), "-u", str(folder / request.info.entry_point), *request.args)
        warm = self._warm(python, context) if module else None
        cwd = Path(request.pwd)
        launch = warm.launch(cwd, environ, module, args) if warm is not None else spawn(cold, cwd, environ)
        output: queue.SimpleQueue[Any] = queue.SimpleQueue()
        response = language.RunPluginResponse

        def start() -> Child:
            return Child(
                launch,
                lambda chunk: output.put(response(stdout=chunk)),
                lambda chunk: output.put(response(stderr=chunk)),
            )

        with self._tended(start, context) as child:
            if child is None:
                context.abort(grpc.StatusCode.CANCELLED, "the engine is stopping")
            child.feed(b"")

            def finish() -> None:
                code, _ = child.wait()
                output.put(response(exitcode=code))

            threading.Thread(target=finish, daemon=True).start()
            while True:
                message = output.get()
                yield message
                if message.WhichOneof("output") == "exitcode":
                    return

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """End every program: the engine is stopping."""
        del request, context
        self.end_all()
        return empty_pb2.Empty()

    def end_all(self) -> None:
        """End every child, and start no other."""
        with self._lock:
            self._cancelled = True
            children = list(self._children)
        enders = [threading.Thread(target=child.end, daemon=True) for child in children]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()

    def _end_strays(self) -> None:
        """End what the program let go of. Policy packs live on: they have their say after the program."""
        end_strays(self._is_tended)

    def _is_tended(self, pid: int) -> bool:
        """Whether we started it: packs and programs have a group of their own, what we only ask is in ours."""
        with self._lock:
            if any(child.group == pid for child in self._children):
                return True
        if self._shelf is not None and pid in self._shelf.pids:
            return True
        try:
            return os.getpgid(pid) == os.getpgrp()
        except ProcessLookupError:  # it ended meanwhile
            return True

    def _run(self, request: Any, context: Any) -> str | None:
        """Return None when all went well, else what to tell; empty when there is nothing to tell."""
        if request.attach_debugger:
            return "the harness's Python language host cannot attach a debugger; run without --attach-debugger"
        info = request.info
        folder = Path(info.program_directory or request.pwd)
        program = folder / (info.entry_point or request.program or ".")
        if program.is_dir():
            program = program / "__main__.py"
        if not program.is_file():
            return f"there is no program at {program}; `main` in Pulumi.yaml names the file or its folder"
        python = find_interpreter(_options(info), Path(info.root_directory or folder), folder, os.environ)
        environ = activated(python, os.environ)
        warm = self._warm(python, context)
        cold = (str(python), "-u", str(_RUNNER))
        launch = warm.launch(folder, environ) if warm is not None else spawn(cold, folder, environ)
        streams = [CappedOutput(_passer(fd)) for fd in (1, 2)]

        def start() -> Child:
            out, err = (stream.take for stream in streams)
            return Child(launch, out, err, verdict=True, on_exit=self._end_strays)

        try:
            with self._tended(start, context) as child:
                if child is None:
                    return ""
                self._note_begin(request)
                child.feed(json.dumps(self._request(request, program)).encode())
                code, verdict = child.wait()
                for stream in streams:
                    stream.close()
            self._note_end(request)
        except OSError as error:
            return f"the program's interpreter {python} cannot be started: {error.strerror or error}"
        if self._cancelled or not context.is_active():
            return ""
        return _judge(code, verdict, python)

    def _note_begin(self, request: Any) -> None:
        """An `up` is the last that runs in the interpreter of the preview before it."""
        if self._shelf is not None and not request.dryRun:
            self._shelf.turn()

    def _note_end(self, request: Any) -> None:
        if self._shelf is not None and request.dryRun:
            self._shelf.after_preview()

    def _warm(self, python: Path, context: Any) -> WarmPython | None:
        """One with the SDK imported already, unless there is none for this interpreter or the call is over."""
        if self._shelf is None:
            return None
        return self._shelf.take(python, lambda: context.is_active() and not self._cancelled)

    def _request(self, request: Any, program: Path) -> dict[str, Any]:
        return {
            "program": str(program),
            "root": request.info.root_directory or str(program.parent),
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization or "organization",
            "monitor": request.monitor_address,
            "engine": request.args[0] if request.args else self._engine_address,
            "parallel": request.parallel,
            "preview": request.dryRun,
            "config": dict(request.config),
            "secret_keys": list(request.configSecretKeys),
            "keep_bytecode_under": sys.prefix,
        }

    @contextmanager
    def _tended(self, start: Any, context: Any) -> Iterator[Any]:
        """Start a child that ends with the call, the engine or this host; None when they are ending already."""
        with self._lock:
            child = None if self._cancelled else start()
            if child is not None:
                self._children.add(child)
        if child is None:
            yield None
            return
        try:
            # False when the call is over already; the callback is not called then.
            if not context.add_callback(child.end):
                child.end()
            yield child
        finally:
            with self._lock:
                self._children.discard(child)

    def _tell(self, message: str, address: str) -> None:
        """Log an error that the engine shows with the stack, and puts into its event log."""
        engine, engine_grpc = load("engine_pb2", "engine_pb2_grpc")
        with grpc.insecure_channel(address, options=_OPTIONS) as channel:
            stub = engine_grpc.EngineStub(channel)
            stub.Log(engine.LogRequest(severity=engine.ERROR, message=message), timeout=_ASK_SECONDS)

    def _interpreter(self, info: Any, context: Any) -> Path:
        folder = Path(info.program_directory)
        try:
            return find_interpreter(_options(info), Path(info.root_directory or folder), folder, os.environ)
        except InterpreterError as error:
            _refuse(context, str(error))


def _options(info: Any) -> Mapping[str, Any]:
    options: dict[str, Any] = json_format.MessageToDict(info.options)
    return options


def _judge(code: int, verdict: bytes, python: Path) -> str | None:
    if code < 0:
        return f"the program was killed by signal {-code} ({_signal_name(-code)}) before it was done"
    if not verdict:
        return f"the program exited with code {code} before it was done (its interpreter is {python})"
    document = json.loads(verdict)
    if document["kind"] == "error":
        return str(document["message"])
    return None if document["kind"] == "done" else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return "no name"


def _passer(fd: int) -> Any:
    """Write chunks to one of our own streams, which the engine reads and shows."""

    def pass_on(chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            view = view[os.write(fd, view) :]

    return pass_on


def _ask(python: Path, question: str, context: Any) -> str:
    try:
        return subprocess.run(
            [str(python), "-I", "-c", question], capture_output=True, text=True, check=True, timeout=_ASK_SECONDS
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        _refuse(context, f"the interpreter {python} does not answer: {error}")


def _plain_name(requirement: str) -> str:
    """`Foo_Bar[x]>=1; marker` → `foo-bar`."""
    name = ""
    for character in requirement:
        if not (character.isalnum() or character in "-_."):
            break
        name += character
    return name.lower().replace("_", "-").replace(".", "-")


def _refuse(context: Any, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, message)
    raise AssertionError("abort does not return")


def serve(host: LanguageHost) -> int:
    """Answer the engine's calls on a free port of loopback; the port."""
    server = grpc.server(ThreadPoolExecutor(max_workers=_WORKERS), options=_OPTIONS)
    language_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port: int = server.add_insecure_port("127.0.0.1:0")
    server.start()
    _SERVERS.append(server)  # one that nobody holds stops
    return port


def leave_with(hosts: list[LanguageHost]) -> NoReturn:
    """Wait until the engine, or whoever started us, is done or gone; end every program then."""
    over = threading.Event()

    def leave() -> None:
        for host in hosts:
            host.end_all()
        end_strays(lambda _pid: False)
        over.set()

    on_end(leave)
    over.wait()
    os._exit(0)  # nothing is left that must be waited for; gRPC's own shutdown takes longer than the engine waits


def main() -> None:
    """Serve one engine until it is done or gone."""
    adopt_orphans()
    host = LanguageHost(sys.argv[-1] if len(sys.argv) > 1 else "")
    print(serve(host), flush=True)
    leave_with([host])
