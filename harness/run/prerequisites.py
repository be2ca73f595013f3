"""A cell whose program needs what is not its own in; these secrets there as long as the cell lives, out.

On an emulator what is missing is made, with drawn values, and removed again after the destroy; on AWS it is asked for,
with the command that makes it. What was there before is never touched. What is made is on disk before it is made, so
that whoever ends the cell of a dead process removes it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from harness.model import CellStatus, Failure, PhaseName, Prerequisite, ResourceRef
from harness.run.marks import ambient, run_tags
from harness.run.record import PhaseError, Record
from harness.run.shield import Shield
from harness.world.files import CellFiles

TICK = 0.05  # seconds between two looks at whether we must stop
VALUE_BYTES = 24  # of a drawn value
KIND = "aws:secretsmanager/secret:Secret"


@contextmanager
def prerequisites(record: Record, shield: Shield, leased: Callable[[float], bool]) -> Iterator[None]:
    """See that they are there, and afterwards remove those that we made. Raises PhaseError for one that is missing."""
    if not record.spec.cell.program.prerequisites:
        yield
        return
    secrets_ = _Secrets(record)
    try:
        if not record.spec.recover:
            _await_lease(shield, leased, record)
            secrets_.provide()
        yield
    finally:
        if record.status is not CellStatus.KEPT:  # the stack still reads them
            secrets_.remove()


def _await_lease(shield: Shield, leased: Callable[[float], bool], record: Record) -> None:
    """Nothing is made before it is on disk."""
    while not leased(TICK):
        if (reason := shield.stop()) is not None:
            failure = Failure(phase=PhaseName.PREFLIGHT, message=f"stopped: {reason}", hint="nothing had been made")
            _refuse(record, PhaseError(failure, interrupted=shield.interrupted is not None))


def _refuse(record: Record, error: PhaseError) -> None:
    with record.phase(PhaseName.PREFLIGHT, failed=CellStatus.REJECTED):
        raise error


class _Secrets:
    """The prerequisites of one cell."""

    def __init__(self, record: Record) -> None:
        from harness.probes.context import ProbeContext  # boto3, which most programs need not pay for

        self._record = record
        self._region = record.spec.cell.region
        self._file = CellFiles(record.spec.directory).prerequisites
        settings = ambient(record.spec)
        self._emulator = settings.endpoint is not None
        self._context = ProbeContext(
            outputs={},
            region=self._region,
            suffix=record.spec.cell.suffix,
            endpoint=settings.endpoint,
            access_key=settings.access_key,
            secret_key=settings.secret_key,
        )

    def provide(self) -> None:
        """Look for each; make what is missing, on an emulator."""
        made: list[str] = []
        for wanted in self._record.spec.cell.program.prerequisites:
            try:
                found = self._find(wanted.name)
                if found is None and self._emulator:
                    made.append(wanted.name)
                    self._file.write_text(json.dumps(made), encoding="utf-8")
                    self._make(wanted)
                    self._record.note(f"made the secret {wanted.name}, a prerequisite; it goes again with the cell")
                    continue
            except Exception as error:  # noqa: BLE001 - boto3's errors have no common base; each means the same here
                failure = Failure(
                    phase=PhaseName.PREFLIGHT,
                    message=f"the prerequisite {wanted.name} cannot be looked at: {error}",
                    hint="the credentials need secretsmanager:DescribeSecret",
                )
                _refuse(self._record, PhaseError(failure))
            if found is None or "DeletedDate" in found:
                _refuse(self._record, PhaseError(self._missing(wanted, found)))

    def remove(self) -> None:
        """Remove what is on the list; what cannot be removed is a leak."""
        try:
            made = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            made = []
        for name in made:
            try:
                self._delete(name)
            except Exception as error:  # noqa: BLE001 - whatever it is, the secret is still there
                self._leaked(name, str(error))
        self._context.close()
        if made and not self._record.leaked:
            self._file.unlink(missing_ok=True)

    @property
    def _client(self) -> Any:
        return self._context.client("secretsmanager")

    def _find(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._client.describe_secret(SecretId=name)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return found

    def _make(self, wanted: Prerequisite) -> None:
        drawn = {field: secrets.token_urlsafe(VALUE_BYTES) for field in wanted.fields}
        value = json.dumps(drawn) if drawn else secrets.token_urlsafe(VALUE_BYTES)
        self._record.secrecy.learn(drawn.values() or [value])
        tags = [{"Key": key, "Value": text} for key, text in run_tags(self._record.spec).items()]
        self._client.create_secret(Name=wanted.name, SecretString=value, Description=wanted.purpose, Tags=tags)

    def _delete(self, name: str) -> None:
        with suppress(self._client.exceptions.ResourceNotFoundException):
            self._client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        if self._find(name) is not None:
            raise RuntimeError("it is still there")

    def _leaked(self, name: str, reason: str) -> None:
        flags = f"--force-delete-without-recovery --region {self._region}"
        command = f"aws secretsmanager delete-secret {flags} --secret-id {name}"
        ref = ResourceRef(type=KIND, id=name, reason=reason, command=command)
        record = self._record
        failure = Failure(
            phase=PhaseName.LEAK_CHECK,
            message=f"the secret {name}, made as a prerequisite, is left: {reason}",
            hint=command,
        )
        with suppress(PhaseError), record.phase(PhaseName.LEAK_CHECK, failed=CellStatus.LEAKED):
            record.leaked = (*record.leaked, ref)
            raise PhaseError(failure)

    def _missing(self, wanted: Prerequisite, found: dict[str, Any] | None) -> Failure:
        program, where = self._record.spec.cell.program.name, f"--region {self._region}"
        purpose = f" ({wanted.purpose})" if wanted.purpose else ""
        if found is not None:
            said = f"the secret {wanted.name}, a prerequisite of {program}, is scheduled for deletion"
            hint = f"aws secretsmanager restore-secret {where} --secret-id {wanted.name}"
        else:
            said = f"the secret {wanted.name}, a prerequisite of {program}, is not there{purpose}"
            value = json.dumps(dict.fromkeys(wanted.fields, "…")) if wanted.fields else "…"
            hint = f"aws secretsmanager create-secret {where} --name {wanted.name} --secret-string '{value}'"
        return Failure(phase=PhaseName.PREFLIGHT, message=said, hint=hint)
