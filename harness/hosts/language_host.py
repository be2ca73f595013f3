"""The engine's gRPC calls in, programs run: Pulumi's LanguageRuntime for Python.

Started by the engine as `pulumi-language-python ENGINE_ADDRESS`; prints its port and serves until the engine is done
or gone. Each program and policy pack runs in a process of its own, with the project's own interpreter. The SDK is
never imported here: that would cost more than all else that this process does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2

from harness import __version__
from harness.hosts.interpreter import InterpreterError
from harness.hosts.plugin_run import run_plugin
from harness.hosts.program_run import ProgramRun, interpreter_of
from harness.hosts.serve import OPTIONS, leave_with, serve
from harness.hosts.strays import adopt_orphans
from harness.hosts.tended import Family, Tended
from harness.hosts.warm import WarmShelf
from harness.protostubs import load

language, language_grpc, plugin = load("language_pb2", "language_pb2_grpc", "plugin_pb2")

_ASK_SECONDS = 60.0  # for a question to an interpreter, which takes 0.1 s on a machine at rest
_DEPENDENCIES = """
import importlib.metadata, json
print(json.dumps([[d.name, d.version, d.requires or []] for d in importlib.metadata.distributions()]))
"""


class LanguageHost(language_grpc.LanguageRuntimeServicer):  # type: ignore[misc,name-defined] # loaded at run time
    """What the engine asks of a language."""

    def __init__(self, engine_address: str, family: Family, shelf: WarmShelf | None = None) -> None:
        self._engine_address = engine_address
        self._tended = Tended(family)
        self._shelf = shelf

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """Learn the engine's address when it did not come as an argument. An engine that attaches begins anew."""
        del context
        self._engine_address = request.engine_address or self._engine_address
        self._tended.begin_anew()
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
            # An extra may ask for another extra of its own package, which is no dependency.
            asked = ((name, _plain_name(each)) for name, _, requires in installed for each in requires)
            inner = {wanted for name, wanted in asked if wanted != _plain_name(name)}
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
        address = request.args[0] if request.args else self._engine_address
        message = ProgramRun(request, context, address, self._tended, self._shelf).run()
        if message is None:
            return language.RunResponse()
        if message:
            _tell(message, address)
        return language.RunResponse(bail=True)

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802 - gRPC names it
        """Run a policy pack, or a plugin written in Python, and stream what it prints."""
        python = self._interpreter(request.info, context)
        yield from run_plugin(request, context, python, self._tended, self._shelf)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """End every program: the engine is stopping."""
        del request, context
        self.end_all()
        return empty_pb2.Empty()

    def end_all(self) -> None:
        """End every child, and start no other."""
        self._tended.end_all()

    def _interpreter(self, info: Any, context: Any) -> Path:
        try:
            return interpreter_of(info)
        except InterpreterError as error:
            _refuse(context, str(error))


def _tell(message: str, address: str) -> None:
    """Log an error that the engine shows with the stack, and puts into its event log."""
    engine, engine_grpc = load("engine_pb2", "engine_pb2_grpc")
    with grpc.insecure_channel(address, options=OPTIONS) as channel:
        stub = engine_grpc.EngineStub(channel)
        stub.Log(engine.LogRequest(severity=engine.ERROR, message=message), timeout=_ASK_SECONDS)


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


def main() -> None:
    """Serve one engine until it is done or gone."""
    adopt_orphans()
    host = LanguageHost(sys.argv[-1] if len(sys.argv) > 1 else "", Family())
    print(serve(host), flush=True)
    leave_with([host])
