"""What is left is on disk for whoever comes to end it, and holds no secret."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from harness.model import Cell, CellResult, CellStatus, Failure, Limits, PhaseName, Program, ResourceRef, Resources
from harness.run.leak_record import write_leak_record
from harness.run.messages import CellSpec
from harness.world.checkpoint import empty_stack, state_file
from harness.world.files import CellFiles

QUEUE = ResourceRef(type="aws:sqs/queue:Queue", id="q", region="eu-west-1", reason="still exists", command="aws sqs …")
ROLE = ResourceRef(type="aws:iam/role:Role", id="r", reason="AccessDenied")


def spec_in(folder: Path) -> CellSpec:
    """A cell's specification."""
    program = Program(name="shop", directory=folder, main=folder)
    names = {"name": "shop-1", "stack": "s", "suffix": "x", "region": "us-east-1"}
    cell = Cell(program=program, config={}, stack_config=None, tags={}, **names)
    return CellSpec(
        run="r-1",
        cell=cell,
        account="123456789012",
        directory=folder,
        engine=folder,
        engine_version="3",
        hosts=folder,
        provider="bundled",
        target="url",
        url="http://127.0.0.1:1",
        limits=Limits(run=1, destroy=1),
        expires="2026-01-01T00:00:00+00:00",
    )


def leaked(spec: CellSpec, **more: object) -> CellResult:
    """A result that says so."""
    failure = Failure(phase=PhaseName.UP, message="the first cause")
    resources = Resources(leaked=(QUEUE,), unverified=(ROLE,))
    return spec.blank_result(CellStatus.LEAKED, failure).model_copy(update={"resources": resources, **more})


def test_the_record_names_each_thing_with_what_ends_it(tmp_path: Path) -> None:
    """Type, id, region, account, reason and command; the first cause; the state without secrets; for the owner only."""
    spec = spec_in(tmp_path)
    CellFiles(tmp_path).make()
    empty_stack(tmp_path / "state", "shop", "s")
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}
    state = {"checkpoint": {"latest": {"resources": [{"id": "q", "outputs": {"word": secret, "note": "hunter2"}}]}}}
    state_file(tmp_path / "state", "shop", "s").write_text(json.dumps(state))
    told = write_leak_record(spec, leaked(spec), lambda text: text.replace("hunter2", "[secret]"))
    record = Path(told.leak_record)
    document = json.loads(record.read_text())
    assert document["cause"] == "the first cause"
    assert document["finish"] == "harness destroy r-1"
    [left], [unknown] = document["leaked"], document["unverified"]
    assert (left["region"], left["account"], left["command"]) == ("eu-west-1", "123456789012", "aws sqs …")
    assert (unknown["region"], unknown["reason"]) == ("us-east-1", "AccessDenied")
    text = record.with_suffix(".txt").read_text()
    assert all(word in text for word in ("aws:sqs/queue:Queue q in eu-west-1", "aws sqs …", "the first cause"))
    assert json.loads(Path(document["state"]).read_text())["checkpoint"]["latest"]["resources"] == [
        {"id": "q", "outputs": {"word": "[secret]", "note": "[secret]"}}
    ]
    for path in (record, record.with_suffix(".txt"), Path(document["state"])):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    CellFiles(tmp_path).forget()
    assert not list(tmp_path.glob("leak*"))


def test_what_is_gone_has_no_record(tmp_path: Path) -> None:
    """Nor does a disk that refuses one cost the result."""
    spec = spec_in(tmp_path)
    passed = spec.blank_result(CellStatus.PASSED, None)
    assert write_leak_record(spec, passed, str) == passed
    assert list(tmp_path.iterdir()) == []
    lost = spec_in(tmp_path / "nowhere")
    assert write_leak_record(lost, leaked(lost), str).leak_record == ""
