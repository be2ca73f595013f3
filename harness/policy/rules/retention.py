"""A database or a log group in; backups that are kept too short, and logs that are kept too long, out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from harness.policy.rule import UNKNOWN, Params, Resource, param, rule

# The argument, and what counts when the program leaves it out (the provider's own documentation of it).
_BACKUPS: Final = {
    "aws:docdb/cluster:Cluster": ("backupRetentionPeriod", 1),
    "aws:neptune/cluster:Cluster": ("backupRetentionPeriod", 1),
    "aws:rds/cluster:Cluster": ("backupRetentionPeriod", 1),
    "aws:rds/instance:Instance": ("backupRetentionPeriod", 0),
    "aws:redshift/cluster:Cluster": ("automatedSnapshotRetentionPeriod", 1),
}
_TABLE: Final = "aws:dynamodb/table:Table"
_RECOVERY_DAYS: Final = 35  # of DynamoDB's point-in-time recovery, when the table says nothing else
_LONGEST_BACKUP: Final = 35  # days; what RDS allows
_LONGEST_LOG: Final = 3653  # days; the longest retention of CloudWatch that is not for ever


@dataclass(frozen=True)
class BackupRetention(Params):
    """How long, and of what."""

    days: int = param(1, f"1 to {_LONGEST_BACKUP}: fewest days", least=1, most=_LONGEST_BACKUP)
    tables: bool = param(default=False, words="true to ask DynamoDB tables for point-in-time recovery as well")


@rule(
    "backup-retention",
    description="Databases keep their backups long enough.",
    remedy="set `backup_retention_period` (of a table: `point_in_time_recovery`) to at least the days wanted",
    level="advisory",
    params=BackupRetention,
)
def backup_retention(resource: Resource, params: BackupRetention) -> Iterator[str]:
    """Replicas are left out: their source holds the backups."""
    if resource.type == _TABLE and params.tables:
        yield from _table(resource, params.days)
    if resource.type not in _BACKUPS or resource.get("replicateSourceDb") is not None:
        return
    argument, default = _BACKUPS[resource.type]
    value = resource.get(argument)
    days = _days(default if value is None else value)
    if days is not None and days < params.days:
        yield f"`{argument}` is {days:g}{'' if value is not None else ' by default'}; {_at_least(params.days)}"


def _table(resource: Resource, wanted: int) -> Iterator[str]:
    enabled = resource.get("pointInTimeRecovery.enabled")
    if enabled is UNKNOWN:
        return
    if enabled is not True:
        yield "`pointInTimeRecovery` is not enabled"
        return
    value = resource.get("pointInTimeRecovery.recoveryPeriodInDays")
    days = _days(_RECOVERY_DAYS if value is None else value)
    if days is not None and days < wanted:
        yield f"`pointInTimeRecovery.recoveryPeriodInDays` is {days:g}; {_at_least(wanted)}"


def _at_least(days: int) -> str:
    return f"at least {days} {'day is' if days == 1 else 'days are'} wanted"


@dataclass(frozen=True)
class LogRetention(Params):
    """How long at most."""

    days: int = param(_LONGEST_LOG, f"1 to {_LONGEST_LOG}: most days", least=1, most=_LONGEST_LOG)


@rule(
    "log-retention",
    description="Log groups forget after a time.",
    remedy="set `retention_in_days`; without it logs are kept, and paid for, for ever",
    params=LogRetention,
)
def log_retention(resource: Resource, params: LogRetention) -> Iterator[str]:
    """Nought is what the provider writes for never."""
    if resource.type != "aws:cloudwatch/logGroup:LogGroup":
        return
    value = resource.get("retentionInDays")
    days = _days(0 if value is None else value)
    if days == 0:
        yield "`retentionInDays` is not set: its logs would never expire"
    elif days is not None and days > params.days:
        yield f"`retentionInDays` is {days:g}; at most {params.days} are allowed"


def _days(value: Any) -> float | None:
    """The number, also when it is written as text; None when it cannot be judged."""
    if isinstance(value, str) and value.isdecimal():
        return float(value)
    return float(value) if isinstance(value, int | float) else None
