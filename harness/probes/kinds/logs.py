"""`log-retention`: log groups in; that each forgets when it must out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, Texts, kind
from harness.probes.model import ProbeFailure


class LogKeys(Keys):
    """`log-retention`."""

    log_groups: Texts = Field(description="name of a log group, or a list of them", min_length=1)
    days: int = Field(ge=1, description="days after which events go, exactly")
    kms_key: str | None = Field(default=None, description="ARN of the key that encrypts them")


@kind("log-retention", "log_groups")
def log_retention(context: ProbeContext, keys: LogKeys) -> Mapping[str, Any]:
    """Every log group is there, keeps its events for exactly so many days, and is encrypted by the key."""
    logs: Any = context.client("logs")
    for name in keys.log_groups:
        # Sorted by name: where there are more than a page of that prefix, the name itself comes first.
        groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        group = next((each for each in groups if each["logGroupName"] == name), None)
        if group is None:
            raise ProbeFailure(f"there is no log group {name}")
        if group.get("retentionInDays") != keys.days:
            raise ProbeFailure(
                f"{name}: retention {group.get('retentionInDays') or 'for ever'}, wanted {keys.days} days"
            )
        if keys.kms_key is not None and group.get("kmsKeyId") != keys.kms_key:
            raise ProbeFailure(
                f"{name}: encrypted by {group.get('kmsKeyId') or 'no key of ours'}, wanted {keys.kms_key}"
            )
    return {"days": keys.days, "log groups": keys.log_groups}
