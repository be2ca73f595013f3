"""Policy packs of the user beside ours: every rule of theirs is told, and what breaks never passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from policy_previews import NOWHERE, Previewer, previews, settings

from harness.errors import ConfigError
from harness.policy.failures import explain_pack_failure
from harness.policy.packs import declare_pack
from harness.policy.settings import policy_arguments

PACK = """
from pulumi_policy import *

def look(args, report):
    if args.resource_type == "test:index:Box":
        report(f"{args.name} may not be")

def whole(args, report):
    report("too small")

def mend(args):
    return None

PolicyPack("theirs", enforcement_level=EnforcementLevel.MANDATORY, policies=[
    ResourceValidationPolicy("no-boxes", "No boxes.", look),
    ResourceValidationPolicy("quiet", "Never says a word.", lambda args, report: None),
    ResourceValidationPolicy("switched-off", "Off.", look, EnforcementLevel.DISABLED),
    ResourceValidationPolicy("mender", "Mends.", remediate=mend, enforcement_level=EnforcementLevel.REMEDIATE),
    StackValidationPolicy("stack-size", "Stacks are large.", whole, EnforcementLevel.ADVISORY),
    StackValidationPolicy("stack-quiet", "Never says a word.", lambda args, report: None),
])
"""
BOX = 'import pulumi\npulumi.ComponentResource("test:index:Box", "box")'


@pytest.fixture
def previewer(plain_project: Any, account: str) -> Iterator[Previewer]:
    """Previews with the bundled provider."""
    with previews(plain_project, NOWHERE, account) as made:
        yield made


@pytest.fixture
def pack(tmp_path: Path) -> Callable[..., Path]:
    """Writes a policy pack."""

    def write(source: str | None = PACK, manifest: str | None = "runtime: python\nversion: 1.2.3\n") -> Path:
        folder = tmp_path / "their, pack"
        folder.mkdir()
        if manifest is not None:
            (folder / "PulumiPolicy.yaml").write_text(manifest)
        if source is not None:
            (folder / "__main__.py").write_text(source)
        return folder

    return write


def test_the_users_packs_run_beside_ours_and_every_rule_of_theirs_is_told(
    previewer: Previewer, pack: Callable[..., Path]
) -> None:
    """Passed, violated and disabled ones, stack rules and remediations, with their levels."""
    theirs = pack()
    declared = declare_pack(theirs, previewer.project.environ)
    assert declared is not None
    previewer.project.write(BOX)
    seen = previewer(settings(previewer.project.folder), (theirs,), (declared,))
    outcomes = {one.rule: (one.level.value, one.status.value) for one in seen.events.outcomes if one.pack == "theirs"}
    assert outcomes == {
        "no-boxes": ("mandatory", "failed"),
        "quiet": ("mandatory", "passed"),
        "switched-off": ("disabled", "disabled"),
        "mender": ("mandatory", "passed"),
        "stack-size": ("advisory", "advised"),
        "stack-quiet": ("mandatory", "passed"),
    }
    assert {one.status.value for one in seen.events.outcomes if one.pack == "harness"} == {"passed"}
    assert [(one.id, one.source, one.resource, one.cause) for one in seen.events.findings] == [
        ("no-boxes", "theirs", "Box box", "box may not be"),
        ("stack-size", "theirs", "Stack plain-dev", "too small"),
    ]
    assert seen.code != 0


RULE = """
from pulumi_policy import *
import os
def look(args, report):
    if "Box" in args.resource_type:
        {0}
PolicyPack("theirs", [ResourceValidationPolicy("one", "One.", look), ResourceValidationPolicy("two", "Two.", print)])
"""
STACK_RULE = """
from pulumi_policy import *
def look(args, report):
    raise ValueError("no such stack")
PolicyPack("theirs", [StackValidationPolicy("one", "One.", look)])
"""


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (RULE.format("raise ValueError('no such box')"), "a rule of a policy pack broke: no such box"),
        (RULE.format("os._exit(7)"), "a policy pack died"),
        (STACK_RULE, "a rule of a policy pack broke: no such stack"),
    ],
    ids=["raises", "dies", "stack rule raises"],
)
def test_a_rule_that_raises_and_a_pack_that_dies_never_pass(
    previewer: Previewer, pack: Callable[..., Path], source: str, words: str
) -> None:
    """The preview fails, says why, and none of the pack's rules is told as passed."""
    previewer.project.write(BOX)
    theirs = pack(source.replace("print", "lambda args, report: None"))
    seen = previewer(settings(previewer.project.folder), (theirs,))
    assert seen.code != 0
    assert not seen.events.complete
    assert [one for one in seen.events.outcomes if one.pack == "theirs"] == []
    failure = explain_pack_failure(seen.text)
    assert failure is not None
    assert words in failure.message
    assert failure.hint


@pytest.mark.parametrize(
    ("source", "manifest", "words", "hint"),
    [
        ("def x(:", "runtime: python\n", "SyntaxError: invalid syntax", "mend"),
        ("import not_there_at_all", "runtime: python\n", "No module named 'not_there_at_all'", "install not_there"),
        ("class Boom(BaseException): pass\nraise Boom('x')", "runtime: python\n", "Boom: x", "mend"),
        ("import os; os._exit(3)", "runtime: python\n", "ended", "mend"),
        ("print('hello')", "runtime: python\n", "never calls PolicyPack", ""),
        (PACK, None, "holds no PulumiPolicy.yaml", "PulumiPolicy.yaml"),
        (PACK, "runtime: [\n", "YAML", "runtime: python"),
        (PACK, "runtime: nodejs\n", "nodejs", "language host"),
        (PACK, "runtime: {name: python, options: {virtualenv: nowhere}}\n", "virtualenv is 'nowhere'", ""),
    ],
    ids=["syntax", "module", "raises", "dies", "no pack", "no manifest", "bad manifest", "runtime", "environment"],
)
def test_a_pack_that_cannot_be_loaded_is_explained(
    previewer: Previewer, pack: Callable[..., Path], source: str, manifest: str | None, words: str, hint: str
) -> None:
    """By what the engine prints, and before it by asking the pack itself; with the pack, the place and a way out."""
    theirs = pack(source, manifest)
    previewer.project.write(BOX)
    quoted = policy_arguments(settings(previewer.project.folder), [], previewer.project.folder.parent)
    seen = previewer.read(["--policy-pack", f'"{theirs}"', "--policy-pack-config", '""', *quoted], None)
    assert seen.code != 0
    assert seen.events.outcomes == ()
    failure = explain_pack_failure(seen.text)
    assert failure is not None
    assert str(theirs) in failure.message
    assert words in failure.message
    assert hint in failure.hint
    if "nodejs" in (manifest or ""):
        assert declare_pack(theirs, previewer.project.environ) is None  # only the engine could start it
        return
    with pytest.raises(ConfigError) as refused:
        declare_pack(theirs, previewer.project.environ)
    assert str(theirs) in refused.value.message
    assert words in refused.value.message + refused.value.hint
