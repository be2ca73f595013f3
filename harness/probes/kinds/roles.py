"""`role-may`: a role, actions and resources in; that IAM would allow them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, Texts, kind
from harness.probes.model import ProbeFailure


class RoleKeys(Keys):
    """`role-may`."""

    role: str = Field(description="ARN of the role")
    actions: Texts = Field(description="actions such as secretsmanager:GetSecretValue", min_length=1)
    resources: Texts = Field(description="ARNs that it needs each of the actions on", min_length=1)


@kind("role-may", "role", "actions")
def role_may(context: ProbeContext, keys: RoleKeys) -> Mapping[str, Any]:
    """The role's own policies allow each of the actions on each of the resources, as IAM's simulation tells."""
    simulation = context.client("iam").get_paginator("simulate_principal_policy")
    refused: dict[str, str] = {}
    for resource in keys.resources:
        pages = simulation.paginate(PolicySourceArn=keys.role, ActionNames=keys.actions, ResourceArns=[resource])
        told = {each["EvalActionName"]: each["EvalDecision"] for page in pages for each in page["EvaluationResults"]}
        for action in keys.actions:
            if told.get(action) != "allowed":
                refused[f"{action} on {resource}"] = told.get(action, "not told")
    if refused:
        raise ProbeFailure(f"the role may not {', '.join(sorted(refused))}", refused)
    return {"allowed": keys.actions, "resources": len(keys.resources)}
