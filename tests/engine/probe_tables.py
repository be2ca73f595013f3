"""A `[[probe]]` table as text in, what it says of a target out: one attempt, through the door that a run uses."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from harness.plan.discovery import load_program
from harness.probes.registry import Probe, ProbeContext, ProbeResult, check, run_probe


def program(directory: Path, settings: str) -> Path:
    """A program that is nothing but its harness.toml."""
    directory.mkdir(exist_ok=True)
    (directory / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", encoding="utf-8")
    (directory / "__main__.py").write_text("", encoding="utf-8")
    (directory / "harness.toml").write_text(settings, encoding="utf-8")
    return directory


def declared(directory: Path, settings: str) -> list[Probe]:
    """Its probes."""
    return check(load_program(program(directory, settings)))


def once(table: str, context: ProbeContext) -> ProbeResult:
    """One attempt of the one probe that the table declares."""
    with tempfile.TemporaryDirectory() as directory:
        [probe] = declared(Path(directory), "[[probe]]\n" + table)
        return attempt(probe, context)


def attempt(probe: Probe, context: ProbeContext) -> ProbeResult:
    """One attempt: its time is over from the start."""
    over = threading.Event()
    over.set()
    return run_probe(probe, context, stop=over)
