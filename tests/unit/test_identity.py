"""A process is known by machine, id and start: a number that was given out again is nobody."""

import os
import platform
import subprocess
import sys

import pytest
from lease_samples import lease

from harness.world import identity
from harness.world.identity import Alive, alive, owner


def test_we_live() -> None:
    """By what we wrote about ourselves."""
    assert alive(lease()) is Alive.YES
    assert owner()["process"] == os.getpid()


def test_a_recycled_id_is_no_living_owner() -> None:
    """The number lives, but began at another time."""
    assert alive(lease(process_started=owner()["process_started"] - 100)) is Alive.NO


def test_a_process_that_ended_is_gone_even_before_it_is_collected() -> None:
    """A zombie does no work."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    held = lease(process=child.pid, process_started=0)
    assert alive(held) is Alive.YES
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert alive(held) is Alive.NO
    child.communicate()
    assert alive(held) is Alive.NO


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"host": "elsewhere"}, Alive.UNKNOWN),
        ({"machine": "another boot, or a container's neighbour"}, Alive.UNKNOWN),
        ({"machine": "", "process_started": 1.0}, Alive.NOT_SEEN),
        ({"machine": ""}, Alive.YES),
    ],
)
def test_what_cannot_be_asked_is_not_called_gone(changed: dict, said: Alive) -> None:
    """Another host, another boot, another container; and leases of an earlier version, which name no machine."""
    assert alive(lease(**changed)) is said


def test_without_a_machine_id_nothing_is_proved(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """No /proc: the name of the host is all there is."""
    monkeypatch.setattr(identity, "_BOOT", tmp_path / "none")
    monkeypatch.setattr(identity, "machine", identity.machine.__wrapped__)
    assert owner()["machine"] == ""
    assert alive(lease(process_started=1.0)) is Alive.NOT_SEEN
    assert platform.node()
