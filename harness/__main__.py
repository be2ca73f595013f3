"""The command line's first step: Ctrl-C while the rest is being imported ends as two lines, like any other."""

from __future__ import annotations

import sys

_INTERRUPTED = 130  # ExitCode.INTERRUPTED, which is not imported yet


def main() -> None:
    """Import the command line and run it."""
    try:
        from harness.cli.main import main as run

        run()
    except KeyboardInterrupt:
        print("error: interrupted before anything was begun", file=sys.stderr)
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
