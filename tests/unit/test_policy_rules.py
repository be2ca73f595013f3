"""Each policy rule on single resources: what it catches, what it lets pass, and unknown values never judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.policy.rule import UNKNOWN, Resource, StackFacts, json_schema, make_params
from harness.policy.rules import RULES
from harness.providers.aws import naming, registry

SUFFIX = "pr-7"
TAGS = {"Environment": "test", "Project": "shop", "CostCenter": "x"}
BUCKET, CLUSTER, INSTANCE = "aws:s3/bucket:Bucket", "aws:rds/cluster:Cluster", "aws:rds/instance:Instance"
QUEUE, KEY, LOGS = "aws:sqs/queue:Queue", "aws:kms/key:Key", "aws:cloudwatch/logGroup:LogGroup"
TABLE, REPOSITORY = "aws:dynamodb/table:Table", "aws:ecr/repository:Repository"
STACK = "pulumi:pulumi:Stack"
# A resource of every kind that some rule looks at, with nothing to object to.
CLEAN: dict[str, dict[str, Any]] = {
    BUCKET: {"bucket": f"shop-{SUFFIX}", "tags": TAGS, "tagsAll": TAGS},
    CLUSTER: {
        "clusterIdentifier": f"shop-{SUFFIX}",
        "skipFinalSnapshot": True,
        "deletionProtection": False,
        "deleteAutomatedBackups": True,
        "backupRetentionPeriod": 7.0,
        "masterPassword": UNKNOWN,
        "tags": TAGS,
        "tagsAll": TAGS,
    },
    INSTANCE: {"identifier": f"x-{SUFFIX}", "skipFinalSnapshot": True, "backupRetentionPeriod": 1.0, "tagsAll": {}}
    | {"tags": TAGS},
    KEY: {"enableKeyRotation": True, "tags": TAGS, "tagsAll": TAGS},
    LOGS: {"name": f"/shop/{SUFFIX}", "retentionInDays": 30.0, "tags": TAGS, "tagsAll": TAGS},
    TABLE: {"name": f"shop-{SUFFIX}", "pointInTimeRecovery": {"enabled": True}, "tags": TAGS, "tagsAll": TAGS},
    REPOSITORY: {"name": f"shop-{SUFFIX}", "imageScanningConfiguration": {"scanOnPush": True}, "tags": TAGS}
    | {"tagsAll": TAGS},
    "aws:ebs/volume:Volume": {"tags": TAGS, "tagsAll": TAGS},
    "aws:lb/loadBalancer:LoadBalancer": {"name": f"shop-{SUFFIX}", "tags": TAGS, "tagsAll": TAGS},
    "aws:autoscaling/group:Group": {"name": f"s-{SUFFIX}", "tags": [{"key": k, "value": v} for k, v in TAGS.items()]},
}


def causes(
    rule: str, type_: str, props: Mapping[str, Any], *, given: Mapping[str, Any] | None = None, **more: Any
) -> list[str]:
    """What a rule says of one resource, with these parameters (as JSON gives them)."""
    facts = more.pop("stack", StackFacts(suffix=SUFFIX))
    resource = Resource(type=type_, name=more.pop("name", "it"), props=props, stack=facts, **more)
    return RULES[rule].violations(resource, make_params(RULES[rule], given or {}))


def test_every_rule_is_found_and_says_what_it_is_for() -> None:
    """A rule is added in one file; a description and a remedy belong to it."""
    assert len(RULES) >= 10
    for name, rule in RULES.items():
        assert name == rule.name == name.lower()
        assert rule.description.endswith(".")
        assert rule.remedy


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("type_", CLEAN)
def test_a_clean_resource_passes_every_rule(name: str, type_: str) -> None:
    """Nothing is said of what is in order."""
    assert causes(name, type_, CLEAN[type_]) == []


@st.composite
def partly_unknown(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A resource of any kind, any of whose values (and values within) preview cannot know."""

    def veil(value: Any) -> Any:
        if draw(st.booleans()):
            return UNKNOWN
        if isinstance(value, dict):
            return {key: veil(one) for key, one in value.items()}
        return [veil(one) for one in value] if isinstance(value, list) else value

    type_ = draw(st.sampled_from(sorted(CLEAN)))
    return type_, {key: veil(value) for key, value in CLEAN[type_].items()}


@given(partly_unknown(), st.sampled_from(sorted(RULES)))
def test_what_preview_cannot_know_is_no_violation(seen: tuple[str, dict[str, Any]], name: str) -> None:
    """Unknown values cannot be judged: neither a violation nor a crash, wherever they stand."""
    asked = {"backup-retention": {"days": 7.0, "tables": True}, "log-retention": {"days": 30.0}}
    clean = dict(seen[1])
    if seen[0] == INSTANCE:
        clean["backupRetentionPeriod"] = UNKNOWN
    assert causes(name, seen[0], clean, given=asked.get(name)) == []


values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = sorted({key for props in CLEAN.values() for key in props} | {"finalSnapshot", "password", "environment"})


@given(st.sampled_from(sorted(CLEAN)), st.dictionaries(st.sampled_from(ARGUMENTS), values), values)
def test_no_shape_of_input_breaks_a_rule(type_: str, props: dict[str, Any], provider: Any) -> None:
    """A rule that raises would fail the whole preview."""
    defaults = {"defaultTags": provider} if not isinstance(provider, str) else {}
    for name in RULES:
        causes(name, type_, props, provider=defaults)


OFFENDERS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "backup-retention": (INSTANCE, {}, {}),
    "deletion-protection": (CLUSTER, {"deletionProtection": True}, {}),
    "ecr-scan-on-push": (REPOSITORY, {}, {}),
    "final-snapshot": (CLUSTER, {}, {}),
    "kms-rotation": (KEY, {}, {}),
    "literal-passwords": (CLUSTER, {"masterPassword": "plain"}, {}),
    "log-retention": (LOGS, {}, {}),
    "protect-or-retain": (BUCKET, {}, {"protect": True}),
    "required-tags": (QUEUE, {"tagsAll": {}}, {}),
    "suffix-in-names": (BUCKET, {"bucket": "plain"}, {}),
}


@pytest.mark.parametrize("rule", RULES)
def test_exempt_leaves_resources_alone_by_name_or_type(rule: str) -> None:
    """Every rule can be told of exceptions, as globs."""
    type_, props, more = OFFENDERS[rule]
    assert len(causes(rule, type_, props, name="legacy", **more)) == 1
    assert causes(rule, type_, props, given={"exempt": ["other", "aws:none/*"]}, name="legacy", **more)
    for glob in ("leg*", "legacy", type_, f"{type_.partition('/')[0]}/*"):
        assert causes(rule, type_, props, given={"exempt": [glob]}, name="legacy", **more) == []


@pytest.mark.parametrize("name", RULES)
def test_parameters_of_every_rule_have_words_and_a_schema(name: str) -> None:
    """What the engine checks `--policy-pack-config` against has the same defaults as the rule."""
    rule = RULES[name]
    schema = json_schema(rule.params)
    assert set(schema) == {one.name for one in dataclasses.fields(rule.params)}
    assert all(one["description"] and one["type"] for one in schema.values())
    assert make_params(rule, {key: one["default"] for key, one in schema.items()}) == rule.params()


# suffix-in-names


@given(st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True), st.from_regex(r"[a-z0-9]{2,8}", fullmatch=True))
def test_a_name_is_judged_by_the_suffix_in_it(word: str, suffix: str) -> None:
    """With the suffix anywhere, in any case, it passes; without it, it does not."""
    stack = StackFacts(suffix=suffix)
    for name in (f"{word}-{suffix}", f"{suffix}{word}", f"{word}-{suffix.upper()}-x"):
        assert causes("suffix-in-names", BUCKET, {"bucket": name}, stack=stack) == []
    bare = word.replace(suffix, "_")
    if suffix not in bare:
        [cause] = causes("suffix-in-names", BUCKET, {"bucket": f"{bare}_"}, stack=stack, name="else")
        assert f"{bare}_" in cause
        assert suffix in cause


@pytest.mark.parametrize(
    ("type_", "argument"),
    [
        (BUCKET, "bucket"),
        (CLUSTER, "clusterIdentifier"),
        ("aws:rds/clusterInstance:ClusterInstance", "identifier"),
        ("aws:elasticache/replicationGroup:ReplicationGroup", "replicationGroupId"),
        ("aws:ecs/taskDefinition:TaskDefinition", "family"),
        ("aws:kms/alias:Alias", "name"),
        ("aws:cloudwatch/dashboard:Dashboard", "dashboardName"),
        ("aws:lb/targetGroup:TargetGroup", "name"),
        ("aws:sqs/queue:Queue", "namePrefix"),
        (BUCKET, "bucketPrefix"),
    ],
)
def test_the_argument_that_names_a_thing_is_known(type_: str, argument: str) -> None:
    """Each type has its own word for its name."""
    [cause] = causes("suffix-in-names", type_, {argument: "plain"})
    assert f"`{argument}`" in cause


@pytest.mark.parametrize(
    ("type_", "props"),
    [
        ("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "plain"}),
        ("aws:route53/record:Record", {"name": "www.example.com"}),
        ("aws:iam/rolePolicy:RolePolicy", {"name": "inline"}),
        ("aws:eks/addon:Addon", {"addonName": "vpc-cni", "clusterName": "x"}),
        ("aws:workspaces/directory:Directory", {"directoryId": "d-1"}),
        ("random:index/randomPet:RandomPet", {"name": "plain", "prefix": "x"}),
        ("my:index:Component", {"name": "plain"}),
    ],
)
def test_names_of_others_and_names_within_things_are_not_judged(type_: str, props: dict[str, Any]) -> None:
    """References, domains, and names that only a parent with the suffix makes whole."""
    assert causes("suffix-in-names", type_, props) == []


NAMED = sorted(token for token, one in registry.resources().items() if one.naming)
LOGICAL = st.text(alphabet="abcdefghijklmnopqrstuvwxyzABC0123456789-_.", min_size=1, max_size=90)


@given(st.sampled_from(NAMED), LOGICAL, st.binary(min_size=1))
def test_a_name_that_the_provider_made_up_is_not_judged(type_: str, logical: str, seed: bytes) -> None:
    """The program has not declared it; it is unique already. Also where the service's limit has cut it."""
    rules = registry.resources()[type_].naming
    assert rules is not None
    name = naming.automatic(rules, f"x{logical}", {}, seed)
    assert causes("suffix-in-names", type_, {rules.property: name}, name=f"x{logical}") == []


def test_a_literal_that_only_looks_automatic_is_judged() -> None:
    """Seven digits behind a word of its own make no automatic name."""
    assert causes("suffix-in-names", BUCKET, {"bucket": "company-data-1234567"}, name="bucket")


def test_without_any_suffix_that_is_said_once() -> None:
    """Names that cannot be judged must not pass for judged."""
    nothing = StackFacts()
    assert causes("suffix-in-names", BUCKET, {"bucket": "plain"}, stack=nothing) == []
    [cause] = causes("suffix-in-names", STACK, {}, stack=nothing)
    assert "ENVIRONMENT_SUFFIX" in cause


# required-tags


@given(st.sets(st.sampled_from(sorted(TAGS))), st.sets(st.sampled_from(sorted(TAGS))))
def test_exactly_the_missing_tags_are_named(own: set[str], inherited: set[str]) -> None:
    """The program's own tags and its provider's default tags count together."""
    props = {"tags": dict.fromkeys(own, "x"), "tagsAll": TAGS}
    provider = {"defaultTags": {"tags": dict.fromkeys(inherited, "y")}}
    said = causes("required-tags", QUEUE, props, provider=provider)
    missing = [key for key in TAGS if key not in own | inherited]
    assert [key for key in TAGS if any(key in one for one in said)] == missing


def test_tags_that_the_harness_lays_on_do_not_count() -> None:
    """Neither those in `tagsAll`, nor default tags that carry the run's mark."""
    ambient = {**TAGS, "harness:run": "r-1"}
    assert causes("required-tags", QUEUE, {"tagsAll": ambient})
    assert causes("required-tags", QUEUE, {"tagsAll": ambient}, provider={"defaultTags": {"tags": ambient}})
    own = '{"tags": {"Environment": "a", "Project": "b", "CostCenter": "c"}}'  # as provider inputs carry it
    assert causes("required-tags", QUEUE, {"tagsAll": ambient}, provider={"defaultTags": own}) == []


def test_an_empty_tag_is_a_missing_one_and_what_takes_no_tags_is_not_asked() -> None:
    """Only AWS types that take tags are judged."""
    [cause] = causes("required-tags", QUEUE, {"tags": {**TAGS, "Project": ""}, "tagsAll": {}})
    assert "Project" in cause
    assert causes("required-tags", "aws:s3/bucketPolicy:BucketPolicy", {"bucket": "b"}) == []
    assert causes("required-tags", QUEUE, {"tags": {"Owner": "me"}, "tagsAll": {}}, given={"tags": ["Owner"]}) == []
    assert causes("required-tags", "aws:autoscaling/group:Group", {"tags": [{"key": "Project", "value": "x"}]})


# deletion-protection, final-snapshot, protect-or-retain


@pytest.mark.parametrize(
    ("type_", "props"),
    [
        (CLUSTER, {"deletionProtection": True}),
        (INSTANCE, {"deletionProtection": True}),
        ("aws:lb/loadBalancer:LoadBalancer", {"enableDeletionProtection": True}),
        ("aws:alb/loadBalancer:LoadBalancer", {"enableDeletionProtection": True}),
        (TABLE, {"deletionProtectionEnabled": True}),
        ("aws:ec2/instance:Instance", {"disableApiTermination": True}),
        ("aws:cognito/userPool:UserPool", {"deletionProtection": "ACTIVE"}),
        ("aws:qldb/ledger:Ledger", {}),
    ],
)
def test_protection_must_be_off_or_on_as_wanted(type_: str, props: dict[str, Any]) -> None:
    """Off by default; `wanted = "on"` turns the rule around."""
    assert causes("deletion-protection", type_, props)
    assert causes("deletion-protection", type_, props, given={"wanted": "on"}) == []
    off = dict.fromkeys(props, False) or {"deletionProtection": False}
    assert causes("deletion-protection", type_, off) == []
    assert causes("deletion-protection", type_, off, given={"wanted": "on"})


@pytest.mark.parametrize(
    ("type_", "props", "word"),
    [
        (CLUSTER, {}, "skipFinalSnapshot"),
        (CLUSTER, {"skipFinalSnapshot": False}, "skipFinalSnapshot"),
        (INSTANCE, {"skipFinalSnapshot": True, "deleteAutomatedBackups": False}, "deleteAutomatedBackups"),
        ("aws:redshift/cluster:Cluster", {}, "skipFinalSnapshot"),
        ("aws:fsx/windowsFileSystem:WindowsFileSystem", {}, "skipFinalBackup"),
        ("aws:elasticache/replicationGroup:ReplicationGroup", {"finalSnapshotIdentifier": "x"}, "finalSnapshot"),
        ("aws:ebs/volume:Volume", {"finalSnapshot": True}, "finalSnapshot"),
    ],
)
def test_whatever_leaves_a_snapshot_is_caught(type_: str, props: dict[str, Any], word: str) -> None:
    """What is left out counts as the provider's own default."""
    [cause] = causes("final-snapshot", type_, props)
    assert word in cause


def test_protected_and_retained_resources_are_caught() -> None:
    """The resource option, and arguments that skip the deletion; on any type."""
    assert causes("protect-or-retain", "random:index/randomPet:RandomPet", {}, protect=True)
    assert causes("protect-or-retain", LOGS, {"skipDestroy": True})
    assert causes("protect-or-retain", "aws:cloudfront/distribution:Distribution", {"retainOnDelete": True})
    assert causes("protect-or-retain", LOGS, {"skipDestroy": False}) == []


# backup-retention, log-retention


@given(st.integers(0, 35), st.integers(1, 35))
def test_backups_are_kept_at_least_so_long(days: int, wanted: int) -> None:
    """The number itself is enough."""
    said = causes("backup-retention", CLUSTER, {"backupRetentionPeriod": float(days)}, given={"days": float(wanted)})
    assert bool(said) == (days < wanted)


@pytest.mark.parametrize(
    ("type_", "props", "given_", "caught"),
    [
        (CLUSTER, {}, {"days": 2.0}, True),
        (CLUSTER, {}, {}, False),  # RDS keeps a cluster's backups for a day
        (INSTANCE, {}, {}, True),  # but an instance's not at all
        (INSTANCE, {"replicateSourceDb": "other"}, {}, False),
        (TABLE, {}, {}, False),
        (TABLE, {}, {"tables": True}, True),
        (TABLE, {"pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 5.0}}, {"tables": True}, False),
        (
            TABLE,
            {"pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 5.0}},
            {"tables": True, "days": 7.0},
            True,
        ),
    ],
)
def test_what_is_left_out_counts_as_the_services_default(
    type_: str, props: dict[str, Any], given_: dict[str, Any], *, caught: bool
) -> None:
    """And replicas and, unless asked for, tables are left alone."""
    assert bool(causes("backup-retention", type_, props, given=given_)) is caught


@given(st.integers(1, 3653), st.integers(1, 3653))
def test_logs_are_kept_at_most_so_long(days: int, most: int) -> None:
    """Never expiring is always too long."""
    said = causes("log-retention", LOGS, {"retentionInDays": float(days)}, given={"days": float(most)})
    assert bool(said) == (days > most)
    for never in ({}, {"retentionInDays": 0.0}):
        assert causes("log-retention", LOGS, never, given={"days": float(most)})


# kms-rotation, ecr-scan-on-push


@pytest.mark.parametrize(
    ("props", "caught"),
    [
        ({}, True),
        ({"enableKeyRotation": False, "customerMasterKeySpec": "SYMMETRIC_DEFAULT"}, True),
        ({"customerMasterKeySpec": "RSA_2048"}, False),
        ({"keyUsage": "GENERATE_VERIFY_MAC"}, False),
        ({"customKeyStoreId": "cks-1"}, False),
    ],
)
def test_symmetric_customer_keys_rotate(props: dict[str, Any], *, caught: bool) -> None:
    """KMS does not rotate the others by itself."""
    assert bool(causes("kms-rotation", KEY, props)) is caught


def test_a_repository_scans_what_is_pushed() -> None:
    """Off, and not said, are the same."""
    assert causes("ecr-scan-on-push", REPOSITORY, {})
    assert causes("ecr-scan-on-push", REPOSITORY, {"imageScanningConfiguration": {"scanOnPush": False}})
