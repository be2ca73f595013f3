"""What refuses a connection here proves the end of what was here, and of nothing else."""

import os
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from lease_samples import cell_spec, lease

from harness.errors import TargetError
from harness.run.messages import CellSpec
from harness.run.release import check_host
from harness.sweep.model import Action, Item, Outcome, Scope, Unasked
from harness.sweep.survey import Survey
from harness.sweep.sweep import _sorted_out
from harness.world.files import CellFiles
from harness.world.identity import machine

HERE, THERE = {}, {"host": "elsewhere", "machine": "another boot"}


@pytest.fixture
def refusing() -> Iterator[str]:
    """A URL at which nothing listens, and nobody else begins to."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def spec(tmp_path: Path) -> CellSpec:
    """Of the lease's cell."""
    return cell_spec(tmp_path)


def looked_at(url: str, directory: Path, spec: CellSpec | None, scope: Scope, **facts) -> Item:
    """What a sweep says of a lease there whose process is gone."""
    if spec is not None:
        CellFiles(directory).write_spec(spec.model_dump_json())
    one = lease(target=url, directory=str(directory), process=2**22 + 1, heartbeat=datetime(2026, 1, 1, tzinfo=UTC))
    one = one.model_copy(update=facts)
    [item] = Survey(scope, {}, lambda _: None, datetime.now(UTC)).run([one]).items
    return item


@pytest.mark.parametrize(
    ("target", "facts", "scope", "action"),
    [
        ("emulator", HERE, Scope(), Action.CLOSE),
        ("emulator", THERE, Scope(), Action.NONE),
        ("emulator", THERE, Scope(run="r-1"), Action.NONE),
        ("emulator", {"host": "its name before", "machine": machine()}, Scope(), Action.CLOSE),
        ("emulator", THERE, Scope(run="r-1", emulator_gone=True), Action.CLOSE),
        ("url", HERE, Scope(run="r-1"), Action.DESTROY),
        ("url", HERE, Scope(run="r-1", emulator_gone=True), Action.CLOSE),
        ("url", THERE, Scope(run="r-1"), Action.NONE),
        (None, HERE, Scope(run="r-1"), Action.DELETE),
        (None, HERE, Scope(run="r-1", emulator_gone=True), Action.CLOSE),
    ],
)
def test_a_refused_connection_proves_the_end_of_our_own_emulator_only(
    refusing: str, tmp_path: Path, spec: CellSpec, target, facts: dict, scope: Scope, action: Action
) -> None:
    """--run is a scope; that an emulator will not come back, or what another host's does, is said by a flag."""
    told = None if target is None else spec.model_copy(update={"target": target, "url": refusing})
    item = looked_at(refusing, tmp_path, told, scope, **facts)
    assert item.action is action, item.reason


def test_nobody_works_on_what_the_sweep_itself_took_over(refusing: str, tmp_path: Path, spec: CellSpec) -> None:
    """It could not be done; a second look finds it due again."""
    item = looked_at(refusing, tmp_path, spec, Scope(run="r-1"), process=os.getpid())
    assert item.action is Action.DESTROY, item.reason


def left(item: Item, **changed) -> Item:
    """It was tried."""
    return item.model_copy(update={"outcome": Outcome.LEFT, **changed})


def test_what_was_left_stays_left_unless_it_is_due_again() -> None:
    """A second look at what was silent must not make something of the first disappear."""
    facts = {"kind": "lease", "run": "r-1", "target": "url", "region": "r", "account": None, "reason": "because"}
    again, away, other = (Item(cell=cell, action=Action.DESTROY, **facts) for cell in ("again", "away", "other"))
    other = other.model_copy(update={"target": "elsewhere"})
    silent = [Unasked(target="url", account=None, region="r", reason="no answer", matters=True)]
    first = [left(one) for one in (again, away, other)]
    settled, late = _sorted_out(first, silent, [again, other, away.model_copy(update={"action": Action.NONE})])
    assert settled == [left(away), left(other)]
    assert late == (again,)


def test_an_emulator_that_answers_has_not_ended(tmp_path: Path, spec: CellSpec) -> None:
    """Whatever somebody says: it can be asked."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        item = looked_at(url, tmp_path, spec, Scope(run="r-1", emulator_gone=True))
    assert item.action is Action.DESTROY, item.reason


def test_a_destroy_does_not_take_another_hosts_emulator_for_gone(spec: CellSpec) -> None:
    """It is refused before the lease is taken over, with the way out."""
    embedded = spec.model_copy(update={"target": "emulator"})
    with pytest.raises(TargetError) as refused:
        check_host(lease(**THERE), embedded)
    assert "--emulator-gone" in refused.value.hint
    check_host(lease(), embedded)
    check_host(lease(**THERE), spec)
