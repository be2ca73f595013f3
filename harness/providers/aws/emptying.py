"""A bucket or a repository in; nothing in it any more, and how much it was, out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.failures import Refusal, says_absent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OBJECTS_AT_ONCE: Final = 1000  # the most that one DeleteObjects call takes
IMAGES_AT_ONCE: Final = 100  # the most that one BatchDeleteImage call takes
_PASSES: Final = 5  # what somebody goes on writing to cannot be emptied; a list of images goes before its members


def empty_bucket(s3: Any, bucket: str) -> tuple[int, int]:
    """Remove every object, version, delete marker and unfinished upload: how many of the former, how many uploads.

    Raises:
        Refusal: something stays.
        botocore's errors: a call fails.
    """
    uploads = sum(
        _abort(s3, bucket, page.get("Uploads") or []) for page in _pages(s3, "list_multipart_uploads", bucket)
    )
    removed = 0
    for _ in range(_PASSES):
        before = removed
        for page in _pages(s3, "list_object_versions", bucket):
            listed = [*(page.get("Versions") or []), *(page.get("DeleteMarkers") or [])]
            for batch in _batches([_version(one) for one in listed], OBJECTS_AT_ONCE):
                _delete_objects(s3, bucket, batch)
                removed += len(batch)
        if removed == before:
            return removed, uploads
    raise Refusal(f"somebody still writes to the bucket {bucket}", "BucketNotEmpty")


def empty_repository(ecr: Any, repository: str) -> int:
    """Remove every image: how many. Raises Refusal for what stays, and botocore's errors."""
    found: set[str] = set()
    failed: list[Any] = []
    for _ in range(_PASSES):
        pages = ecr.get_paginator("list_images").paginate(repositoryName=repository)
        digests = {str(one["imageDigest"]) for page in pages for one in page["imageIds"] if one.get("imageDigest")}
        if not digests:
            return len(found)
        found |= digests
        failed = []
        for batch in _batches([{"imageDigest": one} for one in sorted(digests)], IMAGES_AT_ONCE):
            failed += ecr.batch_delete_image(repositoryName=repository, imageIds=list(batch)).get("failures") or []
    first = failed[0] if failed else {}
    code = str(first.get("failureCode", "RepositoryNotEmptyException"))
    raise Refusal(f"an image stays in {repository}: {code}: {first.get('failureReason', 'it is pushed again')}", code)


def _pages(s3: Any, operation: str, bucket: str) -> Iterator[Any]:
    yield from s3.get_paginator(operation).paginate(Bucket=bucket)


def _abort(s3: Any, bucket: str, uploads: Sequence[Any]) -> int:
    for one in uploads:
        try:
            s3.abort_multipart_upload(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])
        except Exception as error:
            if not says_absent(error):  # completed or aborted while we looked
                raise
    return len(uploads)


def _version(one: Any) -> dict[str, str]:
    return {"Key": one["Key"], "VersionId": one["VersionId"]}


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _delete_objects(s3: Any, bucket: str, objects: Sequence[Any]) -> None:
    """Delete them; those that a retention in governance mode keeps are deleted past it."""
    failed = s3.delete_objects(Bucket=bucket, Delete={"Objects": list(objects), "Quiet": True}).get("Errors")
    if failed and all(one.get("Code") == "AccessDenied" for one in failed):
        kept = [_version(one) for one in failed if one.get("VersionId")]
        if kept:
            past = {"Objects": kept, "Quiet": True}
            failed = s3.delete_objects(Bucket=bucket, Delete=past, BypassGovernanceRetention=True).get("Errors")
    if failed:
        first = failed[0]
        raise Refusal(f"{first.get('Key')}: {first.get('Code')}: {first.get('Message')}", str(first.get("Code")))
