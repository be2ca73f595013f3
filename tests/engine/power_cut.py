"""A run that hangs in the middle of `up`, and its end by force: for the tests of what comes after a crash."""

import subprocess
from contextlib import suppress

import psutil

HANGS = "\nif live:\n    after(lambda: time.sleep(600))\n"


def kill_all(process: subprocess.Popen) -> None:
    """The command line and everything under it, at once: a power cut."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for act in (psutil.Process.suspend, psutil.Process.kill):
        for one in family:
            with suppress(psutil.NoSuchProcess):  # it ended meanwhile
                act(one)
    process.communicate()
