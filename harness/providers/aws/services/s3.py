"""S3 buckets: made, tagged, emptied when asked, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update
from harness.providers.aws.emptying import empty_bucket
from harness.providers.aws.failures import Refusal, code_of
from harness.providers.aws.registry import function

if TYPE_CHECKING:
    from harness.providers.aws.asking import Asking
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

# Hosted zones of S3's website endpoints, from AWS's list of service endpoints.
_ZONES: Final = {
    "us-east-1": "Z3AQBSTGFYJSTF",
    "us-east-2": "Z2O1EMRO9K5GLX",
    "us-west-1": "Z2F56UZL2M1ACD",
    "us-west-2": "Z3BJ6K6RIION7M",
    "ca-central-1": "Z1QDHH18159H29",
    "eu-central-1": "Z21DNDUVLTQW6Q",
    "eu-west-1": "Z1BKCTXD74EZPE",
    "eu-west-2": "Z3GKZC51ZF0DB4",
    "eu-west-3": "Z3R1K369G5AVDG",
    "eu-north-1": "Z3BAZG2TWCNX0D",
    "ap-southeast-1": "Z3O0J2DXBE1FTB",
    "ap-southeast-2": "Z1WCIGYICN2BYD",
    "ap-northeast-1": "Z2M4EHUR26P7ZW",
}


def domains(bucket: str, region: str) -> dict[str, str]:
    """The names under which a bucket is reached, and its zone where it is known."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    result = {
        "bucketDomainName": f"{bucket}.s3.{suffix}",
        "bucketRegionalDomainName": f"{bucket}.s3.{region}.{suffix}",
        "bucketRegion": region,
    }
    if region in _ZONES:
        result["hostedZoneId"] = _ZONES[region]
    return result


def _before_create(work: Work, params: Item) -> None:
    # In us-east-1 AWS answers success when the bucket is the caller's already: that would take over another's.
    if work.seek("HeadBucket", Bucket=params["Bucket"]) is not None:
        message = f"{params['Bucket']} exists and belongs to this account"
        raise Refusal(
            f"creating S3 bucket ({work.name}): BucketAlreadyOwnedByYou: {message}", "BucketAlreadyOwnedByYou"
        )
    if work.region != "us-east-1":
        params["CreateBucketConfiguration"] = {"LocationConstraint": work.region}
    if work.inputs.get("objectLockEnabled"):
        params["ObjectLockEnabledForBucket"] = True


def _read(work: Work) -> Item | None:
    if work.seek("HeadBucket", Bucket=work.id) is None:
        return None
    item: Item = {"Bucket": work.id, "TagSet": []}
    try:
        item["TagSet"] = work.call("GetBucketTagging", Bucket=work.id)["TagSet"]
    except Exception as error:
        if code_of(error) != "NoSuchTagSet":
            raise
    if "versioning" in work.inputs:
        answer = work.call("GetBucketVersioning", Bucket=work.id)
        mfa = answer.get("MFADelete") == "Enabled"
        item["versioning"] = {"enabled": answer.get("Status") == "Enabled", "mfaDelete": mfa}
    if "serverSideEncryptionConfiguration" in work.inputs:
        rules = work.call("GetBucketEncryption", Bucket=work.id)["ServerSideEncryptionConfiguration"]["Rules"]
        item["encryption"] = rules[0]
    return item


def _read_more(work: Work, item: Item, props: Props) -> None:
    props.update(domains(work.id, work.region))
    rule = item.get("encryption")
    if rule:
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        asked = {"sseAlgorithm": default.get("SSEAlgorithm"), "kmsMasterKeyId": default.get("KMSMasterKeyID")}
        block: Props = {"applyServerSideEncryptionByDefault": {key: one for key, one in asked.items() if one}}
        block["bucketKeyEnabled"] = bool(rule.get("BucketKeyEnabled"))
        props["serverSideEncryptionConfiguration"] = {"rule": block}


def _write_tags(work: Work, tags: Mapping[str, str]) -> None:
    if tags:
        pairs = [{"Key": key, "Value": one} for key, one in tags.items()]
        work.call("PutBucketTagging", Bucket=work.id, Tagging={"TagSet": pairs})
    else:
        work.call("DeleteBucketTagging", Bucket=work.id)


def _versioning(work: Work) -> None:
    block = work.inputs.get("versioning") or {}
    settings = {"Status": "Enabled" if block.get("enabled") else "Suspended"}
    work.call("PutBucketVersioning", Bucket=work.id, VersioningConfiguration=settings)


def _encryption(work: Work) -> None:
    block = (work.inputs.get("serverSideEncryptionConfiguration") or {}).get("rule")
    if not block:
        work.call("DeleteBucketEncryption", Bucket=work.id)
        return
    asked = block.get("applyServerSideEncryptionByDefault") or {}
    default = {"SSEAlgorithm": asked.get("sseAlgorithm")}
    if asked.get("kmsMasterKeyId"):
        default["KMSMasterKeyID"] = asked["kmsMasterKeyId"]
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bool(block.get("bucketKeyEnabled"))}
    work.call("PutBucketEncryption", Bucket=work.id, ServerSideEncryptionConfiguration={"Rules": [rule]})


def _delete(work: Work) -> None:
    try:
        work.call("DeleteBucket", Bucket=work.id)
    except Exception as error:
        if code_of(error) != "BucketNotEmpty" or not work.forces("forceDestroy"):
            raise
        empty_bucket(work.client, work.id)
        work.call("DeleteBucket", Bucket=work.id)


BUCKET = Resource(
    token="aws:s3/bucket:Bucket",
    aliases="aws:s3/bucketV2:BucketV2",
    service="s3",
    noun="S3 bucket",
    args="bucket forceDestroy objectLockEnabled versioning serverSideEncryptionConfiguration",
    refused="accelerationStatus acl bucketNamespace corsRules grants lifecycleRules logging objectLockConfiguration "
    "policy replicationConfiguration requestPayer website",
    outputs="bucketDomainName bucketRegion bucketRegionalDomainName hostedZoneId",
    templates={"arn": "arn:{partition}:s3:::{bucket}"},
    create=Call("CreateBucket"),
    before_create=_before_create,
    id="{bucket}",
    identity="{bucket}",
    read_with=_read,
    read_more=_read_more,
    delete_with=_delete,
    updates=(
        Update("versioning", apply=_versioning),
        Update("serverSideEncryptionConfiguration", apply=_encryption),
    ),
    nested={
        "versioning": "enabled",
        "serverSideEncryptionConfiguration": "rule.bucketKeyEnabled "
        "rule.applyServerSideEncryptionByDefault.sseAlgorithm "
        "rule.applyServerSideEncryptionByDefault.kmsMasterKeyId",
    },
    inert="forceDestroy",
    write_only="objectLockEnabled",
    defaults={"forceDestroy": False},
    computed="versioning serverSideEncryptionConfiguration",
    naming=Naming("bucket", limit=63, allowed=r"a-z0-9\-", lower=True, prefix="bucketPrefix"),
    tagging=Tagging(write=_write_tags),
    find=Find(Call("ListBuckets", at="Buckets[]"), id="Name", arn="arn:{partition}:s3:::{id}"),
    retry_create="OperationAborted",
    retry_delete="OperationAborted",
)


@function("aws:s3/getBucket:getBucket", "bucket")
def get_bucket(asking: Asking, args: Props) -> Props:
    """A bucket that exists."""
    answer: Any = asking.client("s3").head_bucket(Bucket=args["bucket"])
    region = answer.get("BucketRegion") or asking.region
    name = args["bucket"]
    return {"id": name, "bucket": name, "arn": f"arn:{asking.clients.partition}:s3:::{name}", **domains(name, region)}
