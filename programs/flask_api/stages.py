"""Configuration in; how far this `up` goes, and which image it runs, out."""

import pulumi

REPOSITORY = "repository"


def goes_on() -> bool:
    """Whether more than the repository is wanted. Raises RunError for a stage that does not exist."""
    stage = pulumi.Config().get("stage")
    if stage not in {None, "", REPOSITORY}:
        raise pulumi.RunError(f"stage is {stage!r}; it is {REPOSITORY!r}, or left out for everything.")
    return stage != REPOSITORY


def image_tag() -> str:
    """Tag of the application's image in the stack's own repository."""
    return pulumi.Config().get("imageTag") or "1"
