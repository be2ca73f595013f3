"""`ecr-scan`: repositories in; that each scans what is pushed out. `ecr-image`: that it holds a tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, Texts, kind
from harness.probes.model import ProbeFailure


class RepositoryKeys(Keys):
    """`ecr-scan`."""

    repositories: Texts = Field(description="name of a repository, or a list of them", min_length=1)


@kind("ecr-scan", "repositories")
def ecr_scan(context: ProbeContext, keys: RepositoryKeys) -> Mapping[str, Any]:
    """Every repository scans on push by its own setting."""
    found = context.client("ecr").describe_repositories(repositoryNames=keys.repositories)["repositories"]
    scans = {one["repositoryName"]: one.get("imageScanningConfiguration", {}).get("scanOnPush") for one in found}
    silent = sorted(name for name in keys.repositories if not scans.get(name))
    if silent:
        raise ProbeFailure(f"does not scan on push: {', '.join(silent)}")
    return {"scan on push": sorted(scans)}


class ImageKeys(Keys):
    """`ecr-image`."""

    repository: str = Field(description="name of the repository")
    tag: str = Field(description="tag of the image that it must hold")


@kind("ecr-image", "repository", "tag")
def ecr_image(context: ProbeContext, keys: ImageKeys) -> Mapping[str, Any]:
    """The repository holds an image with the tag."""
    client: Any = context.client("ecr")
    found = client.describe_images(repositoryName=keys.repository, imageIds=[{"imageTag": keys.tag}])["imageDetails"]
    if not found:
        raise ProbeFailure(f"{keys.repository} holds no image {keys.tag}")
    return {"digest": found[0]["imageDigest"]}
