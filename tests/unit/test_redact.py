"""Secrets are taken out of texts, documents and files, however they are written there; the rest stays as it was."""

from __future__ import annotations

import base64
import html
import json
import os
import re
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import CellResult, CellStatus, Failure, PhaseName, ProbeOutcome, RecheckOutcome
from harness.run.redact import Redactor

SECRETS = ["plain-word-17", "a<b>&\"c'd\\e", "größe/ümlaut+1=", "two lines\nof a <secret> one", "tab\there"]
WAYS = {
    "plain": str,
    "json": lambda secret: json.dumps({"k": secret}),
    "json of an engine": lambda secret: (
        json.dumps(secret).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    ),
    "json in json": lambda secret: json.dumps(json.dumps([secret])),
    "json with letters": lambda secret: json.dumps(secret, ensure_ascii=False),
    "repr": lambda secret: repr({"k": secret}),
    "url": quote,
    "whole url": lambda secret: quote(secret, safe=""),
    "lower url": lambda secret: re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")),
    "form": quote_plus,
    "xml": html.escape,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 for urls": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("secret", SECRETS)
def test_every_way_of_writing_is_known(secret: str, way: str) -> None:
    """What was written is gone, and what stands around it is not."""
    written = WAYS[way](secret)
    clean = Redactor([secret]).text(f"before {written} after")
    assert clean.startswith("before ")
    assert clean.endswith(" after")
    assert "[secret]" in clean
    assert len(clean) <= len("before [secret] after") + len('"{\\"k\\": \\"\\"}"')


@given(st.binary(max_size=5), st.text(min_size=8, max_size=30), st.binary(max_size=5))
def test_base64_of_a_text_that_holds_a_secret_does_not_tell_it(before: bytes, secret: str, after: bytes) -> None:
    """Whatever stands around it and moves its bits: at most its outermost characters can be read."""
    raw = secret.encode("utf-8", "surrogatepass")
    clean = Redactor([secret]).data(base64.b64encode(before + raw + after))
    assert b"[secret]" in clean


@given(st.lists(st.text(min_size=4, max_size=12), max_size=6), st.text(max_size=60))
def test_what_is_clean_is_clean(secrets: list[str], text: str) -> None:
    """No secret is left, however they overlap; a second time changes nothing."""
    text = "".join(secrets) + text + "".join(reversed(secrets))
    redactor = Redactor(secrets)
    clean = redactor.text(text)
    left = clean.replace("[secret]", "\0")
    assert not [secret for secret in secrets if secret in left and "\0" not in secret and "\ufffd" not in left]
    assert redactor.text(clean) == clean


def test_the_longest_hides_the_others_and_overlaps_leave_no_rest() -> None:
    """One mark for `abcdef` where both `abcd` and `cdef` are secret."""
    assert Redactor(["abcd", "cdef", "bcd-", "secret"]).text("xabcdefx [secret] abcd") == "x[secret]x [secret] [secret]"


def test_what_is_short_or_no_secret_stays() -> None:
    """Three characters guard nothing; nothing is known, nothing changes."""
    assert Redactor(["abc", "", "[secret]"]).text("abc [secret] abcd") == "abc [secret] abcd"
    assert Redactor([]).text("as it was") == "as it was"


def test_each_line_of_a_long_secret_is_one() -> None:
    """A log prints a key line by line, with something before each."""
    key = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\n}\n"
    assert Redactor([key]).text("12:00 MIIEowIBAAKCAQEA\n12:01 }") == "12:00 [secret]\n12:01 }"


def test_a_result_is_freed_and_stays_a_result() -> None:
    """Texts at any depth, also keys; never the fields by which a cell is found, nor those that allow certain words."""
    result = CellResult(
        cell="shop-hush",
        program="hush",
        stack="shop-hush",
        suffix="hush",
        region="us-east-1",
        account=None,
        status=CellStatus.FAILED,
        outputs={"a hush": [{"deep": ("hush", 5432, None)}]},
        error=Failure(phase=PhaseName.PROBE, message="a hush", hint="hush", detail="drift passed"),
        probes=(ProbeOutcome(name="is hush", status="failed", attempts=1, seconds=1, detail="saw hush"),),
        rechecks=(RecheckOutcome(name="drift", status="passed", seconds=1, detail="drift"),),
        log="/hush/cell.log",
    )
    clean = Redactor(["hush", "drift", "passed", "FAILED", "probe"]).model(result)
    assert (clean.cell, clean.program, clean.suffix, clean.log) == ("shop-hush", "hush", "hush", "/hush/cell.log")
    assert clean.outputs == {"a [secret]": [{"deep": ("[secret]", 5432, None)}]}
    assert clean.error == Failure(
        phase=PhaseName.PROBE, message="a [secret]", hint="[secret]", detail="[secret] [secret]"
    )
    assert (clean.probes[0].detail, clean.rechecks[0].name) == ("saw [secret]", "drift")
    assert CellResult.model_validate_json(clean.model_dump_json()).status is CellStatus.FAILED


def test_a_file_is_rewritten_whole_with_its_permissions_or_left_alone(tmp_path: Path) -> None:
    """Another file in its place, as readable as it was; without a secret it is not touched."""
    path = tmp_path / "cell.log"
    path.write_bytes(b"\xff raw hush-hush\n" * 3)
    path.chmod(0o640)
    inode = path.stat().st_ino
    assert not Redactor(["nothing like it"]).file(path)
    assert path.stat().st_ino == inode
    with path.open("rb") as reader:
        assert Redactor(["hush-hush"]).file(path)
        assert reader.read() == b"\xff raw hush-hush\n" * 3, "who reads it meanwhile sees a whole file"
    assert path.read_bytes() == b"\xff raw [secret]\n" * 3
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_still_written_is_blanked_in_place(tmp_path: Path) -> None:
    """Its length stays, so that its writer goes on where it was."""
    path = tmp_path / "emulator.log"
    with path.open("wb", buffering=0) as writer:
        writer.write(b"a long-secret-word b\nhush c\n")
        Redactor(["long-secret-word", "hush"]).overwrite(path)
        writer.write(b"more\n")
    assert path.read_bytes() == b"a [secret]******** b\n[sec c\nmore\n"


def test_without_room_for_a_copy_the_secrets_go_all_the_same(tmp_path: Path) -> None:
    """Something lies where the copy would be made: they are blanked in place."""
    path = tmp_path / "cell.log"
    path.write_text("a hush-hush\n")
    os.mkdir(tmp_path / ".cell.log.partial")  # noqa: PTH102 - as plain as can be
    assert Redactor(["hush-hush"]).file(path)
    assert path.read_text() == "a [secret]*\n"
