"""A cell whose program needs what is not its own in; these secrets there as long as the cell lives, out.

On an emulator what is missing is made, with drawn values, and removed again after the destroy; on AWS it is asked for,
with the command that makes it. What was there before is never touched: only what carries the run's tag is removed.
Their names are in the cell's specification, which is on disk before anything is made, so that whoever ends the cell of
a dead process removes them, too.
"""

from __future__ import annotations

import json
import secrets
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from harness.model import RUN_TAG, STACK_TAG, CellStatus, Failure, PhaseName, Prerequisite, ResourceRef
from harness.run.marks import ambient, run_tags
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield

PHASE = PhaseName.PREFLIGHT
VALUE_BYTES = 24  # of a drawn value
GRACE = 3.0  # seconds for a create that was left behind to arrive, before we look whether it did
KIND = "aws:secretsmanager/secret:Secret"

Answer = TypeVar("Answer")


@contextmanager
def prerequisites(record: Record) -> Iterator[Callable[[Shield], None]]:
    """What sees that they are there, for the preflight to call; afterwards those that we made are removed.

    It raises PhaseError for one that is missing, or when we must stop. It makes things, so the lease is on disk before.
    """
    if not record.spec.cell.program.prerequisites:
        yield lambda _shield: None
        return
    secrets_ = _Secrets(record)
    try:
        yield secrets_.provide
    finally:
        if record.status is not CellStatus.KEPT:  # the stack still reads them
            secrets_.remove()


class _Secrets:
    """The prerequisites of one cell."""

    def __init__(self, record: Record) -> None:
        from harness.probes.context import ProbeContext  # boto3, which most programs need not pay for

        self._record = record
        spec = self._spec = record.spec
        self._wanted = spec.cell.program.prerequisites
        # Names of those that may be ours. What an earlier process of the cell has made, only the target can tell.
        self._made = [wanted.name for wanted in self._wanted] if spec.recover and spec.url is not None else []
        self._answered = threading.Event()  # no create of ours is on its way
        self._answered.set()
        self._on_its_way = False
        settings = ambient(spec)
        self._context = ProbeContext(
            outputs={},
            region=spec.cell.region,
            suffix=spec.cell.suffix,
            endpoint=settings.endpoint,
            access_key=settings.access_key,
            secret_key=settings.secret_key,
        )

    def provide(self, shield: Shield) -> None:
        """Look for each; make what is missing, on an emulator."""
        for wanted in self._wanted:
            found = self._ask(shield, "DescribeSecret", wanted.name, partial(self._find, wanted.name))
            if found is None and self._spec.url is not None:
                self._made.append(wanted.name)
                self._answered.clear()
                self._ask(shield, "CreateSecret", wanted.name, partial(self._make, wanted, self._draw(wanted)))
                self._record.note(f"made the secret {wanted.name}, a prerequisite; it goes again with the cell")
            elif found is None or "DeletedDate" in found:
                raise PhaseError(self._missing(wanted, found))

    def remove(self) -> None:
        """Remove those that carry our tag; what cannot be removed is a leak."""
        record = self._record
        self._on_its_way = not self._answered.wait(GRACE)
        left = tuple(ref for name in self._made if (ref := self._remove(name)) is not None)
        self._context.close()
        if not left:
            return
        failure = Failure(
            phase=PhaseName.LEAK_CHECK,
            message="; ".join(f"the secret {ref.id}, a prerequisite, is not removed: {ref.reason}" for ref in left),
            hint=f"harness destroy {self._spec.run} tries again; the lease stays open",
        )
        with suppress(PhaseError), record.phase(PhaseName.LEAK_CHECK, failed=CellStatus.LEAKED):
            record.leaked = (*record.leaked, *left)
            raise PhaseError(failure)

    def _ask(self, shield: Shield, operation: str, name: str, call: Callable[[], Answer]) -> Answer:
        """One call, which a signal or a limit leaves behind. Raises PhaseError."""
        from harness.run.probing import attended

        what = f"{operation} of the prerequisite {name}"
        try:
            return attended(call, shield, PHASE, what)
        except PhaseError:
            raise
        except Exception as error:
            who = f"the emulator at {self._spec.url} must answer" if self._spec.url else "the credentials need"
            hint = f"{who} secretsmanager:{operation}"
            raise PhaseError(Failure(phase=PHASE, message=f"{what} failed: {error}", hint=hint)) from error

    @property
    def _client(self) -> Any:
        return self._context.client("secretsmanager")

    def _find(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._client.describe_secret(SecretId=name)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return found

    def _draw(self, wanted: Prerequisite) -> str:
        drawn = {field: secrets.token_urlsafe(VALUE_BYTES) for field in wanted.fields}
        value = json.dumps(drawn) if drawn else secrets.token_urlsafe(VALUE_BYTES)
        self._record.secrecy.learn(drawn.values() or [value])
        return value

    def _make(self, wanted: Prerequisite, value: str) -> None:
        """Without the stack's tag: it is none of its resources, and no leftover of it."""
        tags = [{"Key": key, "Value": text} for key, text in run_tags(self._spec).items() if key != STACK_TAG]
        try:
            self._client.create_secret(Name=wanted.name, SecretString=value, Description=wanted.purpose, Tags=tags)
        except self._client.exceptions.ResourceExistsException:
            pass  # made since we looked; its tag tells by whom
        finally:
            self._answered.set()

    def _remove(self, name: str) -> ResourceRef | None:
        """Remove it where it is ours; when it is not proved gone then, what is left."""
        try:
            found = self._find(name)
            if found is None:
                if not (self._on_its_way and name == self._made[-1]):
                    return None
                reason = "its create has not come back, it may still be made"
            elif {"Key": RUN_TAG, "Value": self._spec.run} not in found.get("Tags", []):
                return None
            else:
                with suppress(self._client.exceptions.ResourceNotFoundException):
                    self._client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
                if self._find(name) is None:
                    return None
                reason = "it is still there"
        except Exception as error:  # noqa: BLE001 - whatever it is, the secret may be there
            reason = str(error)
        from harness.providers.aws.commands import command  # with every declaration

        region = self._spec.cell.region
        told = command(KIND, name, region, {}, self._spec.url)
        return ResourceRef(type=KIND, id=name, region=region, reason=reason, command=told)

    def _missing(self, wanted: Prerequisite, found: dict[str, Any] | None) -> Failure:
        program, where = self._spec.cell.program.name, f"--region {self._spec.cell.region}"
        if self._spec.url is not None:
            where += f" --endpoint-url {self._spec.url}"
        purpose = f" ({wanted.purpose})" if wanted.purpose else ""
        if found is not None:
            said = f"the secret {wanted.name}, a prerequisite of {program}, is scheduled for deletion"
            hint = f"aws secretsmanager restore-secret {where} --secret-id {wanted.name}"
        else:
            said = f"the secret {wanted.name}, a prerequisite of {program}, is not there{purpose}"
            value = json.dumps(dict.fromkeys(wanted.fields, "…"), ensure_ascii=False) if wanted.fields else "…"
            hint = f"aws secretsmanager create-secret {where} --name {wanted.name} --secret-string {shlex.quote(value)}"
        return Failure(phase=PHASE, message=said, hint=hint)
