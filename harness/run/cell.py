"""A specification on standard input in, messages as JSON lines on standard output out: the process of one cell.

It lives in a session of its own. Its input stays open as long as the CLI lives: a line `go` says that the lease is on
disk, before which nothing is made; `stop REASON` asks for an end; and the end of the input means that the CLI died,
which ends the cell too, with its destroy.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

from harness.hosts import loopback
from harness.run.lifecycle import run_cell
from harness.run.messages import GO, CellSpec, Message, NoteMessage, ResultMessage
from harness.run.shield import Shield
from harness.world.files import CellFiles

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Voice:
    """Writes messages for the CLI; a CLI that is gone is not an error, the destroy goes on without listeners."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def say(self, message: Message) -> None:
        """One JSON line."""
        line = message.model_dump_json() + "\n"
        with self._lock:
            try:
                self._stream.write(line)
                self._stream.flush()
            except (BrokenPipeError, ValueError):
                self._stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the rest of our life


def main() -> None:
    """Run the cell that the first line of standard input describes."""
    voice = Voice(_claim_stdout())
    told = sys.stdin.readline()
    if not told:  # nothing is to be done after all
        return
    spec = CellSpec.model_validate_json(told)
    if spec.url is not None:  # probes are the user's code
        loopback.stay_if_told({loopback.VARIABLE: spec.target})
    shield = Shield(time.monotonic, spec.limits.run, lambda text: voice.say(NoteMessage(text=text)))
    for number in SIGNALS:
        signal.signal(number, lambda n, _frame: _interrupt_apart(shield, signal.Signals(n).name))
    leased = threading.Event()
    threading.Thread(target=_listen, args=(sys.stdin, shield, leased), daemon=True).start()
    record = run_cell(spec, shield, voice.say, leased.wait)
    result = record.secrecy.clean(record.result())
    files = CellFiles(spec.directory)
    files.result.write_text(result.model_dump_json(indent=1), encoding="utf-8")
    voice.say(ResultMessage(result=result))
    sys.stderr.flush()
    os._exit(0)  # a probe's thread that never ends must not hold the process


def _interrupt_apart(shield: Shield, reason: str) -> None:
    """In a thread: the handler may have cut into a write of ours, which cannot be entered twice."""
    threading.Thread(target=shield.interrupt, args=(reason,), daemon=True).start()


def _claim_stdout() -> TextIO:
    """Messages keep the real standard output; whatever prints (a probe, a library) goes to the log instead."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stream


def _listen(stream: TextIO, shield: Shield, leased: threading.Event) -> None:
    for line in stream:
        if line.strip() == GO:
            leased.set()
        elif line.startswith("stop "):
            shield.interrupt(line.removeprefix("stop ").strip())
    shield.interrupt("the harness process is gone")


if __name__ == "__main__":
    main()
