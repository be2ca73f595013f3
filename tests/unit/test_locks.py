"""A lock of the state is released only when it is proved to be ours and its owner to be dead."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import RunError
from harness.world.locks import Self, ourselves, release_locks

ME = Self(frozenset({"me"}), frozenset({"here"}))
NOW = 1_800_000_000.0


def lock(state: Path, name: str = "a", **values: object) -> Path:
    """A lock file as the engine writes it."""
    path = state / ".pulumi" / "locks" / "organization" / "shop" / "s" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    stamp = datetime.fromtimestamp(NOW, UTC).isoformat().replace("+00:00", ".123456789Z")
    path.write_text(json.dumps({"pid": 7, "username": "me", "hostname": "here", "timestamp": stamp, **values}))
    return path


@pytest.mark.parametrize("started", [None, NOW + 60])
def test_the_lock_of_a_dead_engine_of_ours_is_released(tmp_path: Path, started: float | None) -> None:
    """No such process, or one that began after the lock was written: the number was given again."""
    path = lock(tmp_path)
    assert release_locks(tmp_path, ME, lambda _: started) == [path]
    assert not path.exists()
    assert release_locks(tmp_path, ME, lambda _: started) == []


@pytest.mark.parametrize(
    ("values", "started", "said"),
    [
        ({}, NOW - 60, "lives"),
        ({"username": "you"}, None, "you on here"),
        ({"hostname": "there"}, None, "there"),
    ],
)
def test_any_other_lock_is_refused_with_a_hint(tmp_path: Path, values, started, said) -> None:
    """A living process, another user, another host; not even the locks beside it are touched."""
    ours, other = lock(tmp_path, "ours"), lock(tmp_path, "other", **{"pid": 8, **values})
    with pytest.raises(RunError, match=said) as caught:
        release_locks(tmp_path, ME, lambda process: started if process == 8 else None)
    assert f"rm {other}" in caught.value.hint
    assert ours.exists()
    assert other.exists()


@pytest.mark.parametrize("name", ["a.json", "a.json.18eb618edc0e906c.tmp"])
def test_a_torn_lock_in_a_folder_of_ours_is_ours(tmp_path: Path, name: str) -> None:
    """A full disk cut it off, or left the engine's draft of it: each keeps every engine from working with the stack."""
    path = lock(tmp_path)
    path = path.rename(path.with_name(name))
    path.write_text('{"pid": 1')
    assert release_locks(tmp_path, ME, lambda _: NOW - 60) == [path]


def test_we_are_who_the_engine_says(tmp_path: Path) -> None:
    """This process's own lock is recognised, and not released while it lives."""
    stamp = datetime.now(UTC).isoformat()
    user, host = min(ourselves().users), min(ourselves().hosts)
    lock(tmp_path, pid=os.getpid(), username=user, hostname=host, timestamp=stamp)
    with pytest.raises(RunError, match="which lives"):
        release_locks(tmp_path)
