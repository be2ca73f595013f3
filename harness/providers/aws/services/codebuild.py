"""CodeBuild: projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update
from harness.providers.aws.sending import parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_PROJECT: Final = (
    "artifacts autoRetryLimit badgeEnabled buildBatchConfig buildTimeout cache concurrentBuildLimit description "
    "encryptionKey environment logsConfig queuedTimeout secondaryArtifacts secondarySourceVersions secondarySources "
    "serviceRole source sourceVersion vpcConfig"
)


def _update(work: Work) -> None:
    """The operation takes whole blocks only, and keeps what it is not told."""
    names = [name for name in _PROJECT.split() if work.changed(name)]
    params = parameters(work, "UpdateProject", names, PROJECT.rename)
    for name in names:
        if not work.inputs.get(name) and name in {"description", "sourceVersion"}:
            params[name] = ""
    work.call("UpdateProject", name=work.get("name"), **params)


def _write_tags(work: Work, tags: Mapping[str, str]) -> None:
    work.call("UpdateProject", name=work.get("name"), tags=[{"key": key, "value": one} for key, one in tags.items()])


def _all(work: Work) -> list[str]:
    """ARNs, which the listing does not tell."""
    names = work.pages("ListProjects", "projects[]")
    return [f"arn:{work.partition}:codebuild:{work.region}:{work.account}:project/{name}" for name in names]


def _read_more(work: Work, item: Item, props: Props) -> None:
    badge = item.get("badge") or {}
    props["badgeEnabled"] = bool(badge.get("badgeEnabled"))
    if badge.get("badgeRequestUrl"):
        props["badgeUrl"] = badge["badgeRequestUrl"]
    if (item.get("cache") or {}).get("type", "NO_CACHE") == "NO_CACHE" and not work.inputs.get("cache"):
        props.pop("cache", None)


PROJECT = Resource(
    token="aws:codebuild/project:Project",
    service="codebuild",
    noun="CodeBuild project",
    args=f"{_PROJECT} name",
    refused="fileSystemLocations projectVisibility resourceAccessRole",
    required="artifacts environment serviceRole source",
    outputs="arn badgeUrl publicProjectAlias",
    create=Call("CreateProject"),
    id="project.arn",
    identity="arn:{partition}:codebuild:{region}:{account}:project/{name}",
    rename={
        "buildTimeout": "timeoutInMinutes",
        "queuedTimeout": "queuedTimeoutInMinutes",
    },
    read=Call("BatchGetProjects", {"names": ["{id}"]}, at="projects[0]"),
    read_more=_read_more,
    delete=Call("DeleteProject", {"name": "{name}"}),
    updates=(Update(_PROJECT, apply=_update, on_create=False),),
    sets="secondaryArtifacts secondarySourceVersions secondarySources",
    # Blocks are told whole, with everything that AWS fills in.
    computed="cache encryptionKey logsConfig",
    untold="autoRetryLimit buildBatchConfig cache concurrentBuildLimit logsConfig queuedTimeout secondaryArtifacts "
    "secondarySourceVersions secondarySources vpcConfig",
    defaults={"badgeEnabled": False, "buildTimeout": 60, "queuedTimeout": 480},
    naming=Naming("name", limit=150, allowed=r"A-Za-z0-9\-_", prefix=""),
    tagging=Tagging(write=_write_tags),
    find=Find(id="value", items=_all),
    # A role made a moment ago cannot be assumed yet.
    retry_create="InvalidInputException:is not authorized to perform\nInvalidInputException:sts:AssumeRole\n"
    "InvalidInputException:Not authorized to perform DescribeSecurityGroups",
)
