"""A state file in, what it knows out: resources, pending operations, outputs. Secrets stay encrypted."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.plan.own_credentials import own_credentials

_SIGNATURE = "4dabf18193072939515e22adb298388d"  # Pulumi's mark of a special value in its wire format
_STACK = "pulumi:pulumi:Stack"
_PROVIDER = "pulumi:providers:"
SECRET_TEXT = "[secret]"  # noqa: S105 - what is shown in a secret's place


@dataclass(frozen=True, slots=True)
class StateResource:
    """One custom resource as the state knows it; `pending` names an operation that was cut off."""

    urn: str
    type: str
    id: str
    region: str | None
    outputs: Mapping[str, Any]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    pending: str = ""
    imported: bool = False  # it was there before the program took it over
    held: bool = False  # protected, or retained on delete
    elsewhere: bool = False  # made with credentials of the program's own: ours ask in another account
    ignored: tuple[str, ...] = ()  # paths of properties whose changes the program ignores (`ignore_changes`)


@dataclass(frozen=True, slots=True)
class _Instance:
    """A provider instance of the program."""

    region: str | None = None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a state file holds; empty when there is none."""

    resources: tuple[StateResource, ...] = ()
    pending: tuple[StateResource, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    has_secret_outputs: bool = False
    has_secrets: bool = False
    exists: bool = False
    damaged: bool = False  # there is a file, and it cannot be read
    time: float | None = None  # when it was written by the engine, in seconds since the epoch


def read_checkpoint(
    state: Path, project: str, stack: str, granted: Mapping[str, Any] | None = MappingProxyType({})
) -> Checkpoint:
    """Read a stack's state from a file backend at `state`; `granted` as in `read_state_file`."""
    return read_state_file(state_file(state, project, stack), granted)


def read_state_file(path: Path, granted: Mapping[str, Any] | None) -> Checkpoint:
    """Read a state file, or a copy of one.

    `granted` are settings of the aws provider by which the harness itself says as whom to act; None: the providers heed
    no others than the harness's.
    """
    try:
        latest = _load(path)
    except FileNotFoundError:
        return Checkpoint()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # cut off by a full disk or a crash
        return Checkpoint(damaged=True)
    entries = latest.get("resources") or []
    providers = _providers(entries, granted)
    root: Mapping[str, Any] = next((e for e in entries if e["type"] == _STACK), {})
    outputs = root.get("outputs") or {}
    pending = [(p["resource"], p["type"]) for p in latest.get("pending_operations") or []]
    return Checkpoint(
        resources=tuple(_resource(e, providers) for e in entries if _is_real(e)),
        pending=tuple(_resource(e, providers, kind) for e, kind in pending if _is_real(e)),
        outputs={name: masked(value) for name, value in outputs.items()},
        has_secrets=_has_secret(entries) or _has_secret(latest.get("pending_operations") or []),
        has_secret_outputs=any(_has_secret(value) for value in outputs.values()),
        exists=True,
        time=_time(latest),
    )


def state_file(state: Path, project: str, stack: str) -> Path:
    """Where a file backend keeps a stack; its last good copy lies beside it with `.bak` behind."""
    return state / ".pulumi" / "stacks" / project / f"{stack}.json"


def empty_stack(state: Path, project: str, stack: str) -> None:
    """Make a file backend at `state` with one empty stack, unless there is one. Raises OSError."""
    path = state_file(state, project, stack)
    path.parent.mkdir(parents=True, exist_ok=True)
    (state / ".pulumi" / "meta.yaml").write_text("version: 1\n", encoding="ascii")  # stacks are named by project
    if not path.exists():
        document = {"version": 3, "checkpoint": {"stack": f"organization/{project}/{stack}", "latest": None}}
        path.write_text(json.dumps(document), encoding="utf-8")


def write_stack_tags(state: Path, project: str, stack: str, tags: Mapping[str, str]) -> None:
    """Put tags on a stack of a file backend, as `pulumi stack tag set` would, one engine start each. Raises OSError."""
    path = state_file(state, project, stack).with_suffix(".pulumi-tags")
    path.write_text(json.dumps({"version": 1, "tags": dict(tags)}), encoding="utf-8")


class Restored(StrEnum):
    """Which state there is to work with."""

    WHOLE = "whole"
    BACKUP = "backup"  # the last good copy: what was made after it was taken, it does not know
    LOST = "lost"


def restore_backup(state: Path, project: str, stack: str) -> Restored:
    """Put the last good copy in the place of a file that cannot be read. Says which state there is now.

    A mark beside it tells the same to whoever destroys later. Raises OSError.
    """
    path = state_file(state, project, stack)
    backup, mark = path.with_name(path.name + ".bak"), path.with_name(path.name + ".restored")
    if _is_readable(path):
        return Restored.BACKUP if mark.exists() else Restored.WHOLE
    if not _is_readable(backup):
        return Restored.LOST
    mark.touch(mode=0o600)
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_bytes(backup.read_bytes())
    partial.replace(path)
    return Restored.BACKUP


def _is_readable(path: Path) -> bool:
    try:
        _load(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return True


def edit_state(state: Path, project: str, stack: str, change: Callable[[dict[str, Any]], bool]) -> bool:
    """Let `change` alter a stack's deployment, and write it, whole or not at all, when it says that it did.

    Export and import by the engine do the same for the price of two engine starts and key derivations (2 s). Secrets
    are not touched: they stay encrypted.

    Returns:
        Whether something was changed.

    Raises:
        OSError: the disk refuses.
        ValueError: the file cannot be read.
    """
    path = state_file(state, project, stack)
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return False
    latest = document["checkpoint"].get("latest")
    if not latest or not change(latest):
        return False
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        partial.chmod(path.stat().st_mode & 0o7777)
        json.dump(document, file, indent=4)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return True


def masked_state(state: Path, project: str, stack: str) -> Any:
    """The whole state with every secret replaced by `[secret]`; None when there is none that can be read."""
    try:
        return masked(hide_tags(json.loads(state_file(state, project, stack).read_bytes())))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # also where it is no state of ours
        return None


def _load(path: Path) -> dict[str, Any]:
    latest: dict[str, Any] = json.loads(path.read_bytes())["checkpoint"].get("latest") or {}
    return latest


def _is_real(entry: Mapping[str, Any]) -> bool:
    """A resource that stands for something at the target and that we made (not one that was only read)."""
    return bool(entry.get("custom")) and not entry["type"].startswith(_PROVIDER) and not entry.get("external")


def _time(latest: Mapping[str, Any]) -> float | None:
    try:
        return datetime.fromisoformat(latest["manifest"]["time"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None


def _resource(entry: Mapping[str, Any], providers: Mapping[str, _Instance], pending: str = "") -> StateResource:
    outputs = entry.get("outputs") or {}
    own = outputs.get("region") or (entry.get("inputs") or {}).get("region")
    provider = providers.get(entry.get("provider") or "", _Instance())
    return StateResource(
        urn=entry["urn"],
        type=entry["type"],
        id=entry.get("id") or entry.get("importID") or "",  # an import that was cut off has no id yet
        region=own if isinstance(own, str) else provider.region,
        outputs=outputs,
        inputs=entry.get("inputs") or {},
        pending=pending,
        imported=bool(entry.get("importID")),
        held=bool(entry.get("protect") or entry.get("retainOnDelete")),
        elsewhere=provider.elsewhere,
        ignored=tuple(entry.get("ignoreChanges") or ()),
    )


def _providers(entries: list[Mapping[str, Any]], granted: Mapping[str, Any] | None) -> dict[str, _Instance]:
    """What each provider instance was told, by the reference (`urn::id`) that resources carry."""
    return {
        f"{entry['urn']}::{entry.get('id')}": _instance(entry, granted)
        for entry in entries
        if entry["type"].startswith(_PROVIDER)
    }


def _instance(entry: Mapping[str, Any], granted: Mapping[str, Any] | None) -> _Instance:
    inputs = entry.get("inputs") or {}
    region = inputs.get("region")
    own: Mapping[str, Any] = {}
    if granted is not None and entry["type"] == f"{_PROVIDER}aws":
        own = own_credentials(inputs)
    # One by default has the stack's configuration, where the same value may be encrypted here.
    default = entry["urn"].rpartition("::")[2].startswith("default")
    same = {name for name in own if granted and own[name] == granted.get(name)}
    hidden = {name for name in own if granted and default and name in granted and _has_secret(own[name])}
    return _Instance(region if isinstance(region, str) else None, elsewhere=bool(own.keys() - same - hidden))


def _has_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return _SIGNATURE in value or any(_has_secret(v) for v in value.values())
    return isinstance(value, list) and any(_has_secret(v) for v in value)


def masked(value: Any) -> Any:
    """The value with every secret replaced by `[secret]`."""
    if isinstance(value, dict):
        return SECRET_TEXT if _SIGNATURE in value else {key: masked(v) for key, v in value.items()}
    return [masked(v) for v in value] if isinstance(value, list) else value


def revealed(value: Any) -> Iterator[Any]:
    """The secret values of a state that was exported with its secrets in plain text."""
    if isinstance(value, dict):
        if _SIGNATURE in value and "plaintext" in value:
            yield json.loads(value["plaintext"])
        for one in value.values():
            yield from revealed(one)
    elif isinstance(value, list):
        for one in value:
            yield from revealed(one)


def hide_tags(document: dict[str, Any]) -> dict[str, Any]:
    """A state file's document in which a tag that is secret among `tags` is secret among `tagsAll` as well.

    The engine marks outputs that are called like secret inputs; `tagsAll` is the provider's own, which is never told
    what is secret. The encrypted value is the same, so it moves as it is.
    """
    latest = document["checkpoint"].get("latest") or {}
    pending = [one["resource"] for one in latest.get("pending_operations") or []]
    for entry in (*(latest.get("resources") or []), *pending):
        sides = [entry.get(side) or {} for side in ("inputs", "outputs")]
        hidden = [side["tags"] for side in sides if _has_secret(side.get("tags"))]
        for side in sides:
            everything = side.get("tagsAll")
            if hidden and isinstance(everything, dict):
                side["tagsAll"] = {name: _as_hidden(name, one, hidden) for name, one in everything.items()}
    return document


def _as_hidden(name: str, value: Any, hidden: list[dict[str, Any]]) -> Any:
    for tags in hidden:
        if _SIGNATURE in tags and not name.startswith("harness:"):  # all of them are, in one piece
            return SECRET_TEXT
        if _has_secret(tags.get(name)):
            return tags[name]
    return value
