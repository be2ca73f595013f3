"""What IAM, RDS and Systems Manager have of their own, at the provider's door against a real emulator."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.providers.ambient import Ambient
from harness.providers.aws import AwsPackage
from harness.providers.aws.provider import AwsProvider
from harness.providers.contract import (
    CheckRequest,
    CreateRequest,
    DeleteRequest,
    DiffRequest,
    Presence,
    ProviderError,
    ReadRequest,
    Secret,
    UpdateRequest,
)
from harness.world.emulator import Emulator

ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/policy:Policy"
PARAMETER = "aws:ssm/parameter:Parameter"
CLUSTER = "aws:rds/cluster:Cluster"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)


def policy(action: str) -> str:
    """A policy that allows one action."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})


class Thing:
    """One resource through its life, as the engine would lead it."""

    def __init__(self, provider: AwsProvider, token: str, name: str, **inputs: Any) -> None:
        self.provider, self.token, self.name = provider, token, name
        self.urn = f"urn:pulumi:s::p::{token}::{name}"
        self.inputs = self.checked(inputs, {})
        state = provider.create(CreateRequest(self.urn, token, name, self.inputs))
        self.id, self.outputs = state.id, self.plain(state.outputs)

    def checked(self, inputs: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
        answer = self.provider.check(CheckRequest(self.urn, self.token, self.name, inputs, old, self.name.encode()))
        assert not answer.failures
        return answer.inputs

    @staticmethod
    def plain(props: dict[str, Any]) -> dict[str, Any]:
        return {key: one.value if isinstance(one, Secret) else one for key, one in props.items()}

    def change(self, **changed: Any) -> None:
        """Change it; an argument of None is taken out."""
        inputs = {key: one for key, one in {**self.inputs, **changed}.items() if one is not None}
        new = self.checked(inputs, self.inputs)
        state = self.provider.update(UpdateRequest(self.urn, self.token, self.id, self.inputs, self.outputs, new))
        self.inputs, self.outputs = new, self.plain(state.outputs)

    def read(self) -> dict[str, Any]:
        """Its outputs, after seeing that the inputs have not drifted and that a preview is empty."""
        state = self.provider.read(ReadRequest(self.urn, self.token, self.id, self.inputs, self.outputs))
        assert state is not None
        assert state.inputs == self.inputs
        again = DiffRequest(self.urn, self.token, self.id, state.inputs, self.plain(state.outputs), self.inputs)
        assert not self.provider.diff(again).changes
        return self.plain(state.outputs)

    def delete(self) -> None:
        self.provider.delete(DeleteRequest(self.urn, self.token, self.id, self.inputs, self.outputs))
        assert self.provider.presence(self.token, self.id, {})[0] is Presence.GONE


@pytest.fixture
def provider(emulator: Emulator) -> AwsProvider:
    """An instance with an account of its own."""
    ambient = Ambient(endpoint=emulator.url, region="eu-central-1", access_key="444455556666", secret_key="x")
    return AwsPackage(ambient).configure({})


def test_a_role_has_the_policies_of_the_program_and_no_others(provider: AwsProvider) -> None:
    """An update brings inline and attached policies to the program's lists, empty ones included."""
    managed = Thing(provider, POLICY, "managed", policy=policy("s3:GetObject"))
    inline = [{"name": "one", "policy": policy("a:B")}, {"name": "two", "policy": policy("c:D")}]
    role = Thing(
        provider,
        ROLE,
        "role",
        assumeRolePolicy=TRUST,
        managedPolicyArns=[managed.id],
        inlinePolicies=inline,
        permissionsBoundary=managed.id,
    )
    there = role.read()
    assert there["managedPolicyArns"] == [managed.id]
    assert {one["name"] for one in there["inlinePolicies"]} == {"one", "two"}

    role.change(inlinePolicies=[{"name": "two", "policy": policy("e:F")}], permissionsBoundary=None)
    there = role.read()
    assert [(one["name"], json.loads(one["policy"])) for one in there["inlinePolicies"]] == [
        ("two", json.loads(policy("e:F")))
    ]
    assert "permissionsBoundary" not in there

    role.change(inlinePolicies=[{}], managedPolicyArns=[], description="bare")
    there = role.outputs
    assert (there["inlinePolicies"], there["managedPolicyArns"]) == ([], [])
    role.delete()
    managed.delete()


def test_a_change_of_the_description_keeps_the_longest_session(provider: AwsProvider) -> None:
    """IAM's general update puts the duration back to an hour when it is left out; descriptions can be taken out."""
    role = Thing(provider, ROLE, "longest", assumeRolePolicy=TRUST, maxSessionDuration=7200)
    role.change(description="new")
    assert role.read()["maxSessionDuration"] == 7200
    role.change(description=None)
    assert not role.read().get("description")
    role.delete()


def test_an_orphaned_role_goes_with_all_that_clings_to_it(provider: AwsProvider) -> None:
    """Known by nothing but its id: policies and profiles are taken off first, and the profile stays."""
    managed = Thing(provider, POLICY, "clinging", policy=policy("s3:GetObject"))
    role = Thing(provider, ROLE, "orphan", assumeRolePolicy=TRUST)
    Thing(provider, "aws:iam/rolePolicy:RolePolicy", "inside", role=role.id, policy=policy("a:B"))
    Thing(provider, "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "attached", role=role.id, policyArn=managed.id)
    profile = Thing(provider, "aws:iam/instanceProfile:InstanceProfile", "profile", role=role.id)
    provider.delete(DeleteRequest("", ROLE, role.id, {}, {}))
    assert provider.presence(ROLE, role.id, {})[0] is Presence.GONE
    assert provider.presence(profile.token, profile.id, {})[0] is Presence.EXISTS
    profile.delete()
    managed.delete()


def test_a_policy_can_be_changed_more_often_than_iam_keeps_versions(provider: AwsProvider) -> None:
    """IAM keeps five versions: the oldest make room."""
    managed = Thing(provider, POLICY, "changing", policy=policy("s3:Get0"))
    for number in range(1, 8):
        managed.change(policy=policy(f"s3:Get{number}"))
    assert json.loads(managed.read()["policy"]) == json.loads(policy("s3:Get7"))
    managed.delete()


def test_a_parameter_keeps_its_settings_when_its_value_changes(provider: AwsProvider) -> None:
    """Description, pattern and kind survive a new value, and a setting that was taken out is cleared."""
    settings = {"type": "SecureString", "description": "kept", "allowedPattern": "[a-z]+", "tags": {"a": "b"}}
    secret = Thing(provider, PARAMETER, "secret", value="one", **settings)
    secret.change(value="two")
    there = secret.read()
    assert (there["value"], there["type"], there["description"]) == ("two", "SecureString", "kept")
    assert (there["allowedPattern"], there["tags"], there["version"]) == ("[a-z]+", {"a": "b"}, 2)
    answer = provider.invoke("aws:ssm/getParameter:getParameter", {"name": secret.id})
    assert answer["value"] == Secret("two")
    assert answer["insecureValue"] == ""
    secret.change(description=None, allowedPattern=None)
    there = secret.read()
    assert not there.get("description")
    assert not there.get("allowedPattern")
    secret.delete()


def test_an_open_parameter_and_a_chosen_tier_show_no_drift(provider: AwsProvider) -> None:
    """AWS tells the tier that it chose, and every value under one name."""
    shown = Thing(provider, PARAMETER, "shown", type="String", insecureValue="v", tier="Intelligent-Tiering")
    assert shown.read()["insecureValue"] == "v"
    shown.delete()


@pytest.mark.parametrize(
    "inputs",
    [
        {"type": "String"},
        {"type": "String", "value": "a", "insecureValue": "b"},
        {"type": "SecureString", "insecureValue": "b"},
    ],
)
def test_a_parameter_has_one_value(provider: AwsProvider, inputs: dict[str, Any]) -> None:
    """None, two, or an open one of a secure kind is refused before anything is made."""
    assert provider.check(CheckRequest("x::p", PARAMETER, "p", inputs, {}, b"")).failures


def test_an_encrypted_cluster_of_a_careful_program_shows_no_drift(provider: AwsProvider) -> None:
    """Everything that such a program sets is read back as it was asked, and changes in place keep the rest."""
    key = Thing(provider, "aws:kms/key:Key", "key", enableKeyRotation=True, deletionWindowInDays=7)
    group = Thing(
        provider,
        "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        "parameters",
        family="aurora-postgresql15",
        parameters=[
            {"name": "log_statement", "value": "all"},
            {"name": "rds.force_ssl", "value": "1", "applyMethod": "pending-reboot"},
        ],
    )
    group.read()
    cluster = Thing(
        provider,
        CLUSTER,
        "cluster",
        engine="aurora-postgresql",
        engineVersion="15.10",
        engineMode="provisioned",
        databaseName="db",
        masterUsername="owner",
        masterPassword="hunter22hunter22",
        storageEncrypted=True,
        kmsKeyId=key.outputs["arn"],
        dbClusterParameterGroupName=group.id,
        backupRetentionPeriod=30,
        preferredBackupWindow="03:00-04:00",
        preferredMaintenanceWindow="sun:05:00-sun:06:00",
        serverlessv2ScalingConfiguration={"minCapacity": 0.5, "maxCapacity": 1},
        enabledCloudwatchLogsExports=["postgresql"],
        iamDatabaseAuthenticationEnabled=True,
        copyTagsToSnapshot=True,
        deletionProtection=True,
        skipFinalSnapshot=True,
        applyImmediately=True,
    )
    cluster.read()
    with pytest.raises(ProviderError, match=r"[Dd]eletion"):
        cluster.delete()
    cluster.change(
        deletionProtection=False,
        enabledCloudwatchLogsExports=[],
        serverlessv2ScalingConfiguration={"minCapacity": 1, "maxCapacity": 2},
    )
    there = cluster.read()
    assert (there["backupRetentionPeriod"], there["serverlessv2ScalingConfiguration"]["maxCapacity"]) == (30, 2)
    for thing in (cluster, group, key):
        thing.delete()


def test_an_engine_version_is_found_by_prefix_preference_and_default(provider: AwsProvider) -> None:
    """The newest of a major version by number, the first preferred that exists, and AWS's own choice otherwise."""
    token = "aws:rds/getEngineVersion:getEngineVersion"

    def find(**args: Any) -> str:
        return str(provider.invoke(token, {"engine": "aurora-postgresql", **args})["version"])

    newest = find(version="15", latest=True)
    assert newest.startswith("15.")
    assert int(find(version="17", latest=True).split(".")[1]) > 9, "17.10 is newer than 17.9"
    assert find(preferredVersions=["15.3", newest, "15.10"]) == newest
    assert find(version="15.10") == "15.10"
    assert find()
    with pytest.raises(ProviderError, match="several"):
        find(version="15")
    with pytest.raises(ProviderError, match="no RDS engine version"):
        find(preferredVersions=["15.3"])


def test_an_instance_class_is_the_first_preferred_that_can_be_ordered(provider: AwsProvider) -> None:
    """In the order of preference, and only what fits the rest."""
    token = "aws:rds/getOrderableDbInstance:getOrderableDbInstance"
    asked = {"engine": "aurora-postgresql", "engineVersion": "15.10", "supportsStorageEncryption": True}
    preferred = {"preferredInstanceClasses": ["db.no.such", "db.t3.medium", "db.t3.large"]}
    assert provider.invoke(token, {**asked, **preferred})["instanceClass"] == "db.t3.medium"
    with pytest.raises(ProviderError, match="several"):
        provider.invoke(token, asked)
    with pytest.raises(ProviderError, match="no RDS instance class"):
        provider.invoke(token, {**asked, "instanceClass": "db.no.such"})
