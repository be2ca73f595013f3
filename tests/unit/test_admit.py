"""What can be refused before anything is started is refused; and nothing of the user's is run for it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError, HarnessError, ProgramError
from harness.plan.make import make_plan
from harness.plan.settings import Settings
from harness.run.admit import admit

PROBE = '[[probe]]\nkind = "s3-round-trip"\nbucket = "${bucketName}"\n'


@pytest.fixture
def admitted(tmp_path: Path) -> Callable[..., None]:
    """Plans and admits a program with this harness.toml and these files."""

    def work(settings: str = "", files: dict[str, str] | None = None, **more: Any) -> None:
        directory = tmp_path / "shop"
        directory.mkdir()
        (directory / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
        (directory / "__main__.py").write_text("raise SystemExit('it was run')\n")
        (directory / "harness.toml").write_text(settings)
        for name, text in (files or {}).items():
            path = directory / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        packs = tuple(str(directory / pack) for pack in more.pop("policy_packs", ()))
        plan = make_plan(
            Settings(programs=(str(directory),), cwd=tmp_path, environ={}, policy_packs=packs, **more), random.Random(1)
        )
        admit(plan)

    return work


def test_what_is_well_formed_is_admitted_without_running_it(admitted) -> None:
    """Program, probes and packs would raise if they were imported."""
    files = {
        "probes.py": "raise SystemExit('it was run')\n",
        "pack/PulumiPolicy.yaml": "runtime: python\n",
        "pack/__main__.py": "raise SystemExit('it was run')\n",
    }
    settings = '[policy]\npacks = ["pack"]\nrules = { kms-rotation = "disabled" }\n[recheck]\nignore = ["a.b"]\n'
    admitted(settings + PROBE, files, policy_packs=("pack",))


@pytest.mark.parametrize(
    ("settings", "place", "hint"),
    [
        ("[policy]\nrule = 1\n", "harness.toml:2: policy.rule: no such key", "packs, rules"),
        ('[policy.rules]\nkms-rotatoin = "advisory"\n', "harness.toml:2: policy.rules.kms-rotatoin", "kms-rotation"),
        ('[policy.rules]\nkms-rotation = "loud"\n', "harness.toml:2: policy.rules.kms-rotation", "mandatory"),
        ("[policy.rules.backup-retention]\ndays = 0\n", "harness.toml:2: policy.rules.backup-retention.days", "days"),
        ('[policy]\npacks = ["nowhere"]\n', "harness.toml:2: policy.packs: pack 1", "PulumiPolicy.yaml"),
        (PROBE + '\n[[probe]]\nkind = "htpt"\n', "harness.toml:6: probe[2].kind", "http"),
        (PROBE + 'buckets = "x"\n', "harness.toml:4: probe[1].buckets", "bucket"),
        (PROBE + 'timeout = "soon"\n', "harness.toml:4: probe[1].timeout", "90s"),
        ('[[probe]]\nkind = "s3-round-trip"\n', "harness.toml:1: probe[1]", "bucket"),
        ("probe = 3\n", "harness.toml:1: probe", "[[probe]]"),
        ('[recheck]\nignore = "a.b"\n', "harness.toml:2: recheck.ignore", "list of globs"),
        ("[recheck]\nignores = []\n", "harness.toml:2: recheck.ignores: no such key", "ignore"),
        ("[plicy]\n", "harness.toml:1: plicy: no such key", "policy"),
    ],
)
def test_a_malformed_table_is_refused_with_its_line(admitted, settings: str, place: str, hint: str) -> None:
    """File, line, key, and what is allowed there."""
    with pytest.raises(ConfigError) as refused:
        admitted(settings)
    assert place in refused.value.message
    assert hint in refused.value.hint


def test_probes_that_are_not_python_are_refused_with_their_line(admitted) -> None:
    """They are compiled, and not run."""
    with pytest.raises(ProgramError) as refused:
        admitted("", {"probes.py": "import os\n\ndef broken(:\n"})
    assert "probes.py:3" in refused.value.message


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "there is no policy pack"),
        ({"pack/__main__.py": ""}, "holds no PulumiPolicy.yaml"),
        ({"pack/PulumiPolicy.yml": "", "pack/__main__.py": ""}, "holds no PulumiPolicy.yaml"),
        ({"pack/PulumiPolicy.yaml": "runtime: python\n"}, "has no __main__.py"),
        ({"pack/PulumiPolicy.yaml": "a: [\n", "pack/__main__.py": ""}, "cannot read"),
    ],
)
def test_a_pack_that_is_none_is_refused(admitted, files: dict[str, str], words: str) -> None:
    """Given on the command line."""
    with pytest.raises(HarnessError) as refused:
        admitted("", files, policy_packs=("pack",))
    assert words in refused.value.message
    assert refused.value.exit_code == 2
    assert refused.value.hint


def test_what_is_switched_off_is_not_looked_at(admitted) -> None:
    """`--no-policy` and `--no-probe`: their tables and files may be as they are."""
    settings = '[policy.rules]\nkms-rotation = "loud"\n[[probe]]\nkind = "htpt"\n'
    admitted(settings, {"probes.py": "def broken(:\n"}, policy=False, probe=False)
