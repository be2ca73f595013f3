"""What the aws provider says and keeps when the target refuses, is down, or the engine cancels."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness.providers.ambient import Ambient
from harness.providers.aws import AwsPackage, registry
from harness.providers.aws.work import Work
from harness.providers.contract import (
    UNKNOWN,
    CheckFailure,
    CheckRequest,
    CreateRequest,
    DeleteRequest,
    DiffRequest,
    PartialError,
    Presence,
    ProviderError,
    ReadRequest,
    Secret,
)
from harness.world.emulator import start_emulator
from harness.world.home import HOME_VARIABLE, open_home

VPC, QUEUE, BUCKET = "aws:ec2/vpc:Vpc", "aws:sqs/queue:Queue", "aws:s3/bucket:Bucket"


@pytest.fixture(scope="module")
def url(harness_home: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An emulator of this file's own."""
    log = tmp_path_factory.mktemp("log") / "emulator.log"
    with start_emulator(open_home({HOME_VARIABLE: str(harness_home)}), log, lambda _text: None) as emulator:
        yield emulator.url


def package(url: str, account: str = "444455556666") -> AwsPackage:
    """The package over one account of the emulator."""
    return AwsPackage(Ambient(endpoint=url, region="eu-west-1", access_key=account, secret_key="x"))


def make(provider: Any, token: str, inputs: dict[str, Any]) -> Any:
    """Create with these inputs as they are."""
    return provider.create(CreateRequest(f"urn::{token}::it", token, "it", inputs))


def test_a_refusal_keeps_awss_own_code(url: str) -> None:
    """Diagnosis reads the code; the user reads what was being done, to what."""
    with pytest.raises(ProviderError, match=r"^creating RDS cluster \(it\): \w+: .*15\.3.*operation CreateDBCluster"):
        make(
            package(url).configure({}),
            "aws:rds/cluster:Cluster",
            {"clusterIdentifier": "c", "engine": "aurora-postgresql", "engineVersion": "15.3", "masterUsername": "u"},
        )


def test_a_queue_or_bucket_of_another_is_never_taken_over(url: str) -> None:
    """AWS answers success to a second create of both; the first one's owner would lose it at destroy."""
    provider = package(url).configure({"region": "us-east-1"})
    for token, inputs in ((QUEUE, {"name": "shared"}), (BUCKET, {"bucket": "shared-bucket-of-two"})):
        make(provider, token, inputs)
        with pytest.raises(ProviderError, match="exists"):
            make(provider, token, inputs)


def test_a_target_that_is_down_is_named() -> None:
    """The message holds the endpoint, and comes soon."""
    with pytest.raises(ProviderError, match=r"http://127\.0\.0\.1:9"):
        make(package("http://127.0.0.1:9").configure({}), VPC, {"cidrBlock": "10.0.0.0/16"})


def test_cancel_hands_over_what_exists(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A create that still waits raises PartialError with the id, soon; the instance stays usable."""
    provider, waiting = package(url).configure({}), threading.Event()
    whole = Work.until

    def never(work: Work, look: Any, what: str, seconds: float | None = None) -> Any:
        if what != "not ready":
            return whole(work, look, what, seconds)
        waiting.set()
        return whole(work, lambda: None, what, seconds)  # the emulator is ready at once: AWS is not

    with monkeypatch.context() as patched, ThreadPoolExecutor(1) as pool:
        patched.setattr(Work, "until", never)
        future = pool.submit(make, provider, VPC, {"cidrBlock": "10.0.0.0/16"})
        assert waiting.wait(20)
        start = time.monotonic()
        provider.cancel()
        error = future.exception(10)
    assert isinstance(error, PartialError)
    assert time.monotonic() - start < 8
    assert provider.presence(VPC, error.resource.id, {})[0] is Presence.EXISTS
    provider.delete(DeleteRequest("", VPC, error.resource.id, {}, {}))
    assert provider.presence(VPC, error.resource.id, {})[0] is Presence.GONE


def test_what_cannot_be_asked_is_unverified(url: str) -> None:
    """Neither an unknown type nor a target that is down is ever called gone."""
    assert package(url).configure({}).presence("aws:x/y:Z", "i", {})[0] is Presence.UNVERIFIED
    assert package("http://127.0.0.1:9").configure({}).presence(BUCKET, "b", {})[0] is Presence.UNVERIFIED


def test_a_bucket_with_objects_goes_only_when_forced(url: str) -> None:
    """BucketNotEmpty without forceDestroy; versions and delete markers go with it."""
    provider = package(url).configure({})
    inputs = {"bucket": "bucket-with-things", "versioning": {"enabled": True}}
    state = make(provider, BUCKET, inputs)
    s3 = provider.clients.client("s3")
    for body in (b"one", b"two"):
        s3.put_object(Bucket=state.id, Key="a", Body=body)
    s3.delete_object(Bucket=state.id, Key="a")
    s3.put_object(Bucket=state.id, Key="b", Body=b"")
    with pytest.raises(ProviderError, match="BucketNotEmpty"):
        provider.delete(DeleteRequest("", BUCKET, state.id, inputs, state.outputs))
    provider.delete(DeleteRequest("", BUCKET, state.id, inputs, {**state.outputs, "forceDestroy": True}))
    assert provider.presence(BUCKET, state.id, {})[0] is Presence.GONE


def test_an_account_that_is_not_allowed_is_refused(url: str) -> None:
    """Before anything is made."""
    with pytest.raises(ProviderError, match="444455556666"):
        package(url).configure({"allowedAccountIds": '["111122223333"]'})


def test_a_preview_touches_nothing_and_knows_what_it_can() -> None:
    """Computed outputs are unknown, what was given is known, and no call is made: the target is down."""
    provider = package("http://127.0.0.1:9").configure({})
    state = provider.create(CreateRequest("urn", VPC, "it", {"cidrBlock": "10.0.0.0/16"}, preview=True))
    assert (state.id, state.outputs["cidrBlock"], state.outputs["arn"]) == ("", "10.0.0.0/16", UNKNOWN)


def test_a_fixed_name_is_deleted_before_it_is_replaced_and_an_automatic_one_is_not(url: str) -> None:
    """Two of one name cannot be; two of different names can."""
    provider = package(url).configure({})
    for name, first in (("fixed", True), ("it-0123456", False)):
        before = {"bucket": name}
        request = DiffRequest(f"urn::{BUCKET}::it", BUCKET, name, before, before, {**before, "objectLockEnabled": True})
        assert provider.diff(request).delete_before_replace is first


def test_functions_answer_and_refuse_by_name(url: str) -> None:
    """Each answers here; what is secret is marked; an unknown argument or token is told."""
    provider = package(url).configure({})
    secret = make(provider, "aws:secretsmanager/secret:Secret", {"name": "s", "recoveryWindowInDays": 0}).id
    make(provider, "aws:secretsmanager/secretVersion:SecretVersion", {"secretId": secret, "secretString": "hidden"})
    answer = provider.invoke("aws:secretsmanager/getSecretVersion:getSecretVersion", {"secretId": secret})
    assert isinstance(answer, dict)
    assert answer["secretString"] == Secret("hidden")
    identity = provider.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})
    assert isinstance(identity, dict)
    assert identity["accountId"] == "444455556666"
    zones = provider.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {"state": "available"})
    assert isinstance(zones, dict)
    assert zones["names"] == sorted(zones["names"])
    less = {"state": "available", "excludeZoneIds": zones["zoneIds"][:1]}
    fewer = provider.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", less)
    assert isinstance(fewer, dict)
    assert fewer["names"] == zones["names"][1:]  # by its id, whatever its letter
    wrong = provider.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {"sate": "available"})
    assert isinstance(wrong, tuple)
    assert isinstance(wrong[0], CheckFailure)
    assert "`state`" in wrong[0].reason
    with pytest.raises(ProviderError, match="--provider official"):
        provider.invoke("aws:index/getNothing:getNothing", {})


def test_sixty_four_creates_at_once_are_each_made_once(url: str) -> None:
    """Clients are made under one lock; nothing is shared between operations."""
    provider = package(url, "777788889999").configure({})
    kinds = [(QUEUE, "name"), ("aws:cloudwatch/logGroup:LogGroup", "name"), ("aws:ecr/repository:Repository", "name")]
    jobs = [(*kinds[index % 3], f"n{index}") for index in range(64)]
    with ThreadPoolExecutor(64) as pool:
        ids = list(pool.map(lambda job: make(provider, job[0], {job[1]: job[2]}).id, jobs))
    assert len(set(ids)) == len(jobs)
    assert set(registry.resources()) >= {kind for kind, _ in kinds}


def test_a_cluster_keeps_what_is_not_told_and_shows_what_has_drifted(url: str) -> None:
    """A refresh drops nothing that the emulator keeps to itself; a change behind the program's back is seen."""
    provider, token = package(url).configure({}), "aws:rds/cluster:Cluster"
    asked = {
        "clusterIdentifier": "told",
        "engine": "aurora-postgresql",
        "masterUsername": "u",
        "masterPassword": "hunter22hunter22",
        "vpcSecurityGroupIds": ["sg-1", "sg-2"],
        "enabledCloudwatchLogsExports": ["postgresql"],
        "performanceInsightsEnabled": True,
        "storageType": "aurora-iopt1",
        "skipFinalSnapshot": True,
    }
    checked = provider.check(CheckRequest(f"urn::{token}::it", token, "it", asked, {}, b"")).inputs
    state = make(provider, token, checked)
    outputs = {key: one for key, one in state.outputs.items() if not isinstance(one, Secret)}
    read = provider.read(ReadRequest("urn", token, state.id, checked, outputs))
    assert read is not None
    assert read.inputs == checked
    assert [key for key in asked if key in outputs and read.outputs.get(key) != outputs[key]] == []

    provider.clients.client("rds").modify_db_cluster(
        DBClusterIdentifier=state.id, VpcSecurityGroupIds=["sg-3"], EnableHttpEndpoint=True
    )
    drifted = provider.read(ReadRequest("urn", token, state.id, checked, outputs))
    assert drifted is not None
    assert {key for key in checked if drifted.inputs.get(key) != checked[key]} == {"vpcSecurityGroupIds"}
    assert drifted.outputs["enableHttpEndpoint"] is True
    provider.delete(DeleteRequest("urn", token, state.id, checked, outputs))
