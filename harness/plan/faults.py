"""A fault file (TOML) in, the rules that the fault proxy is given out; what is malformed is named with line and key."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from harness.errors import ConfigError
from harness.model import Cell, FaultKind, FaultRule, PhaseName
from harness.plan.settings import parse_duration
from harness.plan.toml_place import refuse, refuse_invalid

HOLD: Final = 86_400_000  # milliseconds that a hanging call is held: a day, which no client of ours waits for
_ANSWERS: Final = {"throttle", "denied", "error"}  # kinds that answer with an error of the service's own
# What each service says, by its API reference ("Common errors"). The code decides whether an SDK tries again.
_THROTTLES: Final = {
    "s3": ("SlowDown", 503),
    "ec2": ("RequestLimitExceeded", 503),
    "sqs": ("RequestThrottled", 400),
    "lambda": ("TooManyRequestsException", 429),
}
_BY_PROTOCOL: Final = {"query": ("Throttling", 400), "rest-json": ("ThrottlingException", 429)}
_DENIALS: Final = {"s3": ("AccessDenied", 403), "ec2": ("UnauthorizedOperation", 403)}


def _milliseconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return round(parse_duration(value, "latency") * 1000)
    except ConfigError as error:
        raise ValueError(f"{value!r} is not a duration") from error


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class _Fault(BaseModel):
    """`[[fault]]`: which calls, in which cells and phases, meet what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind = Field(description="throttle, denied, error, latency, hang or reset")
    name: str = Field(default="", description="text: what reports call it")
    service: str = Field(default="*", description="a service as boto3 calls it, such as sqs, or *")
    operation: str = Field(default="*", description="an operation such as CreateQueue, or a glob such as Delete*")
    resource: str = Field(default="", description="a part of the name of a bucket, queue, table, topic or function")
    cell: str = Field(default="*", description="a glob for programs or cells, such as starter*")
    phase: Annotated[tuple[PhaseName, ...], BeforeValidator(_listed)] = Field(
        default=(), description=f"one or a list of {', '.join(PhaseName)}"
    )
    times: int | None = Field(default=None, ge=1, description="how often it fires at most; without it, always")
    after: int = Field(default=0, ge=0, description="how many calls pass before the first that is hit")
    sequence: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = Field(
        default=None, description="[FAIL, PASS]: so many are hit, so many pass, and again"
    )
    probability: float = Field(default=1.0, gt=0, le=1, description="a number above 0, up to 1")
    code: str | None = Field(default=None, min_length=1, description="an error code such as AccessDenied")
    status: int | None = Field(default=None, ge=400, le=599, description="an HTTP status, 400 to 599")
    message: str = Field(default="injected by harness --faults", description="text")
    latency: Annotated[int, BeforeValidator(_milliseconds)] | None = Field(
        default=None, ge=1, description="how long the call waits: 200ms, 2s, 1m"
    )
    must_fire: bool = Field(default=False, description="true: the cell fails when it never fires")

    @model_validator(mode="after")
    def _agrees(self) -> _Fault:
        if self.kind == "latency" and self.latency is None:
            raise ValueError("kind latency needs latency, such as 2s")
        if self.kind not in _ANSWERS and (self.code or self.status):
            raise ValueError(f"kind {self.kind} answers nothing, so it has no code and no status")
        if self.after and self.sequence:
            raise ValueError("after and sequence both count calls: give one of them")
        return self


class _FaultFile(BaseModel):
    """The file as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, description="a number: the same draws for probability in every run")
    fault: list[dict[str, Any]] = Field(default_factory=list, description="[[fault]] tables")


def read_faults(path: Path, cells: Sequence[Cell]) -> tuple[int, tuple[FaultRule, ...]]:
    """Seed and rules of a fault file. Raises ConfigError naming file, line and key; nothing was touched then."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        file = _FaultFile.model_validate(document)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}", hint="--faults takes a TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}", hint="mend the TOML in that line") from error
    except ValidationError as error:
        raise refuse_invalid(path, (), _FaultFile, error) from error
    if not file.fault:
        raise ConfigError(f"{path} holds no [[fault]]", hint='write [[fault]], kind = "throttle", service = "sqs"')
    rules = tuple(_rule(path, index, table) for index, table in enumerate(file.fault))
    for index, rule in enumerate(rules):
        if not any(for_cell((rule,), cell.name, cell.program.name) for cell in cells):
            programs = ", ".join(sorted({cell.program.name for cell in cells}))
            raise refuse(path, ("fault", index, "cell"), f"no cell is called {rule.cell!r}", f"there is {programs}")
    return file.seed, rules


def for_cell(rules: tuple[FaultRule, ...], cell: str, program: str) -> tuple[FaultRule, ...]:
    """The rules that are meant for a cell."""
    return tuple(rule for rule in rules if fnmatchcase(cell, rule.cell) or fnmatchcase(program, rule.cell))


def _rule(path: Path, index: int, table: dict[str, Any]) -> FaultRule:
    place = ("fault", index)
    try:
        fault = _Fault.model_validate(table)
    except ValidationError as error:
        raise refuse_invalid(path, place, _Fault, error) from error
    protocol = _check_call(path, place, fault)
    return FaultRule(
        number=index + 1,
        name=fault.name or f"{fault.kind} {fault.service}:{fault.operation}",
        service=fault.service,
        operation=fault.operation,
        kind=fault.kind,
        phases=fault.phase,
        cell=fault.cell,
        after=fault.after,
        must_fire=fault.must_fire,
        rule=_translated(fault, protocol),
    )


def _check_call(path: Path, place: tuple[str, int], fault: _Fault) -> str:
    """The service's protocol. Raises ConfigError where no such call exists: such a rule would test nothing."""
    if fault.service == "*":
        return ""
    from botocore.loaders import Loader  # what boto3 knows of services is data on disk

    loader = Loader()
    known = loader.list_available_services("service-2")
    if fault.service not in known:
        close = difflib.get_close_matches(fault.service, known, n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(close)}?" if close else "the name is boto3's, such as sqs"
        raise refuse(path, (*place, "service"), f"no service {fault.service!r}", hint)
    model = loader.load_service_model(fault.service, "service-2")
    operations = list(model["operations"])
    if not any(fnmatchcase(name, fault.operation) for name in operations):
        close = difflib.get_close_matches(fault.operation, operations, n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(close)}?" if close else "the name is AWS's, such as CreateQueue"
        raise refuse(path, (*place, "operation"), f"{fault.service} has no operation {fault.operation!r}", hint)
    return str(model["metadata"]["protocol"])


def _translated(fault: _Fault, protocol: str) -> dict[str, Any]:
    """The fault in microburst's words; globs and phases, which it has none for, stay with the rule."""
    rule: dict[str, Any] = {"service": fault.service, "probability": fault.probability}
    if fault.resource:
        rule["resource"] = fault.resource
    if fault.times:
        rule["times"] = fault.times
    if fault.sequence:
        rule["sequence"] = list(fault.sequence)
    if fault.latency:
        rule["latency"] = fault.latency
    if fault.kind == "hang":
        rule["timeout_ms"] = HOLD
    if fault.kind == "reset":
        rule["reset"] = True
    if fault.kind in _ANSWERS:
        code, usual = _answer(fault.kind, fault.service, protocol)
        # Somebody's own code gets the status that microburst knows for it, unless one is given, too.
        status = fault.status or (None if fault.code else usual)
        rule["error"] = {"code": fault.code or code, "status": status, "message": fault.message}
    return rule


def _answer(kind: FaultKind, service: str, protocol: str) -> tuple[str, int]:
    if kind == "throttle":
        return _THROTTLES.get(service) or _BY_PROTOCOL.get(protocol, ("ThrottlingException", 400))
    if kind == "denied":
        other = ("AccessDenied", 403) if protocol == "query" else ("AccessDeniedException", 400)
        return _DENIALS.get(service, other)
    return ("InternalError" if service in {"s3", "ec2"} else "InternalFailure", 500)
