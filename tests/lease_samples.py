"""Leases for tests: one that this process holds, with whatever is to be different."""

from datetime import UTC, datetime, timedelta

from harness.model import Lease
from harness.world.identity import owner


def lease(run: str = "r-1", cell: str = "c", **changed) -> Lease:
    """One that is open, and ours."""
    now = datetime.now(UTC)
    facts = {
        "run": run,
        "cell": cell,
        "stack": cell,
        "project": "p",
        "target": "http://127.0.0.1:1",
        "region": "us-east-1",
        "account": "100000000001",
        "directory": "/x",
        "created": now,
        "expires": now + timedelta(hours=1),
        "heartbeat": now,
        **owner(),
    }
    return Lease(**{**facts, **changed})
