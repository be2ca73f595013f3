"""`kms-rotation`: a key or an alias in; that the key is enabled and rotates out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, kind
from harness.probes.model import ProbeFailure


class RotationKeys(Keys):
    """`kms-rotation`."""

    key: str | None = Field(default=None, description="id or ARN of the key")
    alias: str | None = Field(default=None, description="alias/…; with `key` it must lead to that key")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.key is None and self.alias is None:
            raise ValueError("needs `key` or `alias`")
        return self


@kind("kms-rotation", "key", "alias")
def kms_rotation(context: ProbeContext, keys: RotationKeys) -> Mapping[str, Any]:
    """The key is enabled and its rotation is on; the alias leads to it."""
    kms: Any = context.client("kms")
    found = [kms.describe_key(KeyId=name)["KeyMetadata"] for name in (keys.key, keys.alias) if name]
    arns = [one["Arn"] for one in found]
    if len(set(arns)) > 1:
        raise ProbeFailure(f"{keys.alias} leads to {arns[1]}, wanted {arns[0]}")
    if found[0]["KeyState"] != "Enabled":
        raise ProbeFailure(f"the key is {found[0]['KeyState']}", {"key": arns[0]})
    rotation = kms.get_key_rotation_status(KeyId=found[0]["KeyId"])  # this call takes no alias
    if not rotation["KeyRotationEnabled"]:
        raise ProbeFailure("rotation is off", {"key": arns[0]})
    days = rotation.get("RotationPeriodInDays")
    return {"key": arns[0], "rotation": f"every {days} days" if days else "on"}
