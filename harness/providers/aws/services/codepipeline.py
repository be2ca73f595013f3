"""CodePipeline: pipelines, and connections to where sources are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update
from harness.providers.aws.shapes import from_api, to_api

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_KIND: Final = ("category", "owner", "provider", "version")
_PLAIN: Final = ("commands", "configuration", "name", "namespace", "outputVariables", "region", "roleArn")
_NUMBERS: Final = ("runOrder", "timeoutInMinutes")
_ARTIFACTS: Final = ("inputArtifacts", "outputArtifacts")
_PIPELINE: Final = "artifactStores executionMode pipelineType roleArn stages triggers variables"
_RENAME: Final = {"pushes": "push"}


def _action(block: Props) -> Item:
    result: Item = {
        "actionTypeId": {name: str(block[name]) for name in _KIND},
        **{name: block[name] for name in _PLAIN if block.get(name)},
        **{name: int(block[name]) for name in _NUMBERS if block.get(name) is not None},
        **{name: [{"name": one} for one in block[name]] for name in _ARTIFACTS if block.get(name)},
    }
    if "configuration" in result:
        result["configuration"] = {key: str(one) for key, one in result["configuration"].items()}
    return result


def _action_block(item: Item, asked: Props) -> Props:
    block: Props = {
        **item["actionTypeId"],
        **{name: item[name] for name in (*_PLAIN, *_NUMBERS) if item.get(name)},
        **{name: [one["name"] for one in item[name]] for name in _ARTIFACTS if item.get(name)},
    }
    known = asked.get("configuration") or {}
    if block.get("configuration"):  # AWS tells a token as stars
        block["configuration"] = {
            key: known[key] if key in known and one and not one.strip("*") else one
            for key, one in block["configuration"].items()
        }
    return block


def _pipeline(work: Work) -> Item:
    inputs = work.inputs
    shape = work.input_shape("CreatePipeline").members["pipeline"].members
    stores = {
        str(one.get("region") or work.region): to_api(
            shape["artifactStore"], {key: value for key, value in one.items() if key != "region"}, {}
        )
        for one in inputs["artifactStores"]
    }
    place = {"artifactStore": next(iter(stores.values()))} if len(stores) == 1 else {"artifactStores": stores}
    return {
        "name": inputs["name"],
        "roleArn": inputs["roleArn"],
        **place,
        "stages": [
            {"name": stage["name"], "actions": [_action(one) for one in stage["actions"]]} for stage in inputs["stages"]
        ],
        **{name: inputs[name] for name in ("executionMode", "pipelineType") if inputs.get(name)},
        **{name: to_api(shape[name], inputs[name], _RENAME) for name in ("triggers", "variables") if inputs.get(name)},
    }


def _create(work: Work) -> str:
    tags = [{"key": key, "value": one} for key, one in (work.inputs.get("tagsAll") or {}).items()]
    work.call("CreatePipeline", pipeline=_pipeline(work), **({"tags": tags} if tags else {}))
    work.id = str(work.inputs["name"])
    return work.id


def _update(work: Work) -> None:
    work.call("UpdatePipeline", pipeline=_pipeline(work))


def _read_more(work: Work, item: Item, props: Props) -> None:
    found: Any = item["pipeline"]
    for name in ("name", "roleArn", "executionMode", "pipelineType"):
        if found.get(name):
            props[name] = found[name]
    single = {"": found["artifactStore"]} if found.get("artifactStore") else found.get("artifactStores") or {}
    props["artifactStores"] = [
        {**from_api(one, {}), **({"region": region} if region else {})} for region, one in single.items()
    ]
    asked = {stage["name"]: stage.get("actions") or [] for stage in work.inputs.get("stages") or []}
    props["stages"] = [
        {"name": stage["name"], "actions": _actions(stage["actions"], asked.get(stage["name"], []))}
        for stage in found["stages"]
    ]
    for name in ("triggers", "variables"):
        if found.get(name):
            props[name] = from_api(found[name], {"push": "pushes", "pullRequest": "pullRequests"})


def _actions(items: list[Item], asked: list[Props]) -> list[Props]:
    known = {one["name"]: one for one in asked}
    return [_action_block(one, known.get(one["name"], {})) for one in items]


_ACTION: Final = " ".join(
    f"actions.{name}" for name in (*_KIND, *_PLAIN, *_NUMBERS, *_ARTIFACTS) if name != "configuration"
)

PIPELINE = Resource(
    token="aws:codepipeline/pipeline:Pipeline",
    service="codepipeline",
    noun="CodePipeline pipeline",
    args=f"{_PIPELINE} name",
    required="artifactStores roleArn stages",
    create_with=_create,
    identity="{name}",
    templates={"arn": "arn:{partition}:codepipeline:{region}:{account}:{id}"},
    read=Call("GetPipeline", {"name": "{id}"}),
    read_more=_read_more,
    delete=Call("DeletePipeline", {"name": "{id}"}),
    updates=(Update(_PIPELINE, apply=_update, on_create=False),),
    nested={
        "artifactStores": "encryptionKey.id encryptionKey.type location region type",
        "stages": f"name {_ACTION} actions.configuration.*",
        "triggers": "providerType gitConfiguration.sourceActionName gitConfiguration.pushes.* "
        "gitConfiguration.pullRequests.*",
        "variables": "defaultValue description name",
    },
    sets="artifactStores",
    computed="executionMode triggers",
    defaults={"pipelineType": "V1"},
    naming=Naming("name", limit=100, allowed=r"A-Za-z0-9.@\-_", prefix=""),
    tagging=Tagging(
        tag=Call("TagResource", {"resourceArn": "{arn}"}),
        untag=Call("UntagResource", {"resourceArn": "{arn}"}),
        listing=Call("ListTagsForResource", {"resourceArn": "{arn}"}, at="tags"),
    ),
    find=Find(Call("ListPipelines", at="pipelines[]"), id="name"),
    # A role made a moment ago cannot be assumed yet.
    retry_create="InvalidStructureException:not authorized to perform AssumeRole",
)


def _connection(token: str, service: str, refused: str, more: str) -> Resource:
    """The same service under its old and its new name."""
    return Resource(
        token=token,
        service=service,
        noun="connection",
        args="hostArn name providerType",
        refused=refused,
        outputs=f"arn connectionStatus{more}",
        create=Call("CreateConnection"),
        id="ConnectionArn",
        rename={"arn": "ConnectionArn", "name": "ConnectionName"},
        read=Call("GetConnection", {"ConnectionArn": "{id}"}, at="Connection"),
        delete=Call("DeleteConnection", {"ConnectionArn": "{id}"}),
        computed="providerType",
        naming=Naming("name", limit=32, allowed=r"A-Za-z0-9.@\-_", prefix=""),
        tagging=Tagging(
            tag=Call("TagResource", {"ResourceArn": "{id}"}),
            untag=Call("UntagResource", {"ResourceArn": "{id}"}),
            listing=Call("ListTagsForResource", {"ResourceArn": "{id}"}, at="Tags"),
        ),
        find=Find(Call("ListConnections", at="Connections[]"), id="ConnectionArn"),
    )


CONNECTION = _connection("aws:codestarconnections/connection:Connection", "codestar-connections", refused="", more="")
CODE_CONNECTION = _connection(
    "aws:codeconnections/connection:Connection", "codeconnections", refused="timeouts", more=" ownerAccountId"
)
