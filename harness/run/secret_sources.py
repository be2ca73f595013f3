"""A cell's world in; what only its engine knows as secret, learnt, by a call each where nobody else can tell."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.run.cell_world import CellWorld
from harness.run.record import Record
from harness.world.command import Guard

ASKING = 20.0  # seconds for one engine call; 1 s is usual
GRACE = 1.0  # seconds that it gets to stop: it only reads


def learn_state(world: CellWorld, record: Record) -> None:
    """Secrets of the state, before a destroy empties it.

    The bundled provider knows those of its resources without an engine, and probes have read secret outputs already.
    """
    checkpoint = world.stack.checkpoint()
    told = record.spec.provider == "bundled" and not record.spec.recover
    wanted = checkpoint.has_secrets if not told else checkpoint.has_secret_outputs and not record.outputs_read
    if wanted:
        with world.stack.command.guarded(_limit()):
            record.secrecy.look_up("secrets of the state", world.stack.secrets)


def learn_config(world: CellWorld, record: Record) -> None:
    """Configuration that was taken over encrypted, from an existing stack."""
    if any(_is_encrypted(value) for value in record.spec.cell.config.values()):
        with world.stack.command.guarded(_limit()):
            record.secrecy.look_up("encrypted configuration", world.stack.secret_config)


def _limit() -> Guard:
    until = time.monotonic() + ASKING
    stop: Callable[[], str | None] = lambda: "no answer in time" if time.monotonic() > until else None  # noqa: E731 - bound once
    return Guard(stop=stop, grace=GRACE)


def _is_encrypted(value: object) -> bool:
    if isinstance(value, dict):
        return "secure" in value or any(_is_encrypted(one) for one in value.values())
    return isinstance(value, list) and any(_is_encrypted(one) for one in value)
