"""Nothing in; what was opened, in which account and region, for whom, until when, and how it stands, out."""

from __future__ import annotations

import enum
from datetime import datetime

from harness.model.words import Frozen


class LeaseState(enum.StrEnum):
    """How a lease stands."""

    OPEN = "open"  # something may exist, and somebody works with it
    KEPT = "kept"  # left up on request
    LEAKED = "leaked"  # the leak check found something, or could not be completed
    CLOSED = "closed"  # proved gone


class Lease(Frozen):
    """What we opened, where, for whom, until when, and how it stands."""

    run: str
    cell: str
    stack: str
    project: str  # the program's name in its Pulumi.yaml
    target: str  # the emulator's URL, or `aws`
    region: str
    account: str | None
    directory: str  # where state, journal and log of the cell lie
    backend: str = ""  # where its state is, as `pulumi login` takes it
    owner: str
    host: str
    machine: str = ""  # which boot and which namespace of process ids `process` is of
    process: int  # the CLI that works on it, or did last
    process_started: float = 0  # seconds since the epoch; 0: not known
    created: datetime
    expires: datetime
    heartbeat: datetime  # when that process last said that it works on it
    state: LeaseState = LeaseState.OPEN
    reason: str = ""
