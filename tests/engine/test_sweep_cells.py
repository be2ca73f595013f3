"""Cells whose command line was killed: what works is left to its end, what is stopped is ended by a sweep."""

from __future__ import annotations

import signal

import psutil
import pytest
from sweeping import named, swept


def test_a_cell_that_finished_without_its_command_line_is_only_closed(harness, held, eventually) -> None:
    """SIGKILL to the command line: the cell destroys by itself, and meanwhile counts as at work."""
    process, lease, ask = held()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    _, document = swept(harness)
    assert named(document)[lease["run"]][0] in {"none", "close"}
    eventually(lambda: ask.left() == [])
    eventually(lambda: harness.processes() == [])
    code, document = swept(harness, "--apply")
    assert (code, named(document)) == (0, {lease["run"]: ("close", "done")})
    assert "finished by itself" in document["items"][0]["reason"]
    assert harness("leases", "--json", "-").document == []
    assert not list(harness.home.glob("runs/*/*/passphrase"))


@pytest.mark.campaign
def test_a_cell_that_is_stopped_is_ended_and_destroyed(harness, held) -> None:
    """SIGSTOP to it and SIGKILL to the command line: nobody who lives watches over it, and it would stay for ever."""
    process, lease, ask = held()
    [cell] = [one for one in psutil.Process(process.pid).children() if "harness.run.cell" in one.cmdline()]
    cell.suspend()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    code, document = swept(harness)
    assert (code, named(document)) == (3, {lease["run"]: ("destroy", "told")})
    assert "its cell process is stopped" in document["items"][0]["reason"]
    assert len(ask.left()) == 2
    code, document = swept(harness, "--apply")
    assert (code, named(document)) == (0, {lease["run"]: ("destroy", "done")}), document
    assert ask.left() == []
    assert harness.remains() == []
