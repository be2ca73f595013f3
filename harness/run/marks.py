"""A cell's specification in; the marks that all its resources carry, and the way to its target, out."""

from __future__ import annotations

import json
import os

from harness.model import EXPIRES_TAG, RUN_TAG, STACK_TAG
from harness.providers.ambient import Ambient
from harness.run.messages import CellSpec
from harness.world.identity import owner

EMULATOR_SECRET = "emulator"  # noqa: S105 - no emulator checks it; the access key is the account


def run_tags(spec: CellSpec) -> dict[str, str]:
    """What everything of this cell carries."""
    marks = {RUN_TAG: spec.run, STACK_TAG: spec.cell.stack, EXPIRES_TAG: spec.expires}
    return {**spec.cell.tags, **marks}


def lease_tags(spec: CellSpec) -> dict[str, str]:
    """The lease, as tags of the stack: `pulumi stack tag ls` tells whoever finds a state whose it is."""
    us = owner()
    lease = {
        RUN_TAG: spec.run,
        EXPIRES_TAG: spec.expires,
        "harness:cell": spec.cell.name,
        "harness:target": spec.url or spec.target,
        "harness:region": spec.cell.region,
        "harness:owner": f"{us['owner']}@{us['host']}",
        "harness:process": str(os.getppid()),  # the CLI, which holds the lease
    }
    return {**lease, "harness:account": spec.account} if spec.account else lease


def ambient(spec: CellSpec) -> Ambient:
    """What the bundled providers inherit from the cell. An emulator takes the account for the access key."""
    return Ambient(
        endpoint=spec.endpoint,
        region=spec.cell.region,
        access_key=spec.account if spec.url else None,
        secret_key=EMULATOR_SECRET if spec.url else None,
        tags=run_tags(spec),
        run_tag=(RUN_TAG, spec.run),
    )


def provider_config(spec: CellSpec) -> dict[str, str]:
    """Stack configuration that leads the official plugin to the target and makes it tag. Ours is led by `ambient`."""
    if spec.provider == "bundled":
        return {}
    config = {"aws:defaultTags": json.dumps({"tags": run_tags(spec)})}
    if spec.url:
        config |= {
            "aws:accessKey": spec.account or "",
            "aws:secretKey": EMULATOR_SECRET,
            "aws:skipCredentialsValidation": "true",
            "aws:skipMetadataApiCheck": "true",
            "aws:skipRequestingAccountId": "false",
            "aws:s3UsePathStyle": "true",
        }
    return config
