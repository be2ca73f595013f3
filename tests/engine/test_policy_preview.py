"""The policy pack in real previews: every rule catches its offender and no other, and clean programs pass them all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from policy_previews import NOWHERE, SUFFIX, Previewer, previews, settings

import harness.policy
from harness.model import Program
from harness.plan.program_file import read_program_file
from harness.policy.failures import explain_pack_failure
from harness.policy.rules import RULES
from harness.policy.settings import read_policy
from harness.world.emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
TAGS = '{"Environment": "test", "Project": "shop", "CostCenter": "x"}'
SECRET = "drawn-by-somebody-else"
LITERAL = "Tr0ub4dor&3"


@pytest.fixture
def previewer(plain_project: Any, account: str) -> Iterator[Previewer]:
    """Previews with the bundled provider."""
    with previews(plain_project, NOWHERE, account) as made:
        yield made


OFFENDERS = f"""
import pulumi, pulumi_aws as aws, pulumi_random as random
from pulumi import ResourceOptions as Options

tags = {TAGS}
password = pulumi.Config().require_secret("password")


def cluster(name, **changed):
    return aws.rds.Cluster(name, **{{
        "cluster_identifier": f"{{name}}-{SUFFIX}", "engine": "aurora-postgresql", "master_username": "u",
        "master_password": password, "skip_final_snapshot": True, "backup_retention_period": 7, "tags": tags,
        **changed,
    }})


aws.s3.Bucket("named", bucket="plain-name", tags=tags)
aws.sqs.Queue("untagged", name="untagged-{SUFFIX}", tags={{"Environment": "test"}})
cluster("guarded", deletion_protection=True)
cluster("snapshot", skip_final_snapshot=False)
cluster("forgetful", backup_retention_period=3)
cluster("literal", master_password="{LITERAL}")
cluster("configured", master_password=pulumi.Config().require("plain"))
aws.cloudwatch.LogGroup("endless", name="/{SUFFIX}/x", tags=tags)
aws.kms.Key("rigid", tags=tags)
aws.ecr.Repository("blind", name="blind-{SUFFIX}", tags=tags)
aws.sqs.Queue("kept", name="kept-{SUFFIX}", tags=tags, opts=Options(protect=True))
random.RandomPet("retained", opts=Options(retain_on_delete=True))
"""


def test_each_rule_catches_its_own_offender_and_nothing_else(previewer: Previewer) -> None:
    """One program, a resource that breaks each rule; every finding names exactly that resource."""
    previewer.project.write(OFFENDERS)
    previewer.project.call("config", "set-all", "--secret", f"password={SECRET}", "--plaintext", f"plain={LITERAL}x")
    seen = previewer(settings(previewer.project.folder, backup_retention={"level": "mandatory", "days": 7}))
    assert {(one.id, one.resource) for one in seen.events.findings} == {
        ("suffix-in-names", "Bucket named"),
        ("required-tags", "Queue untagged"),
        ("deletion-protection", "Cluster guarded"),
        ("final-snapshot", "Cluster snapshot"),
        ("backup-retention", "Cluster forgetful"),
        ("literal-passwords", "Cluster literal"),
        ("literal-passwords", "Cluster configured"),
        ("log-retention", "LogGroup endless"),
        ("kms-rotation", "Key rigid"),
        ("ecr-scan-on-push", "Repository blind"),
        ("protect-or-retain", "Queue kept"),
        ("protect-or-retain", "RandomPet retained"),
    }
    assert {one.id for one in seen.events.findings} == set(RULES)  # a rule without an offender is not tested
    assert set(seen.status.values()) == {"failed"}
    assert all(one.cause and one.remedy and one.urn.endswith(one.resource.split()[1]) for one in seen.events.findings)
    assert seen.code != 0
    assert seen.events.mandatory
    causes = {one.resource: one.cause for one in seen.events.findings}
    line = OFFENDERS.splitlines().index(f'cluster("literal", master_password="{LITERAL}")') + 1
    assert f"__main__.py:{line}" in causes["Cluster literal"]
    assert "plain:plain" in causes["Cluster configured"]
    assert causes["Queue untagged"] == "it lacks the tags Project, CostCenter"
    assert LITERAL not in json.dumps([one.model_dump() for one in seen.events.findings])
    assert explain_pack_failure(seen.text) is None


CLEAN = f"""
import pulumi, pulumi_aws as aws, pulumi_random as random

tags = {TAGS}
pet = random.RandomPet("pet")
drawn = random.RandomPassword("drawn", length=20)
own = aws.Provider("own", region="eu-west-1", default_tags={{"tags": tags}})
aws.s3.Bucket("automatic", tags=tags)
aws.s3.Bucket("unknown", bucket=pet.id, tags=pet.id.apply(lambda name: {{"Owner": name}}))
aws.s3.Bucket("inherits", bucket="inherits-{SUFFIX}", opts=pulumi.ResourceOptions(provider=own))
aws.sqs.Queue("prefixed", name_prefix="prefixed-{SUFFIX}-", tags=tags)
aws.sqs.Queue("legacy", name="made-long-ago", tags=tags)
aws.rds.Cluster(
    "data", cluster_identifier=pet.id, engine="aurora-postgresql", master_username="u", master_password=drawn.result,
    skip_final_snapshot=True, deletion_protection=pet.id.apply(lambda name: len(name) > 99), tags=tags,
    backup_retention_period=pet.id.apply(len),
)
secret = aws.secretsmanager.Secret("secret", name="secret-{SUFFIX}", tags=tags)
aws.secretsmanager.SecretVersion(
    "value", secret_id=secret.id, secret_string=pulumi.Output.json_dumps({{"password": drawn.result}})
)
aws.cloudwatch.LogGroup("log", name="/{SUFFIX}/x", retention_in_days=pet.id.apply(len), tags=tags)
aws.kms.Key("key", enable_key_rotation=pet.id.apply(bool), tags=tags)
aws.ecr.Repository("images", name="images-{SUFFIX}", tags=tags,
    image_scanning_configuration={{"scan_on_push": pet.id.apply(bool)}})
"""


def test_a_clean_program_passes_every_rule_and_unknown_values_are_not_judged(previewer: Previewer) -> None:
    """Random names, drawn passwords, automatic names, default tags of the program's own, and declared exceptions."""
    previewer.project.write(CLEAN)
    seen = previewer(settings(previewer.project.folder, suffix_in_names={"exempt": ["legacy"]}))
    assert seen.events.findings == ()
    assert set(seen.status.values()) == {"passed"}
    assert set(seen.status) == set(RULES)
    assert seen.events.complete
    assert seen.code == 0, seen.text


@pytest.mark.parametrize("name", ["starter", "financial"])
def test_our_programs_pass_every_rule_with_their_settings(
    name: str, plain_project: Any, emulator: Emulator, account: str
) -> None:
    """As they stand, with what their harness.toml says."""
    shutil.rmtree(plain_project.folder)
    shutil.copytree(ROOT / "programs" / name, plain_project.folder)
    file = plain_project.folder / "harness.toml"
    table = read_program_file(file).policy
    program = Program(name=name, directory=file.parent, main=file.parent, policy=table, settings_file=file)
    assert plain_project.call("stack", "init", "dev")[0] == 0
    with previews(plain_project, emulator.url, account) as previewer:
        seen = previewer(read_policy(program))
    assert seen.events.findings == ()
    assert set(seen.status) == set(RULES)
    assert set(seen.status.values()) == {"passed"}
    assert seen.code == 0, seen.text


def test_the_pack_works_alone_with_plain_pulumi(previewer: Previewer) -> None:
    """With its own defaults, and with a configuration in the engine's own form; the remedy is in the output."""
    previewer.project.write(
        f'import pulumi_aws as aws\naws.sqs.Queue("q", name="q-{SUFFIX}")\naws.cloudwatch.LogGroup("l", name="l")'
    )
    pack = str(harness.policy.PACK)
    seen = previewer.read(["--policy-pack", pack], None)
    assert seen.code != 0
    assert "[mandatory]  required-tags  (aws:sqs:Queue: q)" in seen.text
    assert RULES["required-tags"].remedy in seen.text
    config = previewer.project.folder.parent / "own.json"
    config.write_text('{"all": "advisory", "required-tags": {"enforcementLevel": "disabled", "tags": ["Owner"]}}')
    seen = previewer.read(["--policy-pack", pack, "--policy-pack-config", str(config)], None)
    assert seen.code == 0, seen.text
    assert "required-tags" not in seen.text
    assert "[advisory]  suffix-in-names  (aws:cloudwatch:LogGroup: l)" in seen.text


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ('{"backup-retention": {"days": "many"}}', "days: Invalid type"),
        ('{"backup-retention": {"days": 99}}', "less than or equal to 35"),
        ('{"backup-retention": {"day": 3}}', "no parameter 'day'; it has: exempt, days, tables"),
        ('{"backups": "mandatory"}', "no rule 'backups'; it has: backup-retention"),
    ],
)
def test_a_configuration_that_the_pack_does_not_know_is_refused(previewer: Previewer, config: str, words: str) -> None:
    """Also one that the engine itself would let through."""
    file = previewer.project.folder.parent / "own.json"
    file.write_text(config)
    seen = previewer.read(["--policy-pack", str(harness.policy.PACK), "--policy-pack-config", str(file)], None)
    assert seen.code != 0
    assert words in seen.text
    failure = explain_pack_failure(seen.text)
    assert failure is not None
    assert words in failure.message


def test_a_program_with_an_environment_of_its_own_is_judged_by_ours(previewer: Previewer) -> None:
    """The pack needs the harness's interpreter, whatever the program runs in and has beside it."""
    folder = previewer.project.folder
    venv.create(folder / "env", system_site_packages=False, with_pip=False)
    site = next((folder / "env" / "lib").glob("python*")) / "site-packages"
    (site / "sdk.pth").write_text(str(Path(sys.prefix) / "lib" / site.parent.name / "site-packages"))
    previewer.project.write(
        "import sys, pulumi\nassert 'project/env' in sys.prefix\npulumi.export('x', 1)",
        runtime={"name": "python", "options": {"virtualenv": "env"}},
    )
    (folder / "harness").mkdir()
    (folder / "harness" / "__init__.py").write_text("raise SystemExit('the wrong harness')")
    seen = previewer(settings(folder))
    assert seen.code == 0, seen.text
    assert set(seen.status.values()) == {"passed"}


def test_the_pack_imports_nothing_heavy() -> None:
    """It is started in every preview: beside what the SDK imports itself, only rules and the standard library."""
    code = (
        "import sys, pulumi, pulumi_policy; before = set(sys.modules); import harness.policy.serve;"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['harness']"
