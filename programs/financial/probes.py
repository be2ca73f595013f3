"""What `up` made in, proof of what no declared probe looks at out: how many images the registry keeps."""

# ruff: noqa: S101 - a probe says no by assert; the loader keeps asserts even under `python -O`

import json

from harness.probes.registry import ProbeContext, probe

KEPT_IMAGES = 10


@probe("registry keeps ten images")
def images_kept(context: ProbeContext) -> str:
    """The lifecycle policy ends older ones."""
    name = context.outputs["repositoryName"]
    policy = context.client("ecr").get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"]
    kept = [rule["selection"]["countNumber"] for rule in json.loads(policy)["rules"]]
    assert kept == [KEPT_IMAGES], f"images kept: {kept}"
    return f"{name} keeps {KEPT_IMAGES}"
