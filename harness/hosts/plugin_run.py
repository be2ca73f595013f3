"""The engine's RunPlugin request in; a policy pack, or a plugin written in Python, run, and what it prints, out."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc

from harness.hosts.child import Child, Launch, spawn
from harness.hosts.interpreter import activated
from harness.hosts.tended import Tended
from harness.hosts.warm import WarmShelf, or_cold
from harness.protostubs import load

(language,) = load("language_pb2")


def run_plugin(request: Any, context: Any, python: Path, tended: Tended, shelf: WarmShelf | None) -> Iterator[Any]:
    """Responses with its output and, last, its exit code. Raises OSError: it cannot be started."""
    output: queue.SimpleQueue[Any] = queue.SimpleQueue()
    response = language.RunPluginResponse
    launch = _launch(request, context, python, tended, shelf)

    def start() -> Child:
        return Child(
            launch,
            lambda chunk: output.put(response(stdout=chunk)),
            lambda chunk: output.put(response(stderr=chunk)),
        )

    with tended.child(start, context) as child:
        if child is None:
            context.abort(grpc.StatusCode.CANCELLED, "the engine is stopping")
            return
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


def _launch(request: Any, context: Any, python: Path, tended: Tended, shelf: WarmShelf | None) -> Launch:
    folder, cwd = Path(request.info.program_directory), Path(request.pwd)
    environ = dict(line.split("=", 1) for line in request.env) or dict(os.environ)
    environ = activated(python, {**environ, "PYTHONDONTWRITEBYTECODE": "1", "PWD": str(cwd)})
    if request.kind != "analyzer":
        return spawn((str(python), "-u", str(folder / request.info.entry_point), *request.args), cwd, environ)
    # The pack is told where it lies last, after the engine's address.
    module, args = "pulumi.policy", (*request.args, str(folder))
    cold = spawn((str(python), "-u", "-m", module, *args), cwd, environ)
    warm = None
    if shelf is not None:
        warm = shelf.take(python, lambda: context.is_active() and not tended.cancelled)
    return cold if warm is None else or_cold(warm.launch(cwd, environ, [cwd, folder], module, args), cold)
