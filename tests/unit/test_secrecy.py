"""Which values count as a cell's secrets, by their names, their marks, and the places that the engine hides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.model import CellStatus, PhaseName, PhaseResult, PhaseStatus
from harness.providers import wire
from harness.providers.contract import UNKNOWN, Asset, Secret
from harness.providers.sealed import Sealed
from harness.providers.seen import Seen
from harness.run.messages import CellSpec, NoteMessage, ProgressMessage
from harness.run.secrecy import Secrecy, _hidden
from harness.world.files import CellFiles

PROGRAM = {"name": "keyshop", "directory": "/p", "main": "/p"}
CELL = {"name": "shop-abc", "program": PROGRAM, "stack": "shop-abc", "suffix": "abcd", "region": "us-east-1"}


def spec(directory: Path, config: dict[str, Any], **other: Any) -> CellSpec:
    """What a cell is told."""
    values: dict[str, Any] = {
        "run": "r-1",
        "cell": {**CELL, "config": config, "stack_config": None, "tags": {}},
        "account": "111122223333",
        "directory": directory,
        "engine": "/e",
        "engine_version": "1",
        "hosts": "/h",
        "provider": "bundled",
        "target": "emulator",
        "url": "http://127.0.0.1:9",
        "limits": {"run": 1, "destroy": 1},
        "expires": "2026-01-01T00:00:00",
    }
    return CellSpec.model_validate(values | other)


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("dbPassword", "value-1", True),
        ("shop:api-token", "value-1", True),
        ("aws:secretKey", "value-1", True),
        ("credentials", {"user": "value-1"}, True),
        ("database", {"password": ["value-1"]}, True),
        ("database", '{"password": "value-1"}', True),
        ("database", {"host": "value-1"}, False),
        ("bucket", "value-1", False),
        ("tokenEnabled", "true", False),
        ("keySize", "4096", False),
        ("kmsKeyArn", "arn:aws:kms:us-east-1:1:key/x", False),
        ("keyPrefix", "keyshop", False),
        ("secret:bucket", "value-1", False),
    ],
)
def test_configuration_is_secret_by_its_name(tmp_path: Path, name: str, value: Any, secret: bool) -> None:
    """A word such as password or token in the key, at any depth; not what everybody knows, nor what sets a mode."""
    shown = value if isinstance(value, str) and not value.startswith("{") else "value-1"
    text = Secrecy(spec(tmp_path, {name: value}), {}).text(f"it is {shown}")
    assert text == ("it is [secret]" if secret else f"it is {shown}")


def test_what_harness_toml_gives_is_secret_by_its_name(tmp_path: Path) -> None:
    """Defaults, and what a stage lays over them: in what is told, and in the specification of a cell that stays."""
    defaults = {"dbPassword": "value-2", "size": "two"}
    first = {"name": "first", "config": {"shop:apiToken": "value-1", "shop:part": "one"}}
    program = {**PROGRAM, "config": defaults, "stages": [first]}
    config = {f"shop:{name}": value for name, value in defaults.items()}
    told = spec(tmp_path, {}, cell={**CELL, "program": program, "config": config, "stack_config": None, "tags": {}})
    files = CellFiles(tmp_path)
    files.make()
    files.write_spec(told.model_dump_json())
    secrecy = Secrecy(told, {})
    assert secrecy.text("value-1 of one, value-2 of two") == "[secret] of one, [secret] of two"
    secrecy.clean(told.blank_result(CellStatus.ERRORED, None))
    kept = CellSpec.model_validate_json(files.spec.read_text()).cell
    assert kept.program.config == {"dbPassword": "[secret]", "size": "two"}
    [stage] = kept.program.stages
    assert stage.config == {"shop:apiToken": "[secret]", "shop:part": "one"}


def test_ciphertext_is_not_a_secret(tmp_path: Path) -> None:
    """What it stands for is; only the engine can tell that."""
    assert Secrecy(spec(tmp_path, {"password": {"secure": "v1:abc"}}), {}).text("v1:abc") == "v1:abc"


def test_the_environment_and_the_passphrase_are_secret(tmp_path: Path) -> None:
    """Variables that end like a secret; on an emulator not what every emulator is given."""
    environ = {
        "GITHUB_TOKEN": "gh-1234",
        "AWS_SECRET_ACCESS_KEY": "emulator",
        "PGPASSWORD_FILE": "/run/pw",
        "X": "seen",
    }
    CellFiles(tmp_path).make()
    passphrase = CellFiles(tmp_path).passphrase.read_text()
    secrecy = Secrecy(spec(tmp_path, {}), environ)
    assert secrecy.text(f"gh-1234 emulator /run/pw seen {passphrase}") == "[secret] emulator /run/pw seen [secret]"
    on_aws = Secrecy(spec(tmp_path, {}, target="aws", url=None), {"AWS_SECRET_ACCESS_KEY": "emulator"})
    assert on_aws.text("emulator") == "[secret]"


def test_a_json_document_that_is_secret_has_secret_members(tmp_path: Path) -> None:
    """The password in a secret's string is one, the user is not; a broken document is one text."""
    secrecy = Secrecy(spec(tmp_path, {}), {})
    secrecy.learn([{"a": ['{"user": "admin", "password": "inner-1", "port": 5432}', '{"password": "brok', 777777]}])
    assert secrecy.text("admin inner-1 5432 777777") == "admin [secret] 5432 [secret]"


def test_what_is_told_while_it_runs_is_freed_of_what_is_known(tmp_path: Path) -> None:
    """Notes and the name of what is waited for."""
    secrecy = Secrecy(spec(tmp_path, {}), {})
    secrecy.learn(["hush-1"])
    assert secrecy.message(NoteMessage(text="a hush-1")) == NoteMessage(text="a [secret]")
    waiting = ProgressMessage(phase=PhaseName.UP, done=1, planned=2, waiting="Bucket hush-1")
    assert secrecy.message(waiting) == waiting.model_copy(update={"waiting": "Bucket [secret]"})


@pytest.mark.parametrize("proved", [True, False])
def test_the_journal_is_evidence_until_the_target_has_answered(tmp_path: Path, proved: bool) -> None:
    """It is cleaned when nothing is left; what met a fault, and the events of a cell that did not pass, in any case."""
    files = CellFiles(tmp_path)
    files.make()
    always = (files.log, files.faults, files.events / "up-1.jsonl", tmp_path / "provider.log")
    for path in (files.journal, *always):
        path.write_text("hush-1\n")
    told = spec(tmp_path, {})
    secrecy = Secrecy(told, {})
    secrecy.learn(["hush-1"])
    status = PhaseStatus.PASSED if proved else PhaseStatus.FAILED
    phases = (PhaseResult(phase=PhaseName.LEAK_CHECK, status=status, seconds=1, detail="hush-1"),)
    result = secrecy.clean(told.blank_result(CellStatus.ERRORED, None).model_copy(update={"phases": phases}))
    assert result.phases[0].detail == "[secret]"
    assert files.journal.read_text() == ("[secret]\n" if proved else "hush-1\n")
    for path in always:
        assert path.read_text() == "[secret]\n"


def test_what_the_events_hide_is_found_where_the_provider_was_told_it(tmp_path: Path) -> None:
    """Places of hidden values, by URN, at any depth; torn lines are no reason to know nothing."""
    mark = {wire.SIGNATURE: wire.SECRET, "ciphertext": "[secret]"}
    new = {"inputs": {"tags": {"note": mark, "open": "x"}, "list": ["y", mark]}, "outputs": {"whole": "[secret]"}}
    event = {"sequence": 1, "resourcePreEvent": {"metadata": {"op": "create", "urn": "urn:a", "old": None, "new": new}}}
    (tmp_path / "up-1.jsonl").write_text(json.dumps(event, separators=(",", ":")) + '\n{"torn":"[secret]"')
    hidden = _hidden(tmp_path)
    assert hidden == {"urn:a": [["tags", "note"], ["list", 1], ["whole"]]}
    seen = Seen()
    seen.keep("urn:a", {"tags": {"note": "first-1", "open": "open-1"}, "list": ["open-2", {"in": 12345}]})
    seen.keep("urn:a", {"tags": {"note": UNKNOWN}, "list": [], "whole": Asset(path="/x")})
    seen.keep("urn:b", {"made": Secret({"deep": ["marked-1", True, None]}), "open": "open-3"})
    assert seen.secrets(hidden) == ["12345", "first-1", "marked-1"]
    assert seen.secrets({"urn:none": [["tags"]]}) == ["12345", "first-1", "marked-1"]


def test_events_that_hide_a_secret_but_are_of_no_resource_hide_no_others(tmp_path: Path) -> None:
    """The prelude of a stack with an encrypted configuration, and what was cleaned before, stand beside steps."""
    events = (
        {"preludeEvent": {"config": {"shop:dbPassword": "[secret]"}}},
        {"resourcePreEvent": {"metadata": {"urn": "urn:a", "new": {"inputs": {"note": "[secret]"}}}}},
    )
    (tmp_path / "up-1.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    assert _hidden(tmp_path) == {"urn:a": [["note"]]}


def test_the_engines_own_marks_are_read_from_the_wire() -> None:
    """A provider's configuration comes marked; an output is secret when it says so."""
    sent = wire.encode(
        {
            "key": Secret("marked-1"),
            "list": [{"deep": Secret({"a": "marked-2"})}],
            "open": {wire.SIGNATURE: wire.OUTPUT, "value": "open-1"},
            "closed": {wire.SIGNATURE: wire.OUTPUT, "value": "marked-3", "secret": True},
        }
    )
    assert sorted(wire.secrets(sent), key=str) == sorted(["marked-1", {"a": "marked-2"}, "marked-3"], key=str)


def test_what_a_dead_process_knew_is_unsealed(tmp_path: Path) -> None:
    """Marked texts, places that the engine hides, the environment of a shell that is gone; a torn line is no harm."""
    files = CellFiles(tmp_path / "cell")
    files.make()
    told = spec(files.directory, {})
    Secrecy(told, {"DEPLOY_TOKEN": "gh-123456"})
    seen = Seen(Sealed(files.directory))
    seen.note(["hush-1"])
    seen.keep(
        "urn:a", {"tags": {"note": "hidden-2", "open": "shown-3"}, "code": Asset(text="x"), "key": Secret("own-4")}
    )
    event = {"resourcePreEvent": {"metadata": {"urn": "urn:a", "new": {"inputs": {"tags": {"note": "[secret]"}}}}}}
    (files.events / "up.jsonl").write_text(json.dumps(event) + "\n")
    stored = files.sealed.read_bytes()
    assert not any(word in stored for word in (b"hush", b"hidden", b"gh-12", b"own-4"))
    assert files.sealed.stat().st_mode & 0o777 == 0o600
    files.sealed.write_bytes(stored + stored[:30])
    after = Secrecy(told.model_copy(update={"recover": True}), {})
    assert after.text("gh-123456 hush-1 hidden-2 shown-3 own-4") == "[secret] [secret] [secret] shown-3 [secret]"
    files.forget()
    assert not files.sealed.exists()
