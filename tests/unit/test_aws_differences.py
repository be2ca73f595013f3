"""What counts as a difference between a state and a program, and what is the same in other words; no network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.providers.aws import differ, normal, reading, registry
from harness.providers.aws.clients import Access, Clients
from harness.providers.aws.tags import TagRules
from harness.providers.aws.work import Work
from harness.providers.contract import Change, Diff, DiffRequest

ROLE, CLUSTER = "aws:iam/role:Role", "aws:rds/cluster:Cluster"
NAT, ENDPOINT, KEY = "aws:ec2/natGateway:NatGateway", "aws:ec2/vpcEndpoint:VpcEndpoint", "aws:kms/key:Key"
PARAMETERS = "aws:rds/clusterParameterGroup:ClusterParameterGroup"
IMPORTED = {"__imported": True}


def diff(token: str, old: dict[str, Any], new: dict[str, Any], outputs: dict[str, Any] | None = None) -> Diff:
    """What differs."""
    resource = registry.resources()[token]
    return differ.diff(resource, DiffRequest("urn::x", token, "x", old, outputs or old, new), {})


@pytest.mark.parametrize(
    ("token", "name", "there"),
    [
        (ROLE, "managedPolicyArns", ["arn:aws:iam::1:policy/p"]),
        (ENDPOINT, "routeTableIds", ["rtb-1"]),
        (CLUSTER, "vpcSecurityGroupIds", ["sg-1"]),
    ],
)
def test_an_empty_list_asks_for_nothing_and_absence_asks_not_at_all(token: str, name: str, there: list[str]) -> None:
    """`[]` takes away what is there, in place; leaving the argument out leaves to AWS what is there."""
    assert diff(token, {name: there}, {name: []}).changes == {name: Change.DELETE}
    assert not diff(token, {name: there}, {}).changes
    assert not diff(token, {}, {name: []}).changes


def trust(principal: Any) -> str:
    """A trust policy."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    ("asked", "told", "same"),
    [
        ("111122223333", "arn:aws:iam::111122223333:root", True),
        (["111122223333", "444455556666"], ["arn:aws:iam::444455556666:root", "111122223333"], True),
        (["111122223333"], "arn:aws-cn:iam::111122223333:root", True),
        ("111122223333", "arn:aws:iam::444455556666:root", False),
        ("111122223333", "arn:aws:iam::111122223333:role/root", False),
    ],
)
def test_an_account_and_its_root_are_one_principal(asked: Any, told: Any, same: bool) -> None:
    """AWS answers with the root's ARN to a bare number."""
    before, after = ({"assumeRolePolicy": trust({"AWS": one})} for one in (told, asked))
    assert bool(diff(ROLE, before, after).changes) is not same


def test_a_number_elsewhere_in_a_policy_stays_a_number() -> None:
    """A condition on an account number is not one on the ARN of its root."""
    values = (
        json.dumps({"Statement": [{"Condition": {"StringEquals": {"AWS": one}}}]})
        for one in ("111122223333", "arn:aws:iam::111122223333:root")
    )
    assert not normal.same(registry.resources()[ROLE], "assumeRolePolicy", *values)


def test_a_switch_that_is_off_is_no_difference_to_one_that_nobody_names() -> None:
    """AWS tells every switch; a program names few. One that is on still counts."""
    assert not diff(CLUSTER, {"enableHttpEndpoint": False}, {}).changes
    assert not diff(CLUSTER, {}, {"enableHttpEndpoint": False}, {"enableHttpEndpoint": False}).changes
    assert diff(CLUSTER, {"enableHttpEndpoint": True}, {}).changes
    assert diff(CLUSTER, {}, {"enableHttpEndpoint": True}, {"enableHttpEndpoint": False}).changes
    # Where a default is on, off is a difference.
    assert diff("aws:ec2/vpc:Vpc", {"enableDnsSupport": False}, {"enableDnsSupport": True}).changes


@pytest.mark.parametrize("imported", [True, False])
def test_what_the_target_does_not_tell_replaces_only_what_is_known(imported: bool) -> None:
    """A NAT gateway that was imported keeps its address; one of our own gets a new one when that changes."""
    old = {"subnetId": "s", "connectivityType": "public"}
    found = diff(NAT, {**old, **(IMPORTED if imported else {})}, {**old, "allocationId": "a"}, old)
    assert set(found.changes.values()) == (set() if imported else {Change.ADD_REPLACE})
    told = {**old, "allocationId": "b"}  # where the target does tell, another address is another gateway
    assert diff(NAT, {**told, **IMPORTED}, {**old, "allocationId": "a"}).changes == {
        "allocationId": Change.UPDATE_REPLACE
    }


@pytest.mark.parametrize(
    ("token", "asked"),
    [
        (ENDPOINT, {"privateDnsEnabled": True, "securityGroupIds": ["sg-1"]}),
        ("aws:secretsmanager/secret:Secret", {"recoveryWindowInDays": 0}),
        (KEY, {"deletionWindowInDays": 7, "bypassPolicyLockoutSafetyCheck": True}),
        ("aws:ecr/repository:Repository", {"forceDelete": True}),
        ("aws:s3/bucket:Bucket", {"forceDestroy": True}),
        (CLUSTER, {"skipFinalSnapshot": True, "masterPassword": "x", "enabledCloudwatchLogsExports": ["postgresql"]}),
    ],
)
def test_an_import_is_brought_to_the_program_in_place(token: str, asked: dict[str, Any]) -> None:
    """What steers the provider only, and what the target keeps to itself, never replaces."""
    defaults = registry.resources()[token].defaults
    found = diff(token, {**defaults, **IMPORTED}, {**defaults, **asked}, {})
    assert set(found.changes.values()) & {Change.ADD_REPLACE, Change.UPDATE_REPLACE, Change.DELETE_REPLACE} == set()


def test_a_method_that_only_one_side_names_is_no_difference() -> None:
    """AWS says for every parameter how it was applied; a program seldom does."""
    bare, told = {"name": "a", "value": "1"}, {"name": "a", "value": 1, "applyMethod": "pending-reboot"}
    other = {"name": "b", "value": "2", "applyMethod": "immediate"}
    assert not diff(PARAMETERS, {"parameters": [told, other]}, {"parameters": [other, bare]}).changes
    assert diff(PARAMETERS, {"parameters": [told]}, {"parameters": [{**bare, "applyMethod": "immediate"}]}).changes
    assert diff(PARAMETERS, {"parameters": [told]}, {"parameters": [{**bare, "value": "2"}]}).changes


@pytest.mark.parametrize(
    ("endpoint", "told", "seen"),
    [
        ("http://127.0.0.1:1", [], "asked"),
        (None, [], None),
        ("http://127.0.0.1:1", [{"AllocationId": "other"}], "other"),
        (None, [{"AllocationId": "other"}], "other"),
    ],
)
def test_silence_is_an_answer_from_aws_and_none_from_an_emulator(endpoint: Any, told: Any, seen: str | None) -> None:
    """What an emulator never tells stays as it was asked; on AWS, and wherever something is told, drift is seen."""
    clients = Clients(Access(region="eu-central-1", endpoint=endpoint, access_key="a", secret_key="b"))
    inputs = {"subnetId": "s", "connectivityType": "public", "allocationId": "asked"}
    work = Work(clients, registry.resources()[NAT], TagRules(), name="n", id="nat-1", inputs=inputs)
    item = {"NatGatewayId": "nat-1", "SubnetId": "s", "State": "available", "NatGatewayAddresses": told}
    outputs = reading.outputs(work, {**item, "ConnectivityType": "public"})
    assert outputs.get("allocationId") == seen
    assert reading.as_inputs(work, outputs).get("allocationId") == seen
