"""How long things may take: flags before the program's `[limits]`, these before the defaults; malformed is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.model import PhaseName, Program
from harness.plan.limits import DEFAULT_DESTROY, DEFAULT_RUN, DEFAULT_SILENCE, limits_of, phase_limits
from harness.plan.program_file import read_program_file


@pytest.fixture
def program(tmp_path: Path):
    """A program with this `harness.toml`."""

    def write(text: str = "") -> Program:
        path = tmp_path / "harness.toml"
        path.write_text(text)
        limits = {str(name): seconds for name, seconds in read_program_file(path).limits.items()}
        return Program(name="shop", directory=tmp_path, main=tmp_path, limits=limits)

    return write


def test_without_any_there_are_three(program) -> None:
    """Run, destroy and silence; no phase and no resource has one."""
    limits = limits_of({}, program())
    assert (limits.run, limits.destroy, limits.silence) == (DEFAULT_RUN, DEFAULT_DESTROY, DEFAULT_SILENCE)
    assert limits.resource is None
    assert limits.phases == {}


def test_flags_win_over_the_file(program) -> None:
    """Key by key; seconds may be written as a number."""
    shop = program('[limits]\nrun = "10m"\nup = "2m"\nprobe = 30\nresource = "1m"\n')
    limits = limits_of({"run": 5.0, **phase_limits(("up=20s",))}, shop)
    assert limits.run == 5
    assert limits.phases == {PhaseName.UP: 20, PhaseName.PROBE: 30}
    assert limits.resource == 60


@pytest.mark.parametrize("pair", ["up", "down=2m", "destroy=2m", "up=soon", "up="])
def test_a_malformed_phase_limit_is_refused(pair: str) -> None:
    """With what is allowed."""
    with pytest.raises(ConfigError, match="--phase-timeout") as refused:
        phase_limits((pair,))
    assert refused.value.hint


def test_a_phase_given_twice_is_refused() -> None:
    """Neither is guessed to be meant."""
    with pytest.raises(ConfigError, match="twice"):
        phase_limits(("up=1m", "up=2m"))


@pytest.mark.parametrize("line", ['up = "soon"', "up = -1", 'leak = "2m"', "up = true", "up = [1]"])
def test_a_malformed_limit_in_the_file_is_refused_with_its_place(program, line: str) -> None:
    """File, line and key."""
    with pytest.raises(ConfigError, match=r"harness\.toml:2: limits"):
        program(f"[limits]\n{line}\n")
