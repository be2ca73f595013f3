"""A process in; a file by which whoever comes after a crash finds it again, and takes no other for it, out."""

from __future__ import annotations

from pathlib import Path

import psutil


def record_process(pid_file: Path, pid: int) -> None:
    """Write down a process that has just been started."""
    pid_file.write_text(f"{pid} {psutil.Process(pid).create_time()}", encoding="ascii")


def recorded_pid(pid_file: Path) -> int | None:
    """Its number, also when it has ended; None when there is no record, or the number is another's by now."""
    try:
        pid, created = pid_file.read_text(encoding="ascii").split()
    except (FileNotFoundError, ValueError):  # none was started, or it died while it was being recorded
        return None
    try:
        same = abs(psutil.Process(int(pid)).create_time() - float(created)) < 1
    except psutil.NoSuchProcess:
        return int(pid)
    return int(pid) if same else None


def await_end(pid_file: Path, seconds: float) -> None:
    """Wait until a recorded process has ended, `seconds` at most; one that is stopped is not waited for."""
    pid = recorded_pid(pid_file)
    try:
        process = psutil.Process(pid) if pid is not None else None
        if process is not None and process.status() != psutil.STATUS_STOPPED:
            process.wait(seconds)
    except psutil.Error:  # it has ended, or takes longer
        pass
