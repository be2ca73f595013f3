"""What the engine prints when a policy pack cannot be loaded or breaks in; cause and remedy in plain words out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from harness.model import Failure, PhaseName

# All wordings are those of engine 3.255 (sdk/go/common/resource/plugin/analyzer_plugin.go, pkg/engine/update.go).
_START: Final = re.compile(r'policy pack "(?P<pack>[^"\n]+)" failed to start: (?P<why>.*)')
_PROJECT: Final = re.compile(r'failed to load Pulumi policy project located at "(?P<pack>[^"\n]+)": (?P<why>.*)')
_RUNTIME: Final = re.compile(
    r'could not start policy pack "(?P<pack>[^"\n]+)".*no analyzer plugin \'pulumi-analyzer-policy-(?P<runtime>\w+)\''
)
_CONFIG: Final = re.compile(r"validating policy config: (?P<pack>\S+) \S*\s+(?P<why>\S.*)")
_CONFIGURED: Final = re.compile(r'configuring policy pack "(?P<pack>[^"\n]+)" at "[^"\n]*": (?P<why>.*)')
_OURS: Final = re.compile(r"rule (?P<rule>\S+) of pack (?P<pack>\S+) broke on (?P<urn>\S+): (?P<why>.*)")
_BROKE: Final = re.compile(r"(?:failed to run policy|failed to run remediation): (?P<why>.*)")
# A stack rule's exception has no words of its own, and a provider in Python fails with the same: but at its resource.
_STACK_RULE: Final = re.compile(
    r"pulumi:pulumi:Stack \([^)\n]*\):\n(?:    .*\n)*?    error: Exception calling application: (?P<why>.*)"
)
_DIED: Final = re.compile(r"error reading from server|connection error|transport is closing")
_PORT: Final = re.compile(r'wrote an invalid port to stdout: .*parsing "(?P<text>[^"]*)"')
_EXIT: Final = re.compile(r"could not read plugin \[[^\]]*\]: (?:exit status (?P<code>\d+)|(?P<why>.*))")
_FRAME: Final = re.compile(r'File "(?P<file>[^"\n]+)", line (?P<line>\d+)')
_ERROR: Final = re.compile(r"^\s*(?P<error>[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt)\b.*)$", re.MULTILINE)
_TRACEBACK: Final = "Traceback (most recent call last):"
_MODULE: Final = re.compile(r"No module named '(?P<module>[^']+)'")
_HINT: Final = "mend the pack, or leave it out of `packs` and --policy-pack"


def explain_pack_failure(text: str) -> Failure | None:
    """What went wrong with a policy pack, from everything that the engine printed; None when nothing did.

    `text` is the engine's standard output and error together. A rule that raises, and a pack
    that dies, fail the preview: they never pass for passed.
    """
    readers: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], Failure]], ...] = (
        (_START, _start),
        (_RUNTIME, _runtime),
        (_PROJECT, _project),
        (_CONFIG, _config),
        (_CONFIGURED, _config),
        (_OURS, _our_rule),
        (_BROKE, _rule),
        (_STACK_RULE, _rule),
    )
    for pattern, read in readers:
        if match := pattern.search(text):
            return read(match, text)
    return None


def explain_traceback(text: str, pack: str) -> Failure:
    """Why a pack could not be loaded, from what it printed itself."""
    said = [line.strip() for line in text.splitlines() if line.strip()]
    errors = _ERROR.findall(text)
    why = errors[-1].strip() if errors else said[-1] if said else "it ended and said nothing"
    frames = [match for match in _FRAME.finditer(text) if match["file"].startswith(pack)]
    place = f" ({frames[-1]['file']}:{frames[-1]['line']})" if frames else ""
    hint = _HINT
    if missing := _MODULE.search(why):
        hint = (
            f"install {missing['module']} where the pack runs; `runtime.options.virtualenv` of its PulumiPolicy.yaml "
            "names an environment of its own"
        )
    return _unloadable(pack, why + place, hint, text)


def _start(match: re.Match[str], text: str) -> Failure:
    pack, why = match["pack"], match["why"].strip()
    if port := _PORT.search(why):
        return _unloadable(
            pack,
            f"it prints {port['text']!r} before its port, or never calls PolicyPack",
            "print nothing to standard output before PolicyPack(), and end the file with it",
            why,
        )
    own = _own_output(text)
    if _TRACEBACK in own or _ERROR.search(own):
        return explain_traceback(own, pack)
    ended = _EXIT.search(why)
    if ended and ended["code"]:
        return _unloadable(pack, f"its process ended with code {ended['code']} and said nothing", _HINT, why)
    return _unloadable(pack, ended["why"] if ended else why, _HINT, why)


def _own_output(text: str) -> str:
    """The pack's traceback, with the prefix off that the engine's display puts before every line."""
    lines = [re.sub(r"^\s*\+?\s*pulumi:pulumi:Stack \S+\s?(?:create\s)?", "", line) for line in text.splitlines()]
    return "\n".join(line for line in lines if not line.startswith("error: policy pack"))


def _runtime(match: re.Match[str], _text: str) -> Failure:
    runtime = match["runtime"]
    return _unloadable(
        match["pack"],
        f"nothing here runs packs in {runtime}",
        f"put Pulumi's language host for {runtime} on PATH, or write the pack in Python",
        match[0],
    )


def _project(match: re.Match[str], _text: str) -> Failure:
    why = match["why"].strip()
    return _unloadable(
        match["pack"],
        "it holds no PulumiPolicy.yaml" if "no such file" in why else why,
        "a policy pack is a directory with a PulumiPolicy.yaml (`runtime: python`) and a __main__.py",
        match[0],
    )


def _config(match: re.Match[str], _text: str) -> Failure:
    return _failure(
        f"the configuration of policy pack {match['pack']} is refused: {match['why'].strip()}",
        "see [policy.rules] in harness.toml, or the file of --policy-pack-config",
        match[0],
    )


def _our_rule(match: re.Match[str], _text: str) -> Failure:
    return _failure(
        f"rule {match['rule']} of policy pack {match['pack']} broke: {match['why'].strip()}",
        f'this is a bug of the harness; until it is mended, say `[policy.rules] {match["rule"]} = "disabled"`',
        match[0],
    )


def _rule(match: re.Match[str], _text: str) -> Failure:
    why = match["why"].strip().removeprefix("Exception calling application: ")
    hint = f"its rules have not judged all; {_HINT}"
    if _DIED.match(why):
        return _failure("a policy pack died in the middle of the preview", hint, match[0])
    return _failure(f"a rule of a policy pack broke: {why}", hint, match[0])


def _unloadable(pack: str, why: str, hint: str, detail: str) -> Failure:
    return _failure(f"policy pack {pack} cannot be loaded: {why}", hint, detail)


def _failure(message: str, hint: str, detail: str) -> Failure:
    return Failure(phase=PhaseName.PREFLIGHT, message=message, hint=hint, detail=detail.strip())
