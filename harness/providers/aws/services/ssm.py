"""Systems Manager: parameters, and the function that reads one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update
from harness.providers.aws.registry import function
from harness.providers.aws.sending import parameters
from harness.providers.contract import CheckFailure, Secret

if TYPE_CHECKING:
    from harness.providers.aws.asking import Asking
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_SETTINGS: Final = "allowedPattern dataType description keyId tier type value"
_CLEARED: Final = {"allowedPattern": "AllowedPattern", "description": "Description"}
_TARGET: Final = {"ResourceType": "Parameter", "ResourceId": "{id}"}
_SECURE: Final = "SecureString"


def _put(work: Work, *, overwrite: bool) -> None:
    """All settings go with every call: AWS falls back to its own key for a value that comes without one."""
    params = parameters(work, "PutParameter", ["name", *_SETTINGS.split()], work.resource.rename)
    if work.inputs.get("insecureValue") is not None:
        params["Value"] = str(work.inputs["insecureValue"])
    for name, member in _CLEARED.items():
        if overwrite and not work.creating and work.changed(name):
            params.setdefault(member, "")
    tags = [{"Key": key, "Value": one} for key, one in (work.inputs.get("tagsAll") or {}).items()]
    if tags and not overwrite:  # AWS takes tags with a new parameter only; the rest is tagged afterwards
        params["Tags"] = tags
    work.call("PutParameter", Overwrite=overwrite, **params)


def _create(work: Work) -> str:
    _put(work, overwrite=bool(work.inputs.get("overwrite")))
    return str(work.inputs["name"])


def _change(work: Work) -> None:
    _put(work, overwrite=True)


def _read(work: Work) -> Item | None:
    own = [{"Key": "Name", "Option": "Equals", "Values": [work.id]}]
    described = work.pages("DescribeParameters", "Parameters[]", ParameterFilters=own)
    if not described:
        return None
    value = work.call("GetParameter", Name=work.id, WithDecryption=True)["Parameter"]
    return {**described[0], **value}


def _read_more(work: Work, item: Item, props: Props) -> None:
    props["hasValueWo"] = False
    if item["Type"] != _SECURE and work.inputs.get("insecureValue") is not None:
        props["insecureValue"] = item["Value"]
    if work.inputs.get("tier") == "Intelligent-Tiering":  # AWS tells the tier that it chose
        props["tier"] = "Intelligent-Tiering"


def _check(inputs: Props) -> list[CheckFailure]:
    given = [name for name in ("value", "insecureValue") if inputs.get(name) is not None]
    if len(given) != 1:
        return [CheckFailure("value", "exactly one of `value` and `insecureValue` must be given")]
    if inputs["type"] == _SECURE and given == ["insecureValue"]:
        return [CheckFailure("insecureValue", f"`insecureValue` does not go with the type {_SECURE}; use `value`")]
    return []


PARAMETER = Resource(
    token="aws:ssm/parameter:Parameter",
    service="ssm",
    noun="SSM parameter",
    args=f"{_SETTINGS} insecureValue name overwrite",
    refused="arn valueWo valueWoVersion",
    required="type",
    outputs="arn hasValueWo version",
    create_with=_create,
    identity="{name}",
    check=_check,
    read_with=_read,
    read_more=_read_more,
    delete=Call("DeleteParameter", {"Name": "{id}"}),
    updates=(Update(f"{_SETTINGS} insecureValue", apply=_change, on_create=False),),
    inert="overwrite",
    secret="value",
    computed="dataType keyId tier",
    naming=Naming("name", limit=2048, allowed=r"A-Za-z0-9_.\-/", prefix=""),
    tagging=Tagging(
        tag=Call("AddTagsToResource", _TARGET),
        untag=Call("RemoveTagsFromResource", _TARGET),
        listing=Call("ListTagsForResource", _TARGET, at="TagList"),
    ),
    find=Find(Call("DescribeParameters", at="Parameters[]"), id="Name"),
    absent="InvalidResourceId",
)


@function("aws:ssm/getParameter:getParameter", "name withDecryption")
def get_parameter(asking: Asking, args: Props) -> Props:
    """A parameter by its name; the value is secret, and also open when the parameter is no secure one."""
    decrypt = bool(args.get("withDecryption", True))
    found = asking.client("ssm").get_parameter(Name=args["name"], WithDecryption=decrypt)["Parameter"]
    return {
        "id": found["ARN"],
        "arn": found["ARN"],
        "name": found["Name"],
        "type": found["Type"],
        "value": Secret(found["Value"]),
        "insecureValue": "" if found["Type"] == _SECURE else found["Value"],
        "version": found["Version"],
        "withDecryption": decrypt,
    }
