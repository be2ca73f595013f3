"""What would keep something of ours is lifted in the state, told once, and nothing else is touched."""

from __future__ import annotations

import copy
from typing import Any

from harness.world.checkpoint import edit_state, empty_stack, state_file
from harness.world.deletable import make_deletable

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}


def entry(type_: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A resource of a deployment."""
    return {"urn": "u", "type": type_, "id": "it", "inputs": dict(properties), "outputs": dict(properties), **more}


def lifted(*entries: dict[str, Any]) -> tuple[list[str], list[dict[str, Any]], bool]:
    """The words, the entries afterwards, and whether something changed."""
    deployment = {"resources": [copy.deepcopy(one) for one in entries]}
    changes: list[tuple[str, str, str]] = []
    different = make_deletable(deployment, changes)
    return [word for _, _, word in changes], deployment["resources"], different


def test_every_switch_is_set_on_both_sides_and_told_once() -> None:
    """Inputs and outputs: one provider reads these, the other those."""
    cluster = {"skipFinalSnapshot": False, "finalSnapshotIdentifier": "last", "masterPassword": SECRET}
    words, [after], different = lifted(entry("aws:rds/cluster:Cluster", cluster))
    assert different
    assert words == ["no final snapshot is made"]
    for side in ("inputs", "outputs"):
        assert after[side] == {"skipFinalSnapshot": True, "masterPassword": SECRET}
    words, [after], _ = lifted(entry("aws:secretsmanager/secret:Secret", {"recoveryWindowInDays": 30}))
    assert words == ["deleted without a recovery window"]
    assert after["outputs"]["recoveryWindowInDays"] == 0


def test_what_is_deletable_already_is_not_written() -> None:
    """The happy path changes nothing; a bucket that may be emptied is worth no word."""
    plain = entry("aws:s3/bucket:Bucket", {"forceDestroy": True, "bucket": "b"}, protect=False)
    assert lifted(plain) == ([], [plain], False)
    words, [after], different = lifted(entry("aws:s3/bucket:Bucket", {"forceDestroy": False}))
    assert (words, different) == ([], True)
    assert after["inputs"]["forceDestroy"] is True


def test_what_is_not_ours_stays_as_it_is() -> None:
    """Imported: retained. Only read, or of another package: not touched."""
    words, [imported, read, other], _ = lifted(
        entry("aws:rds/cluster:Cluster", {"skipFinalSnapshot": False}, importID="it", protect=True),
        entry("aws:rds/cluster:Cluster", {"skipFinalSnapshot": False}, external=True),
        entry("other:x/y:Z", {"forceDestroy": False}),
    )
    assert words == []
    assert imported["retainOnDelete"] is True
    assert not any(one["inputs"].get("skipFinalSnapshot") or one["inputs"].get("forceDestroy") for one in (read, other))
    assert not imported["inputs"]["skipFinalSnapshot"]


def test_a_state_is_edited_whole_or_not_at_all(tmp_path) -> None:
    """A stack without resources, and one whose editor wants nothing, is not written."""
    empty_stack(tmp_path, "shop", "s")
    path = state_file(tmp_path, "shop", "s")
    before = path.read_bytes()
    assert not edit_state(tmp_path, "shop", "s", lambda _: True)
    assert not edit_state(tmp_path, "shop", "other", lambda _: True)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_what_the_account_had_before_is_never_made_deletable() -> None:
    """A program that takes over the default VPC or subnet: with `forceDestroy` it would be deleted."""
    kinds = ("defaultVpc:DefaultVpc", "defaultSubnet:DefaultSubnet")
    entries = [entry(f"aws:ec2/{kind}", {"forceDestroy": False}) for kind in kinds]
    assert lifted(*entries) == ([], entries, False)
