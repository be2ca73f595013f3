"""A specification on standard input in, messages as JSON lines on standard output out: the process of one cell.

It lives in a session of its own. Its input stays open as long as the CLI lives: a line `go` says that the lease is on
disk, before which nothing is made; `stop REASON` asks for an end; and the end of the input means that the CLI died,
which ends the cell too, with its destroy. A signal to this process alone does the same as one to the CLI.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from harness.run.interrupts import INTERRUPTS, let_in
from harness.world.forks import keep_from_forks

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model import Limits
    from harness.run.messages import Message
    from harness.run.shield import Shield

BEAT: Final = 2.0  # seconds between two signs of life
LAST_WORDS: Final = 10.0  # seconds to hand the result over; it is in a file besides


def main() -> None:
    """Run the cell that the first line of standard input describes."""
    INTERRUPTS.hold()
    let_in()  # whoever started us held them back until now
    stream = _claim_stdout()
    told = sys.stdin.readline()
    if not told:  # nothing is to be done after all
        return
    # After the handlers are there: what these import takes its time.
    from harness.hosts import loopback
    from harness.run.disk import DiskWatch
    from harness.run.leak_record import write_leak_record
    from harness.run.lifecycle import run_cell
    from harness.run.messages import CellSpec, NoteMessage, ResultMessage
    from harness.run.shield import Shield
    from harness.run.standing import Standing
    from harness.run.voice import Voice
    from harness.world.files import CellFiles

    voice, standing = Voice(stream), Standing()

    def say(message: Message) -> None:
        standing.hear(message)
        voice.say(message)

    spec = CellSpec.model_validate_json(told)
    if spec.url is not None:  # probes are the user's code
        loopback.stay_if_told({loopback.VARIABLE: spec.target})
    limits = spec.limits

    def tell(text: str) -> None:
        say(NoteMessage(text=text))

    full = DiskWatch(Path(spec.directory), time.monotonic).full
    expiring = _credential_watch(limits, tell) if spec.target == "aws" else lambda: None
    shield = Shield(time.monotonic, limits.run, tell, phases=limits.phases, outside=lambda: full() or expiring())
    INTERRUPTS.hear = lambda name: shield.interrupt(name, standing.told())
    for name in INTERRUPTS.names:  # that came before there was a shield
        shield.interrupt(name, standing.told())
    leased, orphaned = threading.Event(), threading.Event()
    threading.Thread(target=_listen, args=(sys.stdin, shield, leased, orphaned), daemon=True).start()
    threading.Thread(target=_beat, args=(voice.say,), daemon=True).start()
    record = run_cell(spec, shield, say, leased.wait)
    result = write_leak_record(spec, record.secrecy.clean(record.result()), record.secrecy.text)
    files = CellFiles(spec.directory)
    files.keep_result(result.model_dump_json(indent=1))
    # The specification is written before the lease: without it no lease leads anybody here, and nothing was made.
    if orphaned.is_set() and not leased.is_set() and not files.spec.exists():
        files.remove()
    voice.say(ResultMessage(result=result))
    voice.end(LAST_WORDS)
    sys.stderr.flush()
    os._exit(0)  # a probe's thread that never ends must not hold the process


def _credential_watch(limits: Limits, tell: Callable[[str], None]) -> Callable[[], str | None]:
    from datetime import UTC, datetime

    from harness.run.credentials import CredentialWatch
    from harness.world.credentials import read_expiry

    return CredentialWatch(read_expiry, lambda: datetime.now(UTC), limits.destroy, tell).expiring


def _claim_stdout() -> TextIO:
    """Messages keep the real standard output; whatever prints (a probe, a library) goes to the log instead."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    keep_from_forks(stream)
    os.dup2(2, 1)
    return stream


def _listen(stream: TextIO, shield: Shield, leased: threading.Event, orphaned: threading.Event) -> None:
    from harness.run.messages import ABANDON, GO

    for line in stream:
        if line.strip() == GO:
            leased.set()
        elif line.strip() == ABANDON:
            shield.interrupt("nothing shall be run")
            return
        elif line.startswith("stop "):
            shield.interrupt(line.removeprefix("stop ").strip())
    orphaned.set()
    shield.interrupt("the harness process is gone")


def _beat(say: Callable[[Message], None]) -> None:
    from harness.run.messages import AliveMessage

    while True:
        say(AliveMessage())
        time.sleep(BEAT)


if __name__ == "__main__":
    main()
