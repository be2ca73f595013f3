"""The destroy ladder at the real emulator: nothing stands in its way; what it cannot do is told so that others can."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_wire import Wire, create, package
from power_cut import kill_all

from harness.providers.aws import registry
from harness.providers.contract import CreateRequest, DeleteRequest, Presence

BLOCKED = """
kept = aws.s3.Bucket("kept", bucket=f"kept-{suffix}", versioning={"enabled": True})
images = aws.ecr.Repository("images", name=f"images-{suffix}")
secret = aws.secretsmanager.Secret("secret", name=f"secret-{suffix}")
logs = aws.cloudwatch.LogGroup("logs", name=f"logs-{suffix}", skip_destroy=True)
cluster = aws.rds.Cluster(
    "cluster", cluster_identifier=f"cluster-{suffix}", engine="aurora-postgresql", master_username="u",
    master_password=pulumi.Output.secret("hunter" + "22"), deletion_protection=True,
)
for name, value in {"kept": kept.bucket, "images": images.name, "cluster": cluster.cluster_identifier}.items():
    pulumi.export(name, value)
"""
OBJECTS = 1100  # more than one call deletes
FILLS = f'''
from concurrent.futures import ThreadPoolExecutor
from harness.probes.registry import probe

@probe(timeout=120)
def filled(context):
    """Somebody works with it, as people do: objects, versions, markers, an upload that never ends, an image, logs."""
    s3, bucket = context.client("s3"), context.outputs["kept"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: s3.put_object(Bucket=bucket, Key=f"k{{n % 1000}}", Body=b"x"), range({OBJECTS})))
    s3.delete_object(Bucket=bucket, Key="k1")
    s3.create_multipart_upload(Bucket=bucket, Key="never")
    context.client("ecr").put_image(
        repositoryName=context.outputs["images"], imageManifest='{{"schemaVersion": 2}}', imageTag="v1"
    )
    cluster = context.outputs["cluster"]
    context.client("logs").create_log_group(logGroupName=f"/aws/rds/cluster/{{cluster}}/postgresql")
    context.client("rds").create_db_cluster_snapshot(
        DBClusterIdentifier=cluster, DBClusterSnapshotIdentifier=f"by-hand-{{cluster}}"
    )
'''


@pytest.fixture
def run(harness, shop) -> Callable[..., Any]:
    """Runs a shop at a target, without policy, which would not let it begin, and straight up."""

    def begin(url: str, source: str = "", *flags: str, **files: str):
        quiet = ("--no-preflight", "--no-policy", "--no-recheck")
        return harness("run", str(shop(source, **files)), "--target", url, *quiet, "--json", "-", *flags)

    return begin


def words(refs: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What is told of each, by the last part of its type."""
    told: dict[str, list[str]] = {}
    for one in refs:
        told.setdefault(one["type"].rpartition(":")[2], []).append(one["reason"])
    return told


def test_what_stands_in_the_way_is_lifted_and_told(run, harness, emulator, auditor) -> None:
    """No `force_destroy`, no `skip_final_snapshot`, deletion protection, a recovery window; and all of it in use."""
    done = run(emulator.url, BLOCKED, probes=FILLS)
    assert done.code == 0, done.err
    ask = auditor(done.cell["account"])
    assert ask.left() == []
    assert ask.client("rds").describe_db_cluster_snapshots()["DBClusterSnapshots"] == []
    lifted = words(done.cell["resources"]["unblocked"])
    assert lifted["Bucket"] == [
        f"emptied of {OBJECTS + 1} objects, versions and delete markers",
        "1 unfinished uploads aborted",
    ]
    assert lifted["Repository"] == ["emptied of 1 images"]
    assert lifted["Secret"] == ["deleted without a recovery window"]
    assert lifted["LogGroup"] == ["deleted, though the program would leave it"]
    assert set(lifted["Cluster"]) == {"no final snapshot is made", "deletion protection switched off"}
    assert set(words(done.cell["resources"]["remnants"])) == {"LogGroup", "ClusterSnapshot"}
    assert f"unblocked aws:s3/bucket:Bucket kept-{done.cell['suffix']}: emptied of" in done.err
    assert harness("leases", "--json", "-").document == []


SECRET = """
word = "hunter" + "2222"
secret = aws.secretsmanager.Secret("secret", name=f"secret-{suffix}", recovery_window_in_days=0)
aws.secretsmanager.SecretVersion("version", secret_id=secret.id, secret_string=pulumi.Output.secret(word))
pulumi.export("word", pulumi.Output.secret(word))
if live:
    after(lambda: fail(ValueError("the first cause")))
"""
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


def test_what_cannot_be_destroyed_is_recorded_so_that_anybody_can_end_it(run, harness, line, auditor) -> None:
    """Exit 3, an open lease, the first cause first; the record names exactly what is left, with its command.

    It goes when a later destroy proves all of it gone.
    """
    line.operation, line.delivers, line.answers, line.body = b"DELETE /shop-bucket", False, 403, DENIED
    done = run(line.url, SECRET)
    cell = done.cell
    assert (done.code, cell["status"]) == (3, "LEAKED")
    assert "the first cause" in cell["error"]["message"]
    assert "AccessDenied" in cell["error"]["detail"]
    [left] = cell["resources"]["leaked"]
    assert (left["type"], left["id"]) == ("aws:s3/bucket:Bucket", f"shop-bucket-{cell['suffix']}")
    assert left["command"].startswith(f"aws s3 rb s3://{left['id']} --force --region us-east-1 --endpoint-url ")
    assert cell["resources"]["unverified"] == []
    [lease] = harness("leases", "--json", "-").document
    assert lease["state"] == "leaked"

    record = Path(cell["leak_record"])
    assert str(record) in done.err
    document = json.loads(record.read_text())
    assert document["finish"] == f"harness destroy {lease['run']}"
    assert document["account"] == cell["account"]
    [told] = document["leaked"]
    assert {key: told[key] for key in ("type", "id", "region", "account", "command")} == {
        "type": left["type"],
        "id": left["id"],
        "region": "us-east-1",
        "account": cell["account"],
        "command": left["command"],
    }
    text = record.with_suffix(".txt")
    assert left["command"] in text.read_text()
    state = Path(document["state"])
    assert left["id"] in state.read_text()
    for path in (record, text, state):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "hunter2222" not in path.read_text()

    again = harness("destroy", lease["run"], "--json", "-")
    assert again.code == 3
    assert record.exists()
    line.operation = b""
    ended = harness("destroy", lease["run"], "--json", "-")
    assert ended.code == 0, ended.err
    assert auditor(cell["account"]).left() == []
    assert not record.exists()
    assert not text.exists()
    assert harness("leases", "--json", "-").document == []


def test_what_passes_is_waited_for(run, line, auditor) -> None:
    """The target answers with a fault for longer than its client tries: the destroy goes on, and nothing is wrong."""
    line.operation, line.delivers, line.answers, line.times = b"AmazonSQS.DeleteQueue", False, 500, 4
    done = run(line.url)
    assert line.broken == 4
    assert done.code == 0, done.err
    assert "again in 1 s" in done.err
    assert auditor(done.cell["account"]).left() == []


DYNAMIC = """
import pathlib
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Files(ResourceProvider):
    def create(self, props):
        pathlib.Path(props["path"]).write_text("made")
        return CreateResult("file", props)

    def delete(self, _id, props):
        pathlib.Path(props["path"]).unlink()

class File(Resource):
    def __init__(self, name, path):
        super().__init__(Files(), name, {"path": path})

def declare(_):
    file = File("hidden", os.environ["MADE"])
    if live:
        file.id.apply(lambda _: time.sleep(600))

queue.arn.apply(declare)
"""


def test_a_lock_is_released_only_when_its_owner_is_dead_and_ours(harness, shop, emulator, auditor, eventually) -> None:
    """After a power cut: a lock of another host keeps everybody's hands off; ours is released.

    A dynamic resource that no preview shows, as it is declared in an `apply`, is in the state, and goes with the rest.
    """
    made = harness.cwd / "made"
    harness.environment["MADE"] = str(made)
    process = harness.start("run", str(shop(DYNAMIC)), "--target", emulator.url, "--no-policy", "--no-probe")
    eventually(made.exists)
    time.sleep(1)  # the engine hears of it, and writes it down
    kill_all(process)
    [lock] = harness.home.glob("runs/*/*/state/.pulumi/locks/**/*.json")
    [lease] = harness("leases", "--json", "-").document
    ours = lock.read_bytes()
    lock.write_text(json.dumps({**json.loads(ours), "hostname": "elsewhere"}))
    refused = harness("destroy", lease["run"], "--json", "-")
    assert refused.code == 3
    assert f"rm {lock}" in refused.err
    assert len(auditor(lease["account"]).left()) == 2, "somebody else may work on it"
    lock.write_bytes(ours)
    done = harness("destroy", lease["run"], "--json", "-")
    assert done.code == 0, done.err
    assert "released the lock" in done.err
    assert auditor(lease["account"]).left() == []
    assert not made.exists()


def test_a_lost_association_of_a_route_table_is_found_by_what_it_joins(line, emulator, account, tmp_path) -> None:
    """It has no tags, and its id is only told in the answer."""
    provider = package(emulator.url, account).configure({})

    def make(token: str, **inputs: Any) -> str:
        return provider.create(CreateRequest("urn", token, "x", inputs)).id

    vpc = make("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")
    subnet = make("aws:ec2/subnet:Subnet", vpcId=vpc, cidrBlock="10.0.1.0/24")
    table = make("aws:ec2/routeTable:RouteTable", vpcId=vpc)
    line.operation = b"Action=AssociateRouteTable"
    token = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    said, journal = create(line.url, account, tmp_path, token, {"routeTableId": table, "subnetId": subnet})
    assert "not known" in said
    [intent] = journal.open_intents()
    assert intent.id == f"{table}+{subnet}"
    assert provider.presence(token, intent.id, {})[0] is Presence.EXISTS
    provider.delete(DeleteRequest("", token, intent.id, {}, {}))
    assert provider.presence(token, intent.id, {})[0] is Presence.GONE


FAULTS = {
    "denied": (403, "AccessDenied"),
    "throttled": (400, "ThrottlingException"),
    "ill": (500, "InternalError"),
    "a stranger": (404, ""),
}
IDS = {
    "aws:ec2/securityGroupRule:SecurityGroupRule": "sg-1_ingress_tcp_1_2_10.0.0.0/8",
    "aws:ec2/route:Route": "rtb-1_10.0.0.0/8",
    "aws:ec2/internetGatewayAttachment:InternetGatewayAttachment": "igw-1:vpc-1",
    "aws:secretsmanager/secretVersion:SecretVersion": f"arn|{'v' * 32}",
    "aws:iam/policy:Policy": "arn:aws:iam::123456789012:policy/thing",
    "aws:iam/rolePolicy:RolePolicy": "role:policy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "role/arn",
}


def refusal(protocol: str, service: str, code: str) -> bytes:
    """The body of an error, as services of this protocol write it; without a code a stranger's page."""
    if not code:
        return b"<html>nothing here</html>"
    if "json" in protocol:
        return json.dumps({"__type": code, "message": "no"}).encode()
    error = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
    if protocol == "ec2":
        error = f"<Response><Errors>{error}</Errors></Response>"
    elif service != "s3":
        error = f"<ErrorResponse>{error}</ErrorResponse>"
    return error.encode()


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_called_gone_that_could_not_be_asked_about(line: Wire, account: str, fault: str) -> None:
    """Of every declared type: refused, throttled or ill is no answer."""
    status, code = FAULTS[fault]
    line.operation, line.delivers, line.answers, line.times = b" ", False, status, 100_000
    provider = package(line.url, account).configure({"maxRetries": "0"})
    unasked = set()
    for token, declared in registry.resources().items():
        if not code and declared.token == "aws:s3/bucket:Bucket":
            continue  # HEAD: the status is all that S3 says, too
        protocol = provider.clients.client(declared.service).meta.service_model.protocol
        line.body = refusal(protocol, declared.service, code)
        before = line.broken
        answer, detail = provider.presence(token, IDS.get(token, "thing-1"), {})
        assert answer is Presence.UNVERIFIED, (token, detail)
        if line.broken == before:
            unasked.add(token)
    assert len(unasked) < len(registry.resources()) / 5, f"an id that is none: nothing was asked of {unasked}"
    seen = provider.search(registry.resources(), {"a": "b"})
    assert (seen.found, seen.searched) == ([], [])
    assert set(seen.failed) == {one.token for one in registry.resources().values() if one.searchable}
