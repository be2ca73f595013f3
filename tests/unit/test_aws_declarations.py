"""Every declaration against the SDK's own classes and botocore's models; no network."""

from __future__ import annotations

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest

from harness.providers.ambient import Ambient
from harness.providers.aws import AwsPackage, registry, shapes
from harness.providers.aws.clients import Access, Clients
from harness.providers.aws.declare import Resource
from harness.providers.contract import CheckRequest, CreateRequest, ProviderError

NOWHERE = Ambient(endpoint="http://127.0.0.1:1", region="eu-central-1", access_key="111111111111", secret_key="x")
RESOURCES = {one.token: one for one in registry.resources().values()}


@cache
def sdk_modules() -> dict[str, tuple[Path, str]]:
    """File and class of every resource of the SDK, by token."""
    spec = importlib.util.find_spec("pulumi_aws")
    assert spec is not None
    assert spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0])
    found = {}
    for service in {token.split(":")[1].split("/")[0] for token in RESOURCES}:
        for file in (root / service).glob("*.py"):
            for token in re.findall(r"^@pulumi.type_token\(\"(aws:[^\"]+)\"\)", file.read_text(), re.MULTILINE):
                found[token] = (file, token.rsplit(":", 1)[-1])
    return found


def getters(node: ast.ClassDef) -> set[str]:
    """Pulumi's names of a class's properties."""
    names = set()
    for member in node.body:
        if not isinstance(member, ast.FunctionDef):
            continue
        for mark in member.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pulumi.getter":
                names.add(str(mark.keywords[0].value.value))
            elif ast.unparse(mark) == "pulumi.getter":
                names.add(member.name)
    return names


def sdk_names(token: str) -> tuple[set[str], set[str]]:
    """Arguments and outputs of a type, as the SDK has them."""
    file, name = sdk_modules()[token]
    classes = {node.name: node for node in ast.parse(file.read_text()).body if isinstance(node, ast.ClassDef)}
    args = classes.get(f"{name}InitArgs") or classes[f"{name}Args"]
    return getters(args), getters(classes[name])


@pytest.mark.parametrize("token", sorted(RESOURCES))
def test_every_sdk_argument_is_supported_or_refused_by_name(token: str) -> None:
    """No argument of the SDK's class falls between: it is served, or a message says `--provider official`."""
    arguments, _ = sdk_names(token)
    declared = RESOURCES[token].arguments | set(RESOURCES[token].refused.split())
    assert arguments == declared


@pytest.mark.parametrize("token", sorted(RESOURCES))
def test_every_output_is_one_of_the_sdk(token: str) -> None:
    """What we call an output, the SDK calls so too: a program can read it."""
    _, outputs = sdk_names(token)
    assert set(RESOURCES[token].properties) <= outputs


def operations(resource: Resource) -> list[str]:
    """Every operation that the declaration names outside its functions."""
    tagging = resource.tagging
    calls = [resource.create, resource.read, resource.delete, *(one.call for one in resource.updates)]
    calls += [tagging.tag, tagging.untag, tagging.listing] if tagging else []
    calls += [resource.find.call] if resource.find else []
    return [call.operation for call in calls if call]


@pytest.mark.parametrize("token", sorted(RESOURCES))
def test_every_operation_and_parameter_is_in_the_model(token: str) -> None:
    """A misspelt operation or parameter is found here, not by a user."""
    resource = RESOURCES[token]
    clients = Clients(Access(region="eu-central-1", endpoint="http://127.0.0.1:1", access_key="a", secret_key="b"))
    model = clients.client(resource.service).meta.service_model
    assert set(operations(resource)) <= set(model.operation_names)
    for update in resource.updates:
        if update.call:
            members = model.operation_model(update.call.operation).input_shape.members
            rename = {**resource.rename, **update.rename}
            missing = {n for n in update.names if (rename.get(n) or shapes.member_for(members, n)) not in members}
            assert not missing, f"{update.call.operation} has no parameter for {missing}"


@pytest.mark.parametrize("token", sorted(RESOURCES))
def test_words_of_a_declaration_name_its_own_properties(token: str) -> None:
    """A mark (json, sets, computed, …) on a property that does not exist does nothing, silently."""
    resource = RESOURCES[token]
    for marks in (
        "json",
        "sets",
        "secret",
        "inert",
        "computed",
        "write_only",
        "blocks",
        "untold",
        "replace",
        "required",
    ):
        assert set(getattr(resource, marks).split()) <= set(resource.properties), marks
    for table in (resource.defaults, resource.initial, resource.reset, resource.nested):
        assert set(table) <= set(resource.properties)


def check(token: str, **inputs: object) -> dict[str, str]:
    """Failures of a check, by property."""
    provider = AwsPackage(NOWHERE).configure({})
    request = CheckRequest(f"urn:pulumi:s::p::{token}::thing", token, "thing", dict(inputs), {}, b"seed")
    return {one.property: one.reason for one in provider.check(request).failures}


def test_a_misspelt_argument_is_told_with_its_nearest_valid_name() -> None:
    """The user reads what was meant, at the top level and inside a block."""
    assert "`cidrBlock`" in check("aws:ec2/vpc:Vpc", cidrBlok="10.0.0.0/16")["cidrBlok"]
    block = check("aws:ecr/repository:Repository", imageScanningConfiguration={"scanOnPsh": True})
    assert "`scanOnPush`" in block["imageScanningConfiguration.scanOnPsh"]


def test_an_unsupported_argument_names_the_official_provider() -> None:
    """It is never ignored."""
    assert "--provider official" in check("aws:s3/bucket:Bucket", acl="private")["acl"]


def test_an_automatic_name_obeys_the_service_and_the_seed() -> None:
    """Lower case and at most 63 characters for a bucket, `.fifo` at the end of a FIFO queue, the same each time."""
    provider = AwsPackage(NOWHERE).configure({})

    def name(token: str, logical: str, **inputs: object) -> dict[str, object]:
        request = CheckRequest(f"x::{logical}", token, logical, dict(inputs), {}, b"seed")
        return provider.check(request).inputs

    bucket = str(name("aws:s3/bucket:Bucket", "My_" + "x" * 80)["bucket"])
    assert re.fullmatch(r"my-x{52}-[0-9a-f]{7}", bucket)
    assert bucket == name("aws:s3/bucket:Bucket", "My_" + "x" * 80)["bucket"]
    assert re.fullmatch(r"q-[0-9a-f]{7}\.fifo", str(name("aws:sqs/queue:Queue", "q", fifoQueue=True)["name"]))


def test_tags_of_the_resource_win_over_the_providers_and_those_over_the_cells() -> None:
    """Merged in that order, and told in `tagsAll`."""
    package = AwsPackage(
        Ambient(endpoint=NOWHERE.endpoint, access_key="1", tags={"a": "cell", "b": "cell", "c": "cell"})
    )
    provider = package.configure({"defaultTags": '{"tags": {"b": "provider", "c": "provider"}}'})
    request = CheckRequest("x::v", "aws:ec2/vpc:Vpc", "v", {"cidrBlock": "10.0.0.0/16", "tags": {"c": "own"}}, {}, b"")
    assert provider.check(request).inputs["tagsAll"] == {"a": "cell", "b": "provider", "c": "own"}


def test_the_programs_credentials_never_reach_an_emulator() -> None:
    """On an ambient endpoint the ambient credentials count, whatever the program's provider says."""
    given = {"accessKey": "REAL", "secretKey": "REAL", "token": "REAL", "profile": "prod"}
    access = AwsPackage(NOWHERE).configure(given).clients.access
    assert "REAL" not in (access.access_key, access.secret_key, access.token)
    assert access.profile is None


def test_an_unknown_setting_of_the_provider_is_refused() -> None:
    """With the nearest valid name, or the way to the official provider."""
    failures = {
        one.property: one.reason for one in AwsPackage(NOWHERE).check_config({"regoin": "x", "httpProxy": "y"}).failures
    }
    assert "`region`" in failures["regoin"]
    assert "--provider official" in failures["httpProxy"]


@pytest.mark.parametrize(("variable", "value"), [("AWS_CA_BUNDLE", " "), ("AWS_PROFILE", "no-such-profile")])
def test_settings_that_botocore_cannot_use_are_told_in_words(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Wherever a client is first needed: in a check, for an id foreseen, in a create, in a function."""
    monkeypatch.setenv(variable, value)
    block = {"imageScanningConfiguration": {"scanOnPush": True}}
    for use in (
        lambda: check("aws:ecr/repository:Repository", **block),
        lambda: AwsPackage(NOWHERE).configure({}).identify("aws:sqs/queue:Queue", {"name": "q"}),
        lambda: AwsPackage(NOWHERE).configure({}).create(CreateRequest("u", "aws:sqs/queue:Queue", "q", {"name": "q"})),
        lambda: AwsPackage(NOWHERE).configure({}).invoke("aws:index/getCallerIdentity:getCallerIdentity", {}),
        lambda: AwsPackage(NOWHERE).configure({"allowedAccountIds": ["1"]}),
    ):
        with pytest.raises(ProviderError, match="the AWS settings of this machine or program do not work") as caught:
            use()
        assert caught.value.definite
