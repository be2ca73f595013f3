"""What a program lets go of, and how much it prints, is bounded by its run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.world.remnants import end_remnants

# Leaves group, session, parent and environment behind, holds the output open, and has a child of its own.
DAEMON = """
import os, subprocess, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        child = subprocess.Popen(["sleep", "600"])
        with open(sys.argv[1] + ".part", "w") as file:
            file.write(f"{os.getpid()} {child.pid}")
        os.rename(sys.argv[1] + ".part", sys.argv[1])
        time.sleep(600)
    os._exit(0)
"""


def start_daemon(folder: Path, environ: dict[str, str]) -> list[int]:
    """Run DAEMON and give its process ids."""
    script, told = folder / "daemon.py", folder / "pids"
    script.write_text(DAEMON, encoding="utf-8")
    subprocess.run([sys.executable, str(script), str(told)], env=environ, check=True)
    return pids(told)


def pids(told: Path) -> list[int]:
    """What a daemon wrote."""
    end = time.monotonic() + 30
    while not told.exists():
        assert time.monotonic() < end, "the daemon did not start"
        time.sleep(0.02)
    return [int(pid) for pid in told.read_text(encoding="utf-8").split()]


def living(found: list[int]) -> list[int]:
    """Those that still run."""
    alive = []
    for pid in found:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                alive.append(pid)
        except psutil.NoSuchProcess:
            continue
    return alive


HOST = """
import sys, time
from harness.hosts.child import Child, spawn
from harness.hosts.strays import adopt_orphans, end_strays
from pathlib import Path
import subprocess
adopt_orphans()
kept = subprocess.Popen(["sleep", "600"])
child = Child(
    spawn([sys.executable, "-c", sys.argv[1], sys.argv[2]], Path.cwd(), {}), lambda _: None, lambda _: None,
    on_exit=lambda: end_strays(lambda pid: pid == kept.pid),
)
while not Path(sys.argv[2]).exists():
    time.sleep(0.02)
began = time.monotonic()
child.wait()
print(kept.poll(), time.monotonic() - began < 0.9)
kept.kill()
"""


@pytest.mark.parametrize("way", ["end", "engine killed"])
def test_daemons_of_a_program_end_with_it(plain_project, tmp_path, way):
    """Whether it ends by itself or with an engine that was killed; even one that cleared its environment."""
    told = tmp_path / "pids"
    plain_project.write(
        f"""
        import pathlib, subprocess, sys, time
        subprocess.run([sys.executable, "-c", {DAEMON!r}, {str(told)!r}], env={{}}, check=True)
        while not pathlib.Path({str(told)!r}).exists():
            time.sleep(0.02)
        if {way!r} != "end":
            time.sleep(600)
        """
    )
    with plain_project.start("up", "--yes", "--skip-preview") as process:
        found = pids(told)
        assert len(found) == 2
        if way != "end":
            process.kill()
        process.communicate(timeout=60)
        if way == "end":
            assert living(found) == []
    end = time.monotonic() + 5
    while living(found) and time.monotonic() < end:
        time.sleep(0.02)
    assert living(found) == []


def test_strays_end_at_once_and_others_are_spared(tmp_path):
    """A stray that holds the output open costs no waiting, and what we tend lives on."""
    done = subprocess.run(
        [sys.executable, "-c", HOST, DAEMON, str(tmp_path / "pids")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["None", "True"]
    assert living(pids(tmp_path / "pids")) == []


def test_remnants_are_found_by_their_mark_alone(tmp_path):
    """Those of another cell, and ourselves, live on; a second look finds none."""
    ours, others = tmp_path / "ours", tmp_path / "others"
    found = []
    for folder in (ours, others):
        folder.mkdir()
        found.append(start_daemon(folder, {**os.environ, "HARNESS_CELL": str(folder)}))
    assert end_remnants(str(ours)) == 2
    assert living(found[0]) == []
    assert len(living(found[1])) == 2
    assert end_remnants(str(ours)) == 0
    assert end_remnants(str(others)) == 2
    assert living(found[1]) == []


def test_a_marked_process_does_not_end_itself(tmp_path):
    """A harness within a cell of a harness takes neither itself nor those above it along."""
    code = "import sys; from harness.world.remnants import end_remnants; print(end_remnants(sys.argv[1]))"
    environ = {**os.environ, "HARNESS_CELL": str(tmp_path)}
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@"; exit 3', "sh", sys.executable, "-c", code, str(tmp_path)],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (3, "0"), done.stderr


def test_a_flood_of_output_is_cut(plain_project):
    """The first megabyte and the end are shown, with a line that says so."""
    plain_project.write(
        """
        import sys
        for number in range(400_000):
            sys.stdout.write(f"line {number:07} of the flood\\n")
        print("the very end")
        print("a word beside", file=sys.stderr)
        """
    )
    code, text, errors = plain_project.up()
    assert (code, errors) == (0, [])
    assert len(text) < 5_000_000  # of 11 MB; the engine shows each line twice, with the stack's name before it
    assert text.count("output beyond 1 MB is not shown") == 2
    for line in ("line 0000000 of the flood", "line 0399999 of the flood", "the very end", "a word beside"):
        assert line in text
    assert "line 0200000 of the flood" not in text
