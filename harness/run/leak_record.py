"""A cell's result that says that something is left, in; a record of it on disk, for programs and for people, out.

It stays until a later destroy proves all of it gone. It holds no secrets: neither does the result that it is made from,
and the state goes with it masked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.model import CellResult, CellStatus, ResourceRef
from harness.run.messages import CellSpec
from harness.world.checkpoint import masked_state
from harness.world.files import CellFiles

SCHEMA = 1


def write_leak_record(spec: CellSpec, result: CellResult, scrub: Callable[[str], str]) -> CellResult:
    """Write it when something is left or could not be asked about; the result then names it.

    `scrub` takes known secrets out of a text. A disk that refuses costs the record, never the result.
    """
    left = result.resources
    if result.status is not CellStatus.LEAKED and not left.leaked:
        return result
    files = CellFiles(spec.directory)
    document = _document(spec, result, files)
    state = masked_state(files.state, spec.cell.program.name, spec.cell.stack)
    try:
        if state is not None:
            _write(files.leak_state, scrub(json.dumps(state, indent=2)))
            document["state"] = str(files.leak_state)
        _write(files.leak_record, json.dumps(document, indent=2))
        _write(files.leak_text, "\n".join(_lines(document)) + "\n")
    except OSError:
        return result
    return result.model_copy(update={"leak_record": str(files.leak_record)})


def _document(spec: CellSpec, result: CellResult, files: CellFiles) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": spec.run,
        "cell": result.cell,
        "program": result.program,
        "stack": result.stack,
        "target": spec.url or spec.target,
        "provider": spec.provider,
        "region": result.region,
        "account": result.account,
        "finish": f"harness destroy {spec.run}",
        "cause": result.error.message if result.error else "",
        "leaked": _things(result.resources.leaked, result),
        "unverified": _things(result.resources.unverified, result),
        "state": None,
        "journal": str(files.journal),
        "log": result.log,
    }


def _things(refs: Iterable[ResourceRef], result: CellResult) -> list[dict[str, Any]]:
    return [
        {
            "type": one.type,
            "id": one.id,
            "urn": one.urn,
            "region": one.region or result.region,
            "account": result.account,
            "reason": one.reason,
            "command": one.command,
        }
        for one in refs
    ]


def _lines(document: dict[str, Any]) -> Iterator[str]:
    place = f"{document['target']}, account {document['account'] or 'of your credentials'}"
    yield f"LEAKED: {document['cell']} ({document['program']}) of run {document['run']}, at {place}"
    yield f"written {document['written']}"
    if document["cause"]:
        yield f"what came first: {document['cause']}"
    yield ""
    yield f"To end it, and prove it:  {document['finish']}"
    for title, key in (("Still there", "leaked"), ("Could not be asked about", "unverified")):
        if not document[key]:
            continue
        yield ""
        yield f"{title}: {len(document[key])}"
        for one in document[key]:
            yield f"- {one['type']} {one['id']} in {one['region']}"
            yield f"    {one['reason']}"
            if one["command"]:
                yield f"    {one['command']}"
    yield ""
    for name in ("state", "journal", "log"):
        if document[name]:
            yield f"{name}: {document[name]}"


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.touch(mode=0o600)
    partial.write_text(text, encoding="utf-8", errors="backslashreplace")
    partial.replace(path)
