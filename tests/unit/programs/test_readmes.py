"""The programs' READMEs against what the programs declare: sections, outputs, configuration, number of resources."""

from __future__ import annotations

import functools
import re

import pytest
from mocked_programs import PROGRAMS, Declared, Mocked, run

pytestmark = pytest.mark.xdist_group("readmes")  # each program is run once, for all tests of this file
SYSTEMS = ("financial", "webapp", "payments", "flask_api", "platform")
ALL = ("starter", *SYSTEMS)
LINKED = {
    "ecs": "ECS",
    "rds": "RDS",
    "lb": "Elastic Load Balancing",
    "elasticache": "ElastiCache",
    "appautoscaling": "Application Auto Scaling",
}  # services that make a role of their own in the account, the first time
SECTIONS = ("What is checked", "Times and cost on AWS", "Security and capacity", "Limits")


@functools.cache
def everything() -> dict[str, Declared]:
    """What each declares with its fallbacks, by one process."""
    answers = run([Mocked(name, name.replace("_", "-")).setup() for name in ALL])
    return {name: Declared(**asked, log=log) for name, (asked, log) in zip(ALL, answers, strict=True)}


def readme(name: str) -> str:
    """Of one program."""
    return (PROGRAMS / name / "README.md").read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """What stands under a heading of a program's README, on one line."""
    return " ".join(readme(name).partition(f"## {heading}\n")[2].partition("\n## ")[0].split())


def rows(text: str, head: str) -> list[list[str]]:
    """Cells of the table whose first column has this heading."""
    _, _, table = text.partition(f"| {head} |")
    lines = table.partition("\n\n")[0].splitlines()[2:]
    assert lines, f"no table {head}"
    return [line.strip("|").split("|") for line in lines]


def ticked(text: str) -> set[str]:
    """What stands in back-ticks."""
    return set(re.findall(r"`([^`]+)`", text))


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_section_that_a_reader_looks_for_is_there(name: str) -> None:
    """A picture of the architecture, and what is checked, takes how long, costs how much, is safe, is missing."""
    text = readme(name)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [one for one in SECTIONS if one not in headings] == []
    for one in SECTIONS:
        assert section(name, one), f"nothing under {one}"


@pytest.mark.parametrize("name", ALL)
def test_the_architecture_is_drawn(name: str) -> None:
    """As a picture that GitHub shows."""
    assert re.search(r"^```mermaid\nflowchart ", readme(name), re.MULTILINE)


@pytest.mark.parametrize("name", ALL)
def test_the_outputs_told_are_those_exported(name: str) -> None:
    """No more and no fewer."""
    text = readme(name)
    if name == "starter":
        told = {one for first, *_ in rows(text, "output") for one in ticked(first)}
    else:
        told = {one for _, names in rows(text, "outputs") for one in ticked(names)}
    assert told == everything()[name].outputs.keys()


@pytest.mark.parametrize("name", ALL)
def test_the_configuration_told_is_what_the_program_reads(name: str) -> None:
    """Each key that its code or the parts' asks for; without the region, which is the provider's."""
    files = [*(PROGRAMS / name).glob("*.py"), *(PROGRAMS / "parts").glob("*.py")]
    code = "".join(file.read_text(encoding="utf-8") for file in files)
    read = set(re.findall(r"""onfig(?:\(\))?\.get(?:_int)?\("(\w+)"\)""", code))
    told = {one for first, *_ in rows(readme(name), "config key") for one in ticked(first)}
    if not everything()[name].of("rds/cluster:Cluster"):
        read -= {"engineVersion"}
    if name == "starter":
        read -= {"azCount", "excludeZoneIds"}
    assert told == read | {"aws:region"}


@pytest.mark.parametrize("name", ALL)
def test_the_number_of_resources_told_is_the_programs(name: str) -> None:
    """In its own README, and in the table of all programs."""
    counted = len(everything()[name].aws)
    [listed] = [cells for first, *cells in rows(readme("."), "program") if f"[{name}]" in first]
    assert int(listed[-1]) == counted
    told = re.search(r"(\d+)\s+AWS\s+resources", readme(name))
    assert name == "starter" or (told and int(told[1]) == counted)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_limits_name_whose_roles_the_account_keeps(name: str) -> None:
    """A service-linked role is made at the first use, needs a permission, and outlives the stack."""
    [line] = re.findall(r"^- At the first use in an account .*(?:\n  .*)*", readme(name), re.MULTILINE)
    assert "iam:CreateServiceLinkedRole" in line
    used = {one["type"].removeprefix("aws:").partition("/")[0] for one in everything()[name].aws}
    assert {word for word in LINKED.values() if word in line} == {LINKED[one] for one in used & LINKED.keys()}


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_way_out_is_told(name: str) -> None:
    """Who may reach the internet stands under security, with how: a reader takes what is not named for closed."""
    rules = everything()[name].of("vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    assert {one["inputs"]["toPort"] for one in rules if "cidrIpv4" in one["inputs"]} == {443}
    told = section(name, "Security and capacity")
    assert "the internet by HTTPS" in told
    assert "Nothing else is open" not in told


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_limits_name_what_the_quotas_must_hold(name: str) -> None:
    """VPCs and addresses, of which a region allows five each: counted, in its own README and in that of all."""
    kinds = everything()[name].kinds
    needed = (kinds["Vpc"], kinds["Eip"])
    told = re.search(r"(\d+) VPC and (\d+) Elastic IP address(?:es)? of the 5 each", section(name, "Limits"))
    assert told, "no line about quotas"
    assert (int(told[1]), int(told[2])) == needed
    [listed] = [cells for first, *cells in rows(readme("."), "program") if f"[{name}]" in first]
    assert (int(listed[1]), int(listed[2])) == needed


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_limits_say_what_helps_against_a_zone_that_cannot_work(name: str) -> None:
    """Fewer zones do not, where the bad one is the first."""
    assert "name its id in `excludeZoneIds`" in section(name, "Limits")


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_limits_say_when_an_image_goes_that_still_runs(name: str) -> None:
    """A lifecycle policy counts pushes, and does not know what is deployed."""
    told = "expire the one that runs" in section(name, "Limits")
    assert told == bool(everything()[name].of("ecr/lifecyclePolicy:LifecyclePolicy"))


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_limits_say_whether_a_database_at_its_most_is_told(name: str) -> None:
    """By an alarm, or by nobody: where a probe would look, right after `up`, it may still be there from its start."""
    program, text = everything()[name], section(name, "Limits")
    watched = {one["inputs"]["metricName"] for one in program.of("cloudwatch/metricAlarm:MetricAlarm")}
    told = {
        word
        for word in ("an alarm tells", "nobody tells")
        if f"{word} when the database is at its most" in text.lower()
    }
    alarm = watched & {"ServerlessDatabaseCapacity", "ACUUtilization"}
    if program.of("rds/cluster:Cluster"):
        assert told == ({"an alarm tells"} if alarm else {"nobody tells"})
    assert {one for one in ("ServerlessDatabaseCapacity", "ACUUtilization") if f"`{one}`" in text} >= alarm


def test_what_to_check_when_the_source_is_not_found_is_told() -> None:
    """GitHub answers 404 for a repository that the token may not see: branch and scope are the first to look at."""
    told = section("payments", "Limits")
    assert "Not found [StatusCode: 404]" in told
    assert {"`owner`", "`repository`", "`branch`", "`repo`", "`connectionArn`"} <= {f"`{one}`" for one in ticked(told)}


def test_what_is_tried_before_a_push_is_told() -> None:
    """And where nothing is."""
    told = section("flask_api", "Limits")
    assert "it is started here and its `/health` asked" in told
    assert "an emulator gets a stand-in that was not tried" in told
