"""The command line's first step: a signal while the rest is being imported ends as two lines, like any other."""

from __future__ import annotations

import sys
from typing import NoReturn

_INTERRUPTED = 130  # ExitCode.INTERRUPTED, which is not imported yet


def main() -> None:
    """Import the command line and run it."""
    try:
        from harness.run.interrupts import INTERRUPTS, ToldToStopError, hold_off
    except KeyboardInterrupt:
        _leave()
    try:
        INTERRUPTS.heed()
        from harness.cli.main import main as run

        run()
    except (KeyboardInterrupt, ToldToStopError):
        INTERRUPTS.caught()
        _leave()
    finally:
        hold_off()  # all is told: what comes now must not change the exit code while the interpreter ends


def _leave() -> NoReturn:
    print("error: interrupted before anything was begun", file=sys.stderr)
    sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
