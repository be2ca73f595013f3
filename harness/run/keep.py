"""A kept environment on the embedded emulator: keeps that emulator up until its lease expires, and ends it after."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil

from harness.world.emulator import Emulator

_RECORD = "emulator.json"


def keep_emulator(emulator: Emulator, run_directory: Path, seconds: float) -> None:
    """Leave the emulator up for `seconds`: a small process of its own holds its lifeline so long."""
    holder = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "import sys, time; time.sleep(float(sys.argv[1]))", str(seconds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(emulator.lifeline,),
    )
    record = {"holder": holder.pid, "created": psutil.Process(holder.pid).create_time(), "url": emulator.url}
    (run_directory / _RECORD).write_text(json.dumps(record), encoding="utf-8")
    emulator.disown()


def end_kept_emulator(run_directory: Path) -> None:
    """End the holder of a kept emulator, and so the emulator; without one nothing happens."""
    path = run_directory / _RECORD
    if not path.exists():
        return
    record = json.loads(path.read_text(encoding="utf-8"))
    try:
        holder = psutil.Process(record["holder"])
        if abs(holder.create_time() - record["created"]) < 1:
            holder.kill()
    except psutil.NoSuchProcess:  # the lease expired, and the emulator with it
        pass
    path.unlink()
