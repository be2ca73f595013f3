"""A service and statements in; a role that this service takes on, with just these permissions, out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from parts.settings import Settings


@dataclass(frozen=True)
class Role:
    """A role, and the policies that whoever uses it must wait for."""

    role: aws.iam.Role
    granted: list[pulumi.Resource]

    @property
    def arn(self) -> pulumi.Output[str]:
        """Of the role."""
        return self.role.arn


def role(
    name: str,
    settings: Settings,
    *,
    called: str,
    service: str,
    statements: Sequence[Mapping[str, Any]],
    opts: pulumi.ResourceOptions,
) -> Role:
    """Make one, with a policy unless it may do nothing. Only for this account the service takes it on."""
    assume = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": settings.account}},
    }
    made = aws.iam.Role(
        name,
        name=settings.name(called),
        description=f"{called} of {settings.project}",
        assume_role_policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [assume]}),
        tags=settings.tags,
        opts=opts,
    )
    if not statements:
        return Role(made, [])
    policy = aws.iam.RolePolicy(
        f"{name}-policy",
        name=settings.name(called),
        role=made.name,
        policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)}),
        opts=opts,
    )
    return Role(made, [policy])
