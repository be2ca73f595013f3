"""A run that hangs in the middle of `up`, and its end by force: for the tests of what comes after a crash."""

import signal
import subprocess

import psutil

HANGS = "\nif live:\n    after(lambda: time.sleep(600))\n"


def kill_all(process: subprocess.Popen) -> None:
    """The command line and everything under it, at once: a power cut."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for one in family:
        one.send_signal(signal.SIGSTOP)
    for one in family:
        one.kill()
    process.communicate()
