"""Credentials that end on the way: told in time, renewed where they can be, and valid as long as a destroy takes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.errors import TargetError
from harness.model import Limits
from harness.run.credentials import CredentialWatch, foretell
from harness.run.shield import limit_of
from harness.world.credentials import Expiry, read_expiry

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = Limits(run=3600, destroy=1800)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[datetime], None]:
    """A `credential_process` as the only source of credentials, that gives some until a time."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CREDENTIAL_EXPIRATION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    given = tmp_path / "given.json"
    config = tmp_path / "config"
    code = "import sys; print(open(sys.argv[1]).read())"
    config.write_text(f'[default]\ncredential_process = "{sys.executable}" -c "{code}" "{given}"\n')
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def give(until: datetime) -> None:
        keys = {"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"}
        given.write_text(json.dumps({**keys, "Expiration": until.isoformat()}))

    return give


def soon(seconds: float) -> datetime:
    """A moment from now, in whole seconds."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)


def test_a_process_is_asked_again_each_time(source) -> None:
    """What it gave last counts, and it renews itself."""
    source(soon(4000))
    first = read_expiry()
    source(soon(8000))
    second = read_expiry()
    assert first is not None
    assert second is not None
    assert first.renewable
    assert second.at - first.at > timedelta(seconds=3000)


def test_the_environment_says_when_and_cannot_be_renewed(source, monkeypatch) -> None:
    """AWS_CREDENTIAL_EXPIRATION; without it nothing is known, and nothing said."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    assert read_expiry() is None
    until = soon(4000)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", until.isoformat())
    assert read_expiry() == Expiry(until, renewable=False, source="env")


def test_without_credentials_that_is_told(monkeypatch, source, tmp_path) -> None:
    """No source at all, and one that fails, are a refusal in words."""
    with pytest.raises(TargetError, match="cannot be had"):
        read_expiry()  # the process prints nothing that could be read
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(TargetError, match="no AWS credentials"):
        read_expiry()


def test_before_a_run_it_is_told_what_will_not_last() -> None:
    """Enough: nothing. Less than run and destroy: when work stops. Less than a destroy: refused."""
    assert foretell(None, NOON, HOUR) is None
    assert foretell(Expiry(NOON + timedelta(minutes=91), renewable=False, source="env"), NOON, HOUR) is None
    assert foretell(Expiry(NOON + timedelta(minutes=5), renewable=True, source="sso"), NOON, HOUR) is None
    told = foretell(Expiry(NOON + timedelta(minutes=60), renewable=False, source="env"), NOON, HOUR) or ""
    assert "13:00:00 UTC" in told
    assert "12:30:00 UTC" in told
    with pytest.raises(TargetError, match="1800 s"):
        foretell(Expiry(NOON + timedelta(minutes=29), renewable=False, source="env"), NOON, HOUR)


class Watched:
    """A watch whose time and credentials are in our hands."""

    def __init__(self, at: datetime, *, renewable: bool) -> None:
        self.now, self.told = NOON, list[str]()
        self.expiry = Expiry(at, renewable=renewable, source="test")
        self.watch = CredentialWatch(
            lambda: self.expiry, lambda: self.now, 1800, self.told.append, start=lambda work: work()
        )

    def after(self, minutes: float) -> str | None:
        """What it says then; asked twice, for what is looked up counts from the next time on."""
        self.now = NOON + timedelta(minutes=minutes)
        self.watch.expiring()
        return self.watch.expiring()


def test_work_stops_while_the_destroy_has_valid_credentials() -> None:
    """Told ten minutes before, once; stopped when just the destroy's own time is left."""
    watched = Watched(NOON + timedelta(minutes=60), renewable=False)
    assert watched.after(10) is None
    assert watched.told == []
    assert watched.after(21) is None
    assert watched.after(25) is None
    assert len(watched.told) == 1
    assert "12:30:00" in watched.told[0]
    assert limit_of(watched.after(30) or "") == "credentials"


def test_renewed_credentials_stop_nothing() -> None:
    """They are looked up again when their end comes near."""
    watched = Watched(NOON + timedelta(minutes=60), renewable=True)
    assert watched.after(55) is None
    watched.expiry = Expiry(NOON + timedelta(minutes=600), renewable=True, source="test")
    assert watched.after(57) is None
    assert watched.after(100) is None
    assert watched.told == []


def test_a_source_that_fails_to_renew_stops_work_late_but_in_time() -> None:
    """What renews itself does so minutes before the end: not before that does it count as failed."""
    watched = Watched(NOON + timedelta(minutes=60), renewable=True)
    assert watched.after(55) is None
    assert limit_of(watched.after(57) or "") == "credentials"
