"""An environment in; every check's answer out, asked side by side, each within its own time."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.doctor import account, engine, places, python, settings, tools
from harness.doctor.check import CHECKS, NEEDED_SECONDS, Check, Machine, State, Told
from harness.errors import HarnessError, HomeError
from harness.world.home import HOME_VARIABLE, Home, open_home

THEMES = (python, places, settings, engine, account, tools)
"""Imported for the checks that they register, and in the order of the table."""
_ELSEWHERE = f"set {HOME_VARIABLE} to a folder on a disk of this machine"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the doctor's table: a check, its answer, and how many seconds that took."""

    name: str
    needed: bool
    state: State
    found: str
    remedy: str
    seconds: float


def ordered() -> list[Check]:
    """All checks: what a run needs first, then by theme."""
    themes = [theme.__name__ for theme in THEMES]
    return sorted(CHECKS, key=lambda one: (not one.needed, themes.index(one.ask.__module__)))


def examine(environ: Mapping[str, str], checks: Sequence[Check] | None = None) -> list[Row]:
    """Ask all checks. Never raises for what it finds; a check that does not come back is told as such."""
    home, home_error = _home(environ)
    with _scratch() as scratch:
        machine = Machine(environ, home, home_error, scratch)
        asked = [_Asked(one, machine) for one in (ordered() if checks is None else checks)]
        return [one.answer() for one in asked]


def able(rows: Sequence[Row]) -> bool:
    """Whether `harness run` on the emulator with the bundled provider can work here and now."""
    return all(row.state is State.OK for row in rows if row.needed)


class _Asked:
    """A check in a thread of its own, which does not keep the process alive when it hangs."""

    def __init__(self, check: Check, machine: Machine) -> None:
        self._check = check
        self._told: Told | None = None
        self._began = time.monotonic()
        self._ended = self._began
        self._thread = threading.Thread(target=self._ask, args=(machine,), daemon=True)
        self._thread.start()

    def answer(self) -> Row:
        check = self._check
        self._thread.join(max(0.0, self._began + check.seconds - time.monotonic()))
        told, seconds = self._told, self._ended - self._began
        if told is None:
            seconds = check.seconds
            told = Told(
                State.BROKEN,
                f"no answer within {check.seconds:.0f} s",
                "see what it waits for: a machine under load, a disk or a daemon that hangs; then ask again",
            )
        state = told.state if check.needed or told.state is State.OK else State.OPTIONAL
        return Row(check.name, check.needed, state, told.found, told.remedy, round(seconds, 3))

    def _ask(self, machine: Machine) -> None:
        try:
            told = self._check.ask(machine)
        except HarnessError as error:
            told = Told(State.BROKEN, error.message, error.hint)
        except OSError as error:
            told = Told(State.BROKEN, f"it cannot be looked at: {error}", "mend what the message names")
        except Exception as error:  # noqa: BLE001 - one row that fails must not hide the others
            told = Told(State.BROKEN, f"the check itself failed ({type(error).__name__})", "please report it")
        self._ended = time.monotonic()
        self._told = told


def _home(environ: Mapping[str, str]) -> tuple[Home | None, tuple[str, str]]:
    came: list[tuple[Home | None, tuple[str, str]]] = []

    def ask() -> None:
        try:
            came.append((open_home(environ), ("", "")))
        except HomeError as error:
            came.append((None, (error.message, error.hint)))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(NEEDED_SECONDS)  # a network disk that hangs does so for ever
    return came[0] if came else (None, (f"the home does not answer within {NEEDED_SECONDS:.0f} s", _ELSEWHERE))


@contextmanager
def _scratch() -> Iterator[Path | None]:
    try:
        folder = Path(tempfile.mkdtemp(prefix="harness-doctor-"))
    except OSError:  # the check that needs it says so
        yield None
        return
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
