"""What a probe returned or raised in, one line of text for the report out: where, what was seen, and no secret."""

from __future__ import annotations

import ast
import json
import linecache
import traceback
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from harness.errors import HarnessError
from harness.probes.model import FUNCTION, Probe, ProbeFailure

SECRET: Final = "[secret]"  # noqa: S105 - what is shown in a secret's place, as Pulumi does
SHORTEST_HIDDEN: Final = 4  # characters; replacing shorter ones would tear words apart, and guards nothing


def told(evidence: object) -> str:
    """Evidence as text. `return False` must not pass for a probe that meant to fail. Raises TypeError."""
    if evidence is None or isinstance(evidence, str):
        return evidence or ""
    if isinstance(evidence, Mapping):
        texts = {
            key: value if isinstance(value, str) else json.dumps(value, default=str) for key, value in evidence.items()
        }
        return "; ".join(f"{key}: {text}" for key, text in texts.items())
    raise TypeError(
        f"returned {evidence!r}: a probe returns None, text or a mapping, and says no by assert or ProbeFailure"
    )


def explained(error: BaseException, which: Probe) -> str:
    """What went wrong and where in the program's own files. No values of variables: they may be secret."""
    frame = own_frame(traceback.extract_tb(error.__traceback__), which)
    where = which.place if which.kind != FUNCTION else _short(frame)
    if isinstance(error, ProbeFailure):
        return "; ".join(filter(None, (error.message, told(error.evidence)))) + f" ({where})"
    if isinstance(error, AssertionError):
        return ": ".join(filter(None, (where, _assertion(frame), str(error))))
    if isinstance(error, HarnessError):
        return f"{error.message}; {error.hint} ({where})"
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return f"{type(error).__name__}: {text} ({where})"


def hidden(text: str, secrets: Collection[str]) -> str:
    """The text with every secret value replaced; the longest first, because one may hold another."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_HIDDEN:
            text = text.replace(secret, SECRET)
    return text


def own_frame(stack: traceback.StackSummary, which: Probe) -> traceback.FrameSummary | None:
    """The deepest frame in the program's own files: a library's line says nothing to its author."""
    if which.kind != FUNCTION:
        return None
    return deepest_below(stack, which.file.parent)


def deepest_below(stack: traceback.StackSummary, directory: Path) -> traceback.FrameSummary | None:
    """The deepest frame in a file of this directory."""
    return next((frame for frame in reversed(stack) if Path(frame.filename).is_relative_to(directory)), None)


def at(stack: traceback.StackSummary, which: Probe) -> str:
    """Where a thread stands, for people."""
    return which.place if which.kind != FUNCTION else _short(own_frame(stack, which))


def _short(frame: traceback.FrameSummary | None) -> str:
    return "outside the program" if frame is None else f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}"


def _assertion(frame: traceback.FrameSummary | None) -> str:
    """Source text of the assert at this frame, on one line; the frame knows only the line where it was evaluated."""
    if frame is None or frame.lineno is None:
        return ""
    source = "".join(linecache.getlines(frame.filename))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert) and node.lineno <= frame.lineno <= (node.end_lineno or node.lineno):
            return "assert " + " ".join((ast.get_source_segment(source, node.test) or "").split())
    return frame.line or ""
