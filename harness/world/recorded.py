"""A process in; a file by which whoever comes after a crash finds it again, and takes no other for it, out."""

from __future__ import annotations

from pathlib import Path

import psutil


def record_process(pid_file: Path, pid: int) -> None:
    """Write down a process that has just been started."""
    pid_file.write_text(f"{pid} {psutil.Process(pid).create_time()}", encoding="ascii")


def recorded_process(pid_file: Path) -> psutil.Process | None:
    """The process itself; None when there is no record, it has ended, or its number is another's by now."""
    try:
        pid, created = pid_file.read_text(encoding="ascii").split()
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - float(created)) < 1
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):  # or it died while it was being recorded
        return None
    return process if same else None


def await_end(pid_file: Path, seconds: float) -> None:
    """Wait until a recorded process has ended, `seconds` at most; one that is stopped is not waited for."""
    process = recorded_process(pid_file)
    try:
        if process is not None and process.status() != psutil.STATUS_STOPPED:
            process.wait(seconds)
    except psutil.Error:  # it has ended, or takes longer
        pass
