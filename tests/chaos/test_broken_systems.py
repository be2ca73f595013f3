"""Each system with something broken: its probes, or its policy before anything is made, must notice; all of it goes."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from commands import ALL_SYSTEMS
from cut import cut

PROGRAMS = Path(__file__).resolve().parents[2] / "programs"


@dataclass(frozen=True)
class Break:
    """What is put for what in which file of a program; what is said of it, and by which probes of each program."""

    name: str
    file: str
    old: str
    new: str
    said: str
    noticed: dict[str, set[str]]
    rule: str = ""  # the policy rule that says so instead, before anything is made


ROUTE = Break(
    "missing route",
    "parts/network.py",
    "destination_cidr_block=ANYWHERE,\n            nat_gateway_id",
    'destination_cidr_block="192.168.0.0/16",\n            nat_gateway_id',
    "do not lead to nat-",
    {
        **{one: {"vpc-layout vpcId"} for one in ("financial", "webapp", "payments", "flask_api")},
        "platform": {"vpc-layout vpcId", "every zone has a NAT gateway of its own"},  # which follows the same routes
    },
)
PORT = Break(
    "wrong port",
    "parts/balancer.py",
    'port=check.port,\n            protocol="HTTP",\n            target_type',
    'port=check.port + 1,\n            protocol="HTTP",\n            target_type',
    "targets are reached on port",
    {
        **{one: {"target-chain ecsService, /"} for one in ("webapp", "payments", "platform")},
        "flask_api": {"target-chain ecsService, /health"},
    },
)
SECRET = Break(
    "unreadable secret",
    "parts/service.py",
    '"Action": ["secretsmanager:GetSecretValue"]',
    '"Action": ["secretsmanager:DescribeSecret"]',
    "may not secretsmanager:GetSecretValue",
    {
        "webapp": {"containers may read the secret"},
        "payments": {"containers may read db-connection"},
        "flask_api": {"containers may read their secrets"},
        "platform": {"containers may read their secrets"},
    },
)
LOGS = Break(
    "logs that never expire",
    "parts/logs.py",
    "retention_in_days=RETENTION_DAYS,\n",
    "",
    "retention",
    {one: set() for one in ("financial", "webapp", "payments", "flask_api", "platform")},
    rule="log-retention",
)
STREAM = Break(
    "stream not there",  # deleted behind the engine's back: the output names it, and the state believes in it
    "events.py",
    'pulumi.export("streamName", self.stream.name)',
    """
        def lose(name: str) -> str:
            import boto3

            if not pulumi.runtime.is_dry_run():
                boto3.client("kinesis").delete_stream(StreamName=name, EnforceConsumerDeletion=True)
            return name

        pulumi.export("streamName", self.stream.name.apply(lose))""",
    "ResourceNotFound",
    {"platform": {"stream-round-trip streamName", "tags", "suffix"}},  # it cannot be asked for its marks either
)
OPEN = Break(
    "open bucket",
    "__main__.py",
    "block_public_acls=True",
    "block_public_acls=False",
    "can be made public",
    {"starter": {"bucket is there and private"}},
)
GROUP = Break(
    "database in the wrong group",  # then the group that was judged for it stands around nothing
    "parts/database.py",
    "vpc_security_group_ids=[security_group.id],\n",
    """vpc_security_group_ids=[
                aws.ec2.SecurityGroup(
                    f"{self._name}-stranger",
                    name=settings.name("stranger"),
                    vpc_id=security_group.vpc_id,
                    tags=settings.tagged("stranger"),
                    opts=self._own,
                ).id
            ],
""",
    "must stand elsewhere",
    {one: {"rds-available clusterIdentifier"} for one in ("financial", "webapp", "flask_api", "platform")},
)
BREAKS = [ROUTE, PORT, SECRET, LOGS, STREAM, OPEN, GROUP]
# What is refused before anything is made, and one system with all the rest: the stream's is the largest of them.
FEW = {"starter": (OPEN,), "financial": (LOGS,), "webapp": (ROUTE, PORT, SECRET, GROUP)}
CASES = [FEW, *(dict.fromkeys(one.noticed, (one,)) for one in BREAKS)]


def broken(folder: Path, program: str, breaks: tuple[Break, ...]) -> Path:
    """A copy of the program, links followed, with those changes; no probe waits longer than usual: it stays broken."""
    copy = folder / program
    shutil.copytree(PROGRAMS / program, copy)
    for one in breaks:
        source = copy / one.file
        text = source.read_text()
        assert text.count(one.old) == 1, f"{one.file} has changed"
        source.write_text(text.replace(one.old, one.new))
    settings = copy / "harness.toml"
    settings.write_text(re.sub(r"^timeout = .*\n", "", settings.read_text(), flags=re.MULTILINE))
    return copy


def was_noticed(cell: dict[str, Any], program: str, breaks: tuple[Break, ...]) -> None:
    """By those probes or rules and no others, with words that say what is wrong; and all is gone."""
    assert cell["status"] == "FAILED", (program, cell["status"], cell["error"])
    failed = {probe["name"]: probe["detail"] for probe in cell["probes"] if probe["status"] != "passed"}
    assert failed.keys() == {name for one in breaks for name in one.noticed[program]}, (program, failed)
    found = {each["id"]: each["cause"] for each in cell["findings"] if each["severity"] == "mandatory"}
    rules = {one.rule for one in breaks if one.rule}
    assert found.keys() == rules
    for one in breaks:
        assert any(one.said in words for words in (*failed.values(), *found.values())), (program, one.name)
    resources = cell["resources"]
    assert resources["leaked"] == resources["unverified"] == []
    assert (resources["created"] == 0) is bool(rules)


def called(case: dict[str, tuple[Break, ...]]) -> str:
    """The breakage, or that they are all in a few."""
    return "a few" if case is FEW else next(iter(case.values()))[0].name


@pytest.mark.parametrize("case", cut(CASES, 1), ids=called)
def test_what_is_broken_is_noticed(harness, emulator, auditor, tmp_path, case: dict[str, tuple[Break, ...]]) -> None:
    """All but one in three systems in every test run, each in all that it fits in by the campaign; side by side."""
    programs = [str(broken(tmp_path, program, breaks)) for program, breaks in case.items()]
    args = (*programs, "--target", emulator.url, "--no-recheck", "--json", "-")
    done = harness.finish(harness.start("run", *args), ALL_SYSTEMS)
    assert done.code == 1, done.err
    cells = {cell["program"].replace("-", "_"): cell for cell in done.document["cells"]}
    assert cells.keys() == case.keys()
    for program, breaks in case.items():
        was_noticed(cells[program], program, breaks)
        assert auditor(cells[program]["account"], cells[program]["region"]).left(beside=True) == []


def test_every_system_is_broken_in_the_campaign_and_all_but_one_breakage_in_every_test_run() -> None:
    """Each system stands in the table; what is broken in a few is what they notice."""
    assert {program for case in CASES for program in case} == {
        one.parent.name for one in PROGRAMS.glob("*/Pulumi.yaml")
    }
    assert all(program in one.noticed for program, breaks in FEW.items() for one in breaks)
    assert [one for one in BREAKS if not any(one in breaks for breaks in FEW.values())] == [STREAM]


@pytest.mark.parametrize("one", [one for one in BREAKS if one.file.startswith("parts/")], ids=lambda one: one.name)
def test_a_breakage_is_tried_on_every_system_that_it_fits_in(one: Break) -> None:
    """On all that are built of the part that it is in."""
    imports = f"from parts.{Path(one.file).stem} import "
    users = {file.parent.name for file in PROGRAMS.glob("*/*.py") if imports in file.read_text()} - {"parts"}
    assert one.noticed.keys() == users
