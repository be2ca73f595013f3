"""Each kind of declared probe on the real emulator: it passes, and what is broken behind the stack is caught by it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from probe_alarm_cases import ALARM_CASES, tell
from probe_case import Aws, Case
from probe_ecs_cases import ECS_CASES, a_group, a_service, a_vpc
from probe_network_cases import NETWORK_CASES, a_network, add_route, reroute
from probe_system_cases import SYSTEM_CASES, a_topic, log_flows
from probe_tables import once
from probe_tags import REGION

from harness.probes.declaring import kinds
from harness.probes.registry import ProbeContext


@pytest.fixture
def aws(context: ProbeContext) -> Aws:
    """An empty account."""
    return Aws(context)


def outcome(aws: Aws, table: str) -> Any:
    """One attempt with what was made as outputs."""
    return once(table, aws.context)


def a_bucket(aws: Aws) -> dict[str, Any]:
    """A bucket of that account's name."""
    name = f"bucket-{aws.context.access_key}"
    aws.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return {"bucket": name}


def a_queue(aws: Aws) -> dict[str, Any]:
    """A queue."""
    return {"queue": aws.sqs.create_queue(QueueName="queue")["QueueUrl"]}


def a_secret(aws: Aws) -> dict[str, Any]:
    """User and password as JSON."""
    value = json.dumps({"username": "me", "password": "correct-horse-battery-staple"})
    return {"secret": aws.secretsmanager.create_secret(Name="secret", SecretString=value)["ARN"]}


def put_secret(aws: Aws, value: str) -> None:
    """Another value."""
    aws.secretsmanager.put_secret_value(SecretId=aws["secret"], SecretString=value)


def log_groups(aws: Aws) -> dict[str, Any]:
    """Two that share a prefix, encrypted, for 30 days."""
    key = aws.kms.create_key()["KeyMetadata"]["Arn"]
    for name in ("/app", "/app/more"):
        aws.logs.create_log_group(logGroupName=name, kmsKeyId=key)
        aws.logs.put_retention_policy(logGroupName=name, retentionInDays=30)
    return {"groups": ["/app", "/app/more"], "key": key}


def without_key(aws: Aws) -> None:
    """The same group, made again by somebody else."""
    aws.logs.delete_log_group(logGroupName="/app")
    aws.logs.create_log_group(logGroupName="/app")
    aws.logs.put_retention_policy(logGroupName="/app", retentionInDays=30)


def a_key(aws: Aws) -> dict[str, Any]:
    """One that rotates, with an alias, and another."""
    key, other = (aws.kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    aws.kms.enable_key_rotation(KeyId=key)
    aws.kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
    return {"key": key, "alias": "alias/mine", "other": other}


def a_database(aws: Aws) -> dict[str, Any]:
    """Aurora with one writer, in two subnets of its own, behind a group."""
    vpc, subnets = a_vpc(aws)
    group, other = a_group(aws, vpc, "database"), a_group(aws, vpc, "other")
    aws.rds.create_db_subnet_group(DBSubnetGroupName="subnets", DBSubnetGroupDescription="d", SubnetIds=subnets)
    engine = {"Engine": "aurora-postgresql", "EngineVersion": "15.10"}
    aws.rds.create_db_cluster(
        DBClusterIdentifier="cluster",
        MasterUsername="me",
        MasterUserPassword="long-enough-1",
        DBSubnetGroupName="subnets",
        VpcSecurityGroupIds=[group],
        **engine,
    )
    aws.rds.create_db_instance(
        DBInstanceIdentifier="writer",
        DBClusterIdentifier="cluster",
        DBInstanceClass="db.serverless",
        PubliclyAccessible=False,
        **engine,
    )
    place = {"group": group, "other": other, "subnets": subnets}
    return {"cluster": "cluster", "version": "15.10", "oldest": "15.9", **place}


def a_registry(aws: Aws) -> dict[str, Any]:
    """Two repositories that scan."""
    for name in ("one", "two"):
        aws.ecr.create_repository(repositoryName=name, imageScanningConfiguration={"scanOnPush": True})
    return {"repositories": ["one", "two"]}


CASES = {
    "s3-round-trip": Case(
        a_bucket,
        "bucket = '${bucket}'",
        {"deleted": (lambda aws: aws.s3.delete_bucket(Bucket=aws["bucket"]), "NoSuchBucket")},
    ),
    "sqs-round-trip": Case(
        a_queue,
        "queue = '${queue}'\ntimeout = 0.2",
        {
            "deleted": (lambda aws: aws.sqs.delete_queue(QueueUrl=aws["queue"]), "NonExistentQueue"),
            "delayed": (
                lambda aws: aws.sqs.set_queue_attributes(QueueUrl=aws["queue"], Attributes={"DelaySeconds": "900"}),
                "did not arrive",
            ),
        },
    ),
    "secret-readable": Case(
        a_secret,
        "secret = '${secret}'\nfields = ['username', 'password']\npassword-length = 20",
        {
            "deleted": (lambda aws: aws.secretsmanager.delete_secret(SecretId=aws["secret"]), "InvalidRequest"),
            "field gone": (
                lambda aws: put_secret(aws, '{"password": "correct-horse-battery-staple"}'),
                "lacks username",
            ),
            "field empty": (lambda aws: put_secret(aws, '{"username": "", "password": "x"}'), "lacks username"),
            "too short": (lambda aws: put_secret(aws, '{"username": "me", "password": "hunter2"}'), "has 7 characters"),
            "no JSON": (lambda aws: put_secret(aws, "hunter2"), "not a JSON object"),
        },
    ),
    "log-retention": Case(
        log_groups,
        "log-groups = '${groups}'\ndays = 30\nkms-key = '${key}'",
        {
            "deleted": (lambda aws: aws.logs.delete_log_group(logGroupName="/app"), "no log group /app"),
            "for ever": (lambda aws: aws.logs.delete_retention_policy(logGroupName="/app/more"), "for ever"),
            "other days": (
                lambda aws: aws.logs.put_retention_policy(logGroupName="/app", retentionInDays=7),
                "retention 7, wanted 30",
            ),
            "no key": (without_key, "no key of ours"),
        },
    ),
    "kms-rotation": Case(
        a_key,
        "key = '${key}'\nalias = '${alias}'",
        {
            "rotation off": (lambda aws: aws.kms.disable_key_rotation(KeyId=aws["key"]), "rotation is off"),
            "disabled": (lambda aws: aws.kms.disable_key(KeyId=aws["key"]), "Disabled"),
            "to be deleted": (lambda aws: aws.kms.schedule_key_deletion(KeyId=aws["key"]), "PendingDeletion"),
            "alias elsewhere": (
                lambda aws: aws.kms.update_alias(AliasName=aws["alias"], TargetKeyId=aws["other"]),
                "alias/mine leads to",
            ),
            "alias gone": (lambda aws: aws.kms.delete_alias(AliasName=aws["alias"]), "NotFound"),
        },
    ),
    "rds-available": Case(
        a_database,
        "cluster = '${cluster}'\nversion = '${version}'\nnot-before = '${oldest}'\ninstance-class = 'db.serverless'\n"
        "equals = { DeletionProtection = false, 'length(DBClusterMembers)' = 1 }\n"
        "security-groups = '${group}'\nsubnets = '${subnets}'\npublic = false",
        {
            "no instance": (
                lambda aws: aws.rds.delete_db_instance(DBInstanceIdentifier="writer", SkipFinalSnapshot=True),
                "has 0 instances",
            ),
            "protected": (
                lambda aws: aws.rds.modify_db_cluster(DBClusterIdentifier="cluster", DeletionProtection=True),
                "DeletionProtection",
            ),
            "other version": (lambda aws: aws.made.update(version="15.1"), "version 15.10, wanted 15.1"),
            "too old": (lambda aws: aws.made.update(oldest="15.10.1"), "version 15.10, wanted 15.10.1 or newer"),
            "other class": (
                lambda aws: aws.rds.modify_db_instance(
                    DBInstanceIdentifier="writer", DBInstanceClass="db.r6g.large", ApplyImmediately=True
                ),
                "db.r6g.large",
            ),
            "stopped": (lambda aws: aws.rds.stop_db_cluster(DBClusterIdentifier="cluster"), "stop"),
            "not there": (lambda aws: aws.made.update(cluster="nowhere"), "DBClusterNotFound"),
            "in the wrong group": (
                lambda aws: aws.rds.modify_db_cluster(
                    DBClusterIdentifier="cluster", VpcSecurityGroupIds=[aws["other"]], ApplyImmediately=True
                ),
                "cluster cluster must stand elsewhere",
            ),
            "in other subnets": (lambda aws: aws["subnets"].pop(), "must stand elsewhere"),
            "open to the internet": (
                lambda aws: aws.rds.modify_db_instance(
                    DBInstanceIdentifier="writer", PubliclyAccessible=True, ApplyImmediately=True
                ),
                "instance writer can be reached from the internet",
            ),
        },
    ),
    "ecr-scan": Case(
        a_registry,
        "repositories = '${repositories}'",
        {
            "switched off": (
                lambda aws: aws.ecr.put_image_scanning_configuration(
                    repositoryName="two", imageScanningConfiguration={"scanOnPush": False}
                ),
                "does not scan on push: two",
            ),
            "deleted": (lambda aws: aws.ecr.delete_repository(repositoryName="one"), "RepositoryNotFound"),
        },
    ),
    **NETWORK_CASES,
    **ECS_CASES,
    **SYSTEM_CASES,
    **ALARM_CASES,
}
ELSEWHERE = {"http", "tcp", "tags", "suffix", "encrypted"}  # test_probe_web.py, …_marks.py, …_encrypted.py


def test_no_kind_goes_without_a_case() -> None:
    """A kind that is added needs a target that passes and one that does not."""
    assert kinds().keys() == CASES.keys() | ELSEWHERE
    assert all(case.breaks for case in CASES.values())


@pytest.mark.parametrize("kind", CASES)
def test_a_good_target_passes(aws: Aws, kind: str) -> None:
    """At the first attempt, with evidence that does not hold a secret."""
    case = CASES[kind]
    aws.made.update(case.make(aws))
    result = outcome(aws, f"kind = '{kind}'\n{case.table}\n")
    assert result.status == "passed", result.detail
    assert result.detail
    assert "correct-horse" not in result.detail


@pytest.mark.parametrize(("kind", "how"), [(kind, how) for kind, case in CASES.items() for how in case.breaks])
def test_what_was_broken_behind_the_stack_is_caught(aws: Aws, kind: str, how: str) -> None:
    """By that probe, as a failure (it may pass with time), with words that say what is wrong."""
    case = CASES[kind]
    aws.made.update(case.make(aws))
    act, said = case.breaks[how]
    act(aws)
    result = outcome(aws, f"kind = '{kind}'\n{case.table}\n")
    assert result.status == "failed", result.detail
    assert said in result.detail
    assert "hunter2" not in result.detail


def test_a_round_trip_leaves_nothing_in_a_bucket_with_versions(aws: Aws) -> None:
    """Neither a version nor a delete marker: either would keep the bucket from being deleted."""
    aws.made.update(a_bucket(aws))
    aws.s3.put_bucket_versioning(Bucket=aws["bucket"], VersioningConfiguration={"Status": "Enabled"})
    result = outcome(aws, "kind = 's3-round-trip'\nbucket = '${bucket}'\nprefix = 'p/'\n")
    assert result.status == "passed", result.detail
    left = aws.s3.list_object_versions(Bucket=aws["bucket"])
    assert not left.get("Versions")
    assert not left.get("DeleteMarkers")


def test_messages_of_others_stay_in_the_queue(aws: Aws) -> None:
    """They are given back at once, and the probe's own message is gone."""
    aws.made.update(a_queue(aws))
    for number in range(3):
        aws.sqs.send_message(QueueUrl=aws["queue"], MessageBody=f"order {number}")
    assert outcome(aws, "kind = 'sqs-round-trip'\nqueue = '${queue}'\n").status == "passed"
    got = aws.sqs.receive_message(QueueUrl=aws["queue"], MaxNumberOfMessages=10)["Messages"]
    assert sorted(one["Body"] for one in got) == ["order 0", "order 1", "order 2"]


def test_a_queue_in_order_works_as_well(aws: Aws) -> None:
    """A FIFO queue wants a group and a deduplication id."""
    queue = aws.sqs.create_queue(QueueName="queue.fifo", Attributes={"FifoQueue": "true"})
    aws.made.update(queue=queue["QueueUrl"])
    result = outcome(aws, "kind = 'sqs-round-trip'\nqueue = '${queue}'\n")
    assert result.status == "passed", result.detail


def test_a_topic_in_order_works_as_well(aws: Aws) -> None:
    """A FIFO topic wants a group and a deduplication id, too."""
    topic = aws.sns.create_topic(Name="topic.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    queue = aws.sqs.create_queue(QueueName="queue.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    aws.made.update(topic=topic, queue=queue)
    result = outcome(aws, "kind = 'topic-round-trip'\ntopic = '${topic}'\nqueue = '${queue}'\n")
    assert result.status == "passed", result.detail


def test_two_probes_of_one_queue_do_not_take_each_others_messages(aws: Aws) -> None:
    """One through its topic and four of itself, at once: each passes at its first attempt."""
    aws.made.update(a_topic(aws))
    tables = ["kind = 'topic-round-trip'\ntopic = '${topic}'\nqueue = '${queue}'\n"]
    tables += ["kind = 'sqs-round-trip'\nqueue = '${queue}'\n"] * 4
    with ThreadPoolExecutor(len(tables)) as pool:
        results = list(pool.map(lambda table: outcome(aws, table), tables))
    assert [one.status for one in results] == ["passed"] * len(tables), results


def test_targets_of_the_chain_must_be_healthy(aws: Aws) -> None:
    """As many as wanted; an emulator's load balancer leads to no container, so that its URL is told as not asked."""
    aws.made.update(a_service(aws))
    aws.elbv2.register_targets(TargetGroupArn=aws["mine"], Targets=[{"Id": "10.0.0.5", "Port": 80}])
    table = f"kind = 'target-chain'\n{CASES['target-chain'].table}\n"
    result = outcome(aws, f"{table}url = 'http://192.0.2.1/'\n")
    assert result.status == "passed", result.detail
    assert "healthy targets: 1; url: not asked" in result.detail
    result = outcome(aws, f"{table}healthy = 2\n")
    assert (result.status, "1 targets are healthy, wanted 2" in result.detail) == ("failed", True), result.detail


def test_a_flow_log_that_fits_may_stand_beside_others(aws: Aws) -> None:
    """One of refused traffic, made first, does not hide that of all."""
    vpc, _ = a_vpc(aws)
    aws.logs.create_log_group(logGroupName="/vpc/flows")
    log_flows(aws, vpc, "REJECT")
    log = log_flows(aws, vpc, "ALL")
    aws.made.update(vpc=vpc)
    result = outcome(aws, "kind = 'flow-logs'\nvpc = '${vpc}'\n")
    assert (result.status, log in result.detail) == ("passed", True), result.detail


def test_a_version_ends_where_its_number_ends(aws: Aws) -> None:
    """15 and 15. mean any 15.x; 1 does not; an instance can be asked for alone."""
    aws.made.update(a_database(aws))
    table = "kind = 'rds-available'\ninstance = 'writer'\n"
    for version, status in (("15", "passed"), ("15.", "passed"), ("15.10", "passed"), ("1", "failed")):
        assert outcome(aws, f"{table}version = '{version}'\n").status == status, version


LEADS_NOWHERE = "kind = 'vpc-layout'\nvpc = '${vpc}'\nprivate = '${private}'\nnat = false\n"


def test_private_subnets_may_be_meant_to_lead_nowhere(aws: Aws) -> None:
    """`nat = false` passes without a way out, and fails with one."""
    aws.made.update(a_network(aws))
    result = outcome(aws, LEADS_NOWHERE)
    assert (result.status, '["0.0.0.0/0 to nat-' in result.detail) == ("failed", True), result.detail
    reroute(aws, "closed")
    result = outcome(aws, LEADS_NOWHERE)
    assert result.status == "passed", result.detail


@pytest.mark.parametrize(
    ("blocks", "way"),
    [(["0.0.0.0/1", "128.0.0.0/1"], "nat"), (["203.0.113.0/24"], "gateway"), (["::/0"], "gateway")],
    ids=["two halves", "one block", "version 6"],
)
def test_no_block_leads_out_where_nothing_must(aws: Aws, blocks: list[str], way: str) -> None:
    """Neither the internet in halves, nor a part of it, nor that of version 6."""
    aws.made.update(a_network(aws))
    reroute(aws, "closed")
    for block in blocks:
        add_route(aws, "closed", block, **{"NatGatewayId" if way == "nat" else "GatewayId": aws[way]})
    result = outcome(aws, LEADS_NOWHERE)
    assert result.status == "failed", result.detail
    assert f"to {aws[way]}" in result.detail


def test_the_policy_that_every_topic_has_lets_alarms_in(aws: Aws) -> None:
    """That of a topic which nobody gave one, and which is under no key."""
    topic = aws.sns.create_topic(Name="plain")["TopicArn"]
    tell(aws, "one", topic)
    aws.made.update(topic=topic)
    result = outcome(aws, "kind = 'alarms'\nalarms = 'one'\ntopic = '${topic}'\n")
    assert result.status == "passed", result.detail
