"""ECR: repositories with their policies."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update
from harness.providers.aws.registry import function
from harness.providers.contract import Secret

if TYPE_CHECKING:
    from harness.providers.aws.asking import Asking
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props


def _scanning(work: Work) -> None:
    block = work.inputs.get("imageScanningConfiguration") or {"scanOnPush": False}
    settings = {"scanOnPush": bool(block.get("scanOnPush"))}
    work.call("PutImageScanningConfiguration", repositoryName=work.id, imageScanningConfiguration=settings)


def _delete(work: Work) -> None:
    work.call("DeleteRepository", repositoryName=work.id, force=work.forces("forceDelete"))


REPOSITORY = Resource(
    token="aws:ecr/repository:Repository",
    service="ecr",
    noun="ECR repository",
    args="encryptionConfigurations forceDelete imageScanningConfiguration imageTagMutability name",
    refused="imageTagMutabilityExclusionFilters",
    outputs="arn registryId repositoryUrl",
    create=Call("CreateRepository"),
    id="{name}",
    identity="{name}",
    rename={
        "name": "repositoryName",
        "encryptionConfigurations": "encryptionConfiguration",
        "repositoryUrl": "repositoryUri",
        "arn": "repositoryArn",
    },
    read=Call("DescribeRepositories", {"repositoryNames": ["{id}"]}, at="repositories[0]"),
    delete_with=_delete,
    updates=(
        Update("imageScanningConfiguration", apply=_scanning),
        Update("imageTagMutability", Call("PutImageTagMutability", {"repositoryName": "{id}"})),
    ),
    blocks="encryptionConfigurations",
    inert="forceDelete",
    computed="encryptionConfigurations",
    defaults={"imageTagMutability": "MUTABLE"},
    naming=Naming("name", limit=256, allowed=r"a-z0-9._/\-", lower=True, prefix=""),
    tagging=Tagging(
        tag=Call("TagResource", {"resourceArn": "{arn}"}),
        untag=Call("UntagResource", {"resourceArn": "{arn}"}),
        listing=Call("ListTagsForResource", {"resourceArn": "{arn}"}, at="tags"),
    ),
    find=Find(
        Call("DescribeRepositories", at="repositories[]"),
        id="repositoryName",
        arn="arn:{partition}:ecr:{region}:{account}:repository/{id}",
    ),
)


def _repository(work: Work, item: Item, props: Props) -> None:
    del item
    props["repository"] = work.id


def _put_lifecycle(work: Work) -> None:
    work.call("PutLifecyclePolicy", repositoryName=work.id, lifecyclePolicyText=work.inputs["policy"])


LIFECYCLE = Resource(
    token="aws:ecr/lifecyclePolicy:LifecyclePolicy",
    service="ecr",
    noun="ECR lifecycle policy",
    args="policy repository",
    required="policy repository",
    outputs="registryId",
    create=Call("PutLifecyclePolicy"),
    id="{repository}",
    identity="{repository}",
    rename={"policy": "lifecyclePolicyText", "repository": "repositoryName"},
    read=Call("GetLifecyclePolicy", {"repositoryName": "{id}"}),
    read_more=_repository,
    delete=Call("DeleteLifecyclePolicy", {"repositoryName": "{id}"}),
    updates=(Update("policy", apply=_put_lifecycle),),
    json="policy",
)


def _put_policy(work: Work) -> None:
    work.call("SetRepositoryPolicy", repositoryName=work.id, policyText=work.inputs["policy"])


POLICY = Resource(
    token="aws:ecr/repositoryPolicy:RepositoryPolicy",
    service="ecr",
    noun="ECR repository policy",
    args="policy repository",
    required="policy repository",
    outputs="registryId",
    create=Call("SetRepositoryPolicy"),
    id="{repository}",
    identity="{repository}",
    rename={"policy": "policyText", "repository": "repositoryName"},
    read=Call("GetRepositoryPolicy", {"repositoryName": "{id}"}),
    read_more=_repository,
    delete=Call("DeleteRepositoryPolicy", {"repositoryName": "{id}"}),
    updates=(Update("policy", apply=_put_policy),),
    json="policy",
    retry_create="InvalidParameterException:Principal not found",
)


@function("aws:ecr/getAuthorizationToken:getAuthorizationToken", "registryId")
def get_authorization_token(asking: Asking, args: Props) -> Props:
    """Credentials for the registry, secret."""
    registry = [args["registryId"]] if args.get("registryId") else []
    client = asking.client("ecr")
    answer = client.get_authorization_token(**({"registryIds": registry} if registry else {}))
    data = answer["authorizationData"][0]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    return {
        "id": asking.region,
        "authorizationToken": Secret(data["authorizationToken"]),
        "expiresAt": data["expiresAt"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "password": Secret(password),
        "proxyEndpoint": data["proxyEndpoint"],
        "registryId": args.get("registryId"),
        "userName": user,
    }
