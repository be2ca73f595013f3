"""A person sees in 80 columns what is open, whose it is, whether somebody works on it, and where its state is."""

from datetime import UTC, datetime, timedelta

import pytest
from lease_samples import lease

from harness.model import LeaseState
from harness.report.tables import show_leases


def test_leases_fit_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With long names, and without losing a fact."""
    monkeypatch.setenv("COLUMNS", "80")
    now = datetime.now(UTC)
    where = "/a/rather/long/home/.local/state/harness/runs/r-91j81i061z/financial-boruxw70/state"
    dead = lease("r-91j81i061z", "financial-boruxw70", backend=f"file://{where}", process_started=1.0)
    kept = lease("r-8", "kept", state=LeaseState.KEPT, reason="kept on request", expires=now - timedelta(hours=2))
    show_leases([dead, kept, lease("r-7", "gone", state=LeaseState.CLOSED)], now)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    text = "".join("".join(lines).split())
    for fact in (where, "expired", f"process{dead.process}", "isgone", "keptonrequest", "signoflife", dead.host):
        assert fact in text, fact
    assert "stateofgone" not in text
