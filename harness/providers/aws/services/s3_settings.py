"""S3: what is set on a bucket by resources of its own (versioning, encryption, public access, lifecycle, policy)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.providers.aws.declare import Call, Resource, Update
from harness.providers.aws.shapes import to_api

if TYPE_CHECKING:
    from harness.providers.aws.declare import Item
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

# S3 sometimes answers that a bucket is not there, or busy, for a while after it was made or changed.
_SLOW = "OperationAborted\nNoSuchBucket"
_ACCESS = "blockPublicAcls blockPublicPolicy ignorePublicAcls restrictPublicBuckets"


def _put_access(work: Work) -> None:
    settings = {name[0].upper() + name[1:]: bool(work.inputs.get(name)) for name in _ACCESS.split()}
    work.call("PutPublicAccessBlock", Bucket=work.inputs["bucket"], PublicAccessBlockConfiguration=settings)


def _make(work: Work) -> str:
    """Every one of these is made by the call that changes it."""
    for update in work.resource.updates:
        if update.apply:
            update.apply(work)
    return str(work.inputs["bucket"])


def _bucket(work: Work, item: Item, props: Props) -> None:
    del item
    props["bucket"] = work.id.split(",")[0]


def _delete_access(work: Work) -> None:
    if not work.get("skipDestroy"):
        work.call("DeletePublicAccessBlock", Bucket=work.id)


PUBLIC_ACCESS_BLOCK = Resource(
    token="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    service="s3",
    noun="S3 public access block",
    args=f"bucket skipDestroy {_ACCESS}",
    required="bucket",
    inert="skipDestroy",
    defaults=dict.fromkeys(_ACCESS.split(), False),
    create_with=_make,
    identity="{bucket}",
    updates=(Update(_ACCESS, apply=_put_access, on_create=False),),
    read=Call("GetPublicAccessBlock", {"Bucket": "{id}"}, at="PublicAccessBlockConfiguration"),
    read_more=_bucket,
    delete_with=_delete_access,
    retry_create=_SLOW,
    retry_delete="OperationAborted",
)


def _put_versioning(work: Work) -> None:
    settings = work.inputs["versioningConfiguration"]
    asked = {"Status": settings.get("status")}
    if settings.get("mfaDelete"):
        asked["MFADelete"] = settings["mfaDelete"]
    mfa = {"MFA": work.inputs["mfa"]} if work.inputs.get("mfa") else {}
    if asked["Status"] != "Disabled":  # a bucket that never had versions is that already, and AWS has no call for it
        work.call("PutBucketVersioning", Bucket=work.inputs["bucket"], VersioningConfiguration=asked, **mfa)


def _read_versioning(work: Work) -> Item | None:
    answer = work.call("GetBucketVersioning", Bucket=work.id)
    settings = {"status": answer.get("Status", "Disabled")}
    if answer.get("MFADelete"):
        settings["mfaDelete"] = answer["MFADelete"]
    return {"versioningConfiguration": settings}


def _suspend(work: Work) -> None:
    if _read_versioning(work) != {"versioningConfiguration": {"status": "Disabled"}}:
        work.call("PutBucketVersioning", Bucket=work.id, VersioningConfiguration={"Status": "Suspended"})


VERSIONING = Resource(
    token="aws:s3/bucketVersioning:BucketVersioning",
    aliases="aws:s3/bucketVersioningV2:BucketVersioningV2",
    service="s3",
    noun="S3 bucket versioning",
    args="bucket versioningConfiguration mfa",
    refused="expectedBucketOwner",
    required="bucket versioningConfiguration",
    nested={"versioningConfiguration": "status mfaDelete"},
    inert="mfa",
    create_with=_make,
    identity="{bucket}",
    updates=(Update("versioningConfiguration", apply=_put_versioning, on_create=False),),
    read_with=_read_versioning,
    read_more=_bucket,
    delete_with=_suspend,
    retry_create=_SLOW,
    destructive=False,  # versioning has no end but suspension
)


def _put_encryption(work: Work) -> None:
    shape = work.input_shape("PutBucketEncryption").members["ServerSideEncryptionConfiguration"]
    rules = to_api(shape, {"rules": work.inputs["rules"]}, ENCRYPTION.rename)
    work.call("PutBucketEncryption", Bucket=work.inputs["bucket"], ServerSideEncryptionConfiguration=rules)


ENCRYPTION = Resource(
    token="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    aliases="aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
    service="s3",
    noun="S3 bucket encryption",
    args="bucket rules",
    refused="expectedBucketOwner",
    required="bucket rules",
    nested={
        "rules": "applyServerSideEncryptionByDefault.sseAlgorithm applyServerSideEncryptionByDefault.kmsMasterKeyId "
        "bucketKeyEnabled blockedEncryptionTypes"
    },
    rename={"kmsMasterKeyId": "KMSMasterKeyID"},
    create_with=_make,
    identity="{bucket}",
    updates=(Update("rules", apply=_put_encryption, on_create=False),),
    read=Call("GetBucketEncryption", {"Bucket": "{id}"}, at="ServerSideEncryptionConfiguration"),
    read_more=_bucket,
    delete=Call("DeleteBucketEncryption", {"Bucket": "{id}"}),
    retry_create=_SLOW,
    destructive=False,  # AWS encrypts every bucket: what stays is its own default
)


def _put_policy(work: Work) -> None:
    work.call("PutBucketPolicy", Bucket=work.inputs["bucket"], Policy=work.inputs["policy"])


POLICY = Resource(
    token="aws:s3/bucketPolicy:BucketPolicy",
    service="s3",
    noun="S3 bucket policy",
    args="bucket policy",
    required="bucket policy",
    json="policy",
    create_with=_make,
    identity="{bucket}",
    updates=(Update("policy", apply=_put_policy, on_create=False),),
    read=Call("GetBucketPolicy", {"Bucket": "{id}"}),
    read_more=_bucket,
    delete=Call("DeleteBucketPolicy", {"Bucket": "{id}"}),
    retry_create=f"{_SLOW}\nMalformedPolicy:Invalid principal",  # a role made a moment ago
)


def _put_ownership(work: Work) -> None:
    rule = {"ObjectOwnership": work.inputs["rule"]["objectOwnership"]}
    work.call("PutBucketOwnershipControls", Bucket=work.inputs["bucket"], OwnershipControls={"Rules": [rule]})


OWNERSHIP = Resource(
    token="aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    service="s3",
    noun="S3 bucket ownership controls",
    args="bucket rule",
    required="bucket rule",
    nested={"rule": "objectOwnership"},
    create_with=_make,
    identity="{bucket}",
    updates=(Update("rule", apply=_put_ownership, on_create=False),),
    read=Call("GetBucketOwnershipControls", {"Bucket": "{id}"}, at="OwnershipControls"),
    reads={"rule": "Rules[0]"},
    read_more=_bucket,
    delete=Call("DeleteBucketOwnershipControls", {"Bucket": "{id}"}),
    retry_create=_SLOW,
    retry_delete="OperationAborted",
)

_RULE = (
    "id status prefix filter.prefix filter.objectSizeGreaterThan filter.objectSizeLessThan filter.tag.key "
    "filter.tag.value "
    "filter.and.prefix filter.and.tags.* filter.and.objectSizeGreaterThan filter.and.objectSizeLessThan "
    "expiration.date expiration.days expiration.expiredObjectDeleteMarker "
    "abortIncompleteMultipartUpload.daysAfterInitiation transitions.date transitions.days transitions.storageClass "
    "noncurrentVersionExpiration.noncurrentDays noncurrentVersionExpiration.newerNoncurrentVersions "
    "noncurrentVersionTransitions.noncurrentDays noncurrentVersionTransitions.newerNoncurrentVersions "
    "noncurrentVersionTransitions.storageClass"
)


def _put_lifecycle(work: Work) -> None:
    operation = "PutBucketLifecycleConfiguration"
    shape = work.input_shape(operation).members["LifecycleConfiguration"]
    rules = []
    for rule in work.inputs["rules"]:
        asked = dict(rule)
        both = (asked.get("filter") or {}).get("and")
        if both and isinstance(both.get("tags"), dict):
            tags = [{"key": key, "value": one} for key, one in both["tags"].items()]
            asked["filter"] = {"and": {**both, "tags": tags}}
        if not asked.get("prefix"):
            asked.pop("prefix", None)
            asked.setdefault("filter", {})
        rules.append(asked)
    size = work.inputs.get("transitionDefaultMinimumObjectSize")
    more = {"TransitionDefaultMinimumObjectSize": size} if size else {}
    settings = to_api(shape, {"rules": rules}, LIFECYCLE.rename)
    work.call(operation, Bucket=work.inputs["bucket"], LifecycleConfiguration=settings, **more)


def _read_lifecycle(work: Work, item: Item, props: Props) -> None:
    _bucket(work, item, props)
    for rule in props.get("rules", []):
        both = (rule.get("filter") or {}).get("and")
        if both and isinstance(both.get("tags"), list):
            both["tags"] = {tag["key"]: tag["value"] for tag in both["tags"]}


LIFECYCLE = Resource(
    token="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    aliases="aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
    service="s3",
    noun="S3 bucket lifecycle",
    args="bucket rules transitionDefaultMinimumObjectSize",
    refused="expectedBucketOwner timeouts",
    required="bucket rules",
    nested={"rules": _RULE},
    rename={"id": "ID"},
    computed="transitionDefaultMinimumObjectSize",
    create_with=_make,
    identity="{bucket}",
    updates=(Update("rules transitionDefaultMinimumObjectSize", apply=_put_lifecycle, on_create=False),),
    read=Call("GetBucketLifecycleConfiguration", {"Bucket": "{id}"}),
    read_more=_read_lifecycle,
    delete=Call("DeleteBucketLifecycle", {"Bucket": "{id}"}),
    retry_create=_SLOW,
    retry_delete="OperationAborted",
)
