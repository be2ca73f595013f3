"""A key or an image repository in; rotation or scanning that is off out."""

from __future__ import annotations

from collections.abc import Iterator

from harness.policy.rule import UNKNOWN, Params, Resource, rule
from harness.policy.rules.deletion import is_on


@rule(
    "kms-rotation",
    description="Customer-managed symmetric keys rotate.",
    remedy="set `enable_key_rotation=True`",
)
def kms_rotation(resource: Resource, params: Params) -> Iterator[str]:
    """KMS itself rotates neither asymmetric and HMAC keys, nor those in a key store of the customer's."""
    del params
    if resource.type != "aws:kms/key:Key":
        return
    symmetric = resource.get("customerMasterKeySpec") in (None, "SYMMETRIC_DEFAULT")
    encrypts = resource.get("keyUsage") in (None, "ENCRYPT_DECRYPT")
    if not (symmetric and encrypts) or resource.get("customKeyStoreId") is not None:
        return
    value = resource.get("enableKeyRotation")
    if value is not UNKNOWN and not is_on(value):
        yield "`enableKeyRotation` is off"


@rule(
    "ecr-scan-on-push",
    description="Image repositories scan what is pushed.",
    remedy="set `image_scanning_configuration` with `scan_on_push=True`",
)
def ecr_scan_on_push(resource: Resource, params: Params) -> Iterator[str]:
    """Basic scanning of a repository; what the whole registry scans is not seen from here."""
    del params
    if resource.type != "aws:ecr/repository:Repository":
        return
    value = resource.get("imageScanningConfiguration.scanOnPush")
    if value is not UNKNOWN and not is_on(value):
        yield "`imageScanningConfiguration.scanOnPush` is off"
