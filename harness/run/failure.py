"""A failed engine operation in; the first cause in a person's words, and what to do, out."""

from __future__ import annotations

import re

from harness.model import Failure, PhaseName, Program
from harness.run.timeline import Diagnostic, Timeline, is_engine_only
from harness.world.provider import BUNDLED

_MISSING_CONFIG = re.compile(r"Missing required configuration variable '(?:([^':]+):)?([^']+)'")
# What the engine says besides the cause: true, and of no help to anyone.
_NOISE = re.compile(
    r"^(?:update|preview|destroy) failed$|^resource plugin .* is expected to have version|^\d+ errors? occurred"
)
# How the engine begins a message of several lines: a resource that exists already although its create failed.
_HEAD = re.compile(r"^(?:error: )?(?:\d+ errors? occurred:\s*\*\s+)?")
_LONGEST = 2000  # characters of one message: a stack trace beyond that belongs into the log
_MISSING_PLUGIN = re.compile(
    r"could not (?:load|find|download) (?:plugin|latest)|no resource plugin|failed to (?:load|download|install) plugin",
    re.IGNORECASE,
)


_PLUGIN = re.compile(r"resource[- ](?:plugin '?pulumi-resource-|plugin )([a-z0-9-]+)")


def explain_failure(phase: PhaseName, timeline: Timeline, output: str, program: Program) -> Failure:
    """The failure of `phase`, from its timeline, or from the engine's own output when no event says it."""
    errors = [error for error in timeline.errors if not _NOISE.match(_said(error))]
    if not errors:
        hint = "what the engine and the program printed is in the cell's log"
        return Failure(phase=phase, message=f"{phase} failed: {last_words(output)}", hint=hint)
    first, rest = errors[0], errors[1:]
    config = _MISSING_CONFIG.search(first.message)
    if config is not None:
        return _missing_config(phase, config, program)
    return Failure(
        phase=phase,
        message=_message(first),
        hint=_hint(first),
        detail="\n".join(_message(error) for error in rest),
    )


def _missing_config(phase: PhaseName, match: re.Match[str], program: Program) -> Failure:
    namespace, key = match[1] or program.name, match[2]
    name = key if namespace == program.name else f"{namespace}:{key}"
    return Failure(
        phase=phase,
        message=f"{program.name} needs the configuration value {name!r}",
        hint=f"harness run … --config {name}=VALUE, or a default under [config] in its harness.toml",
    )


def _said(error: Diagnostic) -> str:
    return _HEAD.sub("", error.message.strip(), count=1)


def _message(error: Diagnostic) -> str:
    text = _said(error)
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + " …"
    if error.urn and not is_engine_only(_type_of(error.urn)):
        name = error.urn.rpartition("::")[2]
        return f"{_type_of(error.urn)} {name!r}: {text}"
    return text


def _hint(error: Diagnostic) -> str:
    if _MISSING_PLUGIN.search(error.message):
        return _plugin_hint(error.message)
    if "the bundled provider failed in" in error.message:
        return "that is a defect of the bundled provider: please report it with the cell's log; or --provider official"
    if "--provider official" in error.message:
        return "the bundled provider does not know this argument"
    if error.urn and not is_engine_only(_type_of(error.urn)):
        return "the target's own words; what had been made of it is destroyed with the rest"
    where = " in the line named last" if "Traceback" in error.message else "; what it printed is in the cell's log"
    return f"mend the program{where}"


def _plugin_hint(message: str) -> str:
    named = _PLUGIN.search(message)
    if named is not None and named[1] not in BUNDLED:
        return f"only {' and '.join(BUNDLED)} are bundled; --provider official lets the engine download {named[1]}"
    return "the official plugin comes from Pulumi's site: allow that download, or use --provider bundled"


def _type_of(urn: str) -> str:
    """The innermost type of `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`."""
    parts = urn.split("::")
    return parts[2].rpartition("$")[2] if len(parts) > 2 else ""  # noqa: PLR2004 - the third part of a URN


def last_words(output: str) -> str:
    """The error lines with which the engine ended, from its whole output."""
    lines = [line.strip().removeprefix("stderr: ") for line in output.splitlines()]
    useful = [line for line in lines if line.startswith("error:")]
    return " ".join(useful[-3:])[:_LONGEST] or "the engine does not say why"
