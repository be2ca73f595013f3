"""`[[probe]]` tables: what they may say, and that each slip is told with file, line, key and what is allowed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from probe_tables import declared, once, program

from harness.errors import ConfigError, ProgramError
from harness.plan.discovery import load_program
from harness.probes.declaring import COMMON, kinds
from harness.probes.listing import listing
from harness.probes.registry import ProbeContext, check, load

README = Path(__file__).resolve().parents[2] / "harness" / "probes" / "README.md"
NAMED = ["http", "tcp", "s3-round-trip", "sqs-round-trip", "secret-readable", "log-retention", "kms-rotation"]
NAMED += ["rds-available", "ecr-scan", "vpc-layout", "tags", "suffix"]
NAMED += ["target-chain", "ecs-steady", "ecs-scaling", "ecr-image", "role-may", "flow-logs", "stream-round-trip"]
NAMED += ["topic-round-trip", "cache-available", "alarms", "security-groups", "encrypted"]


def test_every_kind_is_there() -> None:
    """Those that are promised, and no other."""
    assert sorted(kinds()) == sorted(NAMED)


def test_every_kind_is_documented_in_full() -> None:
    """The file beside the code is what `python -m harness.probes` prints: each kind, each key, each with a sentence."""
    assert README.read_text(encoding="utf-8") == listing()
    for each in kinds().values():
        assert f"## {each.name}\n\n{each.summary}" in listing()
        for name, field in each.keys.model_fields.items():
            assert field.description, f"{each.name}: {name} says nothing of itself"
            assert name in COMMON or f"`{field.alias}`" in listing()


def test_a_table_becomes_a_probe(tmp_path: Path) -> None:
    """Name, time, kind, place and the outputs that it names; a name is made where none is given."""
    settings = (
        '[program]\ndescription = "x"\n\n'
        '[[probe]]\nkind = "http"\nurl = "${serviceUrl}/health"\ntimeout = "2m"\n\n'
        '[[probe]]\nkind = "tags"\nname = "all is tagged"\n'
    )
    http, tags = declared(tmp_path, settings)
    assert (http.name, http.kind, http.timeout, http.line) == ("http serviceUrl/health", "http", 120, 4)
    assert http.outputs == {"serviceUrl"}
    assert http.file == tmp_path / "harness.toml"
    assert (tags.name, tags.kind, tags.timeout, tags.line) == ("all is tagged", "tags", 30, 9)


CHAIN = "[[probe]]\nkind = 'target-chain'\nlistener = 'l'\ntarget-group = 't'\nport = 80\npath = '/'\n"
CHAIN += "cluster = 'c'\nservice = 's'\n"
HTTP = '[[probe]]\nkind = "http"\nurl = "http://h"\n'


@pytest.mark.parametrize(
    ("text", "line", "key", "said", "allowed"),
    [
        ("[[probe]]\nurl = 'x'\n", 2, "probe[1].kind", "is needed", "kinds: alarms, cache-available"),
        ("[[probe]]\nkind = 'htpp'\n", 3, "probe[1].kind", "did you mean 'http'", "kinds: alarms, cache-available"),
        ("[[probe]]\nkind = 7\n", 3, "probe[1].kind", "no kind 7", "kinds:"),
        (HTTP + "urll = 'x'\n", 5, "probe[1].urll", "no such key", "url, method, headers"),
        (HTTP + "status = 'ok'\n", 5, "probe[1].status", "valid integer", "a status code or a list"),
        (HTTP + "status = [200, 'ok']\n", 5, "probe[1].status[2]", "valid integer", "a status code or a list"),
        (HTTP + "verify = 'no'\n", 5, "probe[1].verify", "valid boolean", "false accepts any"),
        (HTTP + "method = 'FETCH'\n", 5, "probe[1].method", "'GET'", "GET, HEAD, POST"),
        (HTTP + "timeout = 'soon'\n", 5, "probe[1].timeout", "'soon' is not a duration", "90s, 15m, 2h"),
        (HTTP + "timeout = 0\n", 5, "probe[1].timeout", "'0' is not a duration", "90s, 15m, 2h"),
        (HTTP + "timeout = true\n", 5, "probe[1].timeout", "is not a duration", "90s, 15m, 2h"),
        (HTTP + "body = '${url'\n", 5, "probe[1].body", "without `}`", "text to send"),
        (HTTP + "json = { 'a[' = 1 }\n", 5, "probe[1].json", "'a[' is not a JMESPath", "JMESPath = value"),
        (HTTP + HTTP, 5, "probe[2]", "there is a probe 'http http://h' already", "another name"),
        (HTTP + "name = 'a'\n" + HTTP + "name = 'a'\n", 9, "probe[2].name", "'a' already", "another name"),
        ("[[probe]]\nkind = 'http'\n", 2, "probe[1].url", "is needed", "url, method"),
        ("[[probe]]\nkind = 'tcp'\nhost = 'h'\nport = 70000\n", 5, "probe[1].port", "65535", "1 to 65535"),
        (
            "[[probe]]\nkind = 'encrypted'\nkey = 'k'\ntypes = ['aws:sqs/queue:Queue', 'aws:iam/role:Role']\n",
            *(5, "probe[1].types", "nobody can ask for the key of 'aws:iam/role:Role'", "aws:sns/topic:Topic"),
        ),
        (
            "[[probe]]\nkind = 'stream-round-trip'\nstream = 's'\nencrypted = false\nkey = 'k'\n",
            *(2, "probe[1]", "`key` needs `encrypted`", "stream, encrypted, key"),
        ),
        (
            "[[probe]]\nkind = 'cache-available'\ngroup = 'c'\nkms-key = 7\n",
            *(5, "probe[1].kms-key", "valid string", "ARN of the key"),
        ),
        ("[[probe]]\nkind = 'kms-rotation'\n", 2, "probe[1]", "needs `key` or `alias`", "key, alias"),
        (
            "[[probe]]\nkind = 'security-groups'\ngroups = { web = 'sg-1' }\nways = [['', 'wep', 80]]\n",
            *(2, "probe[1]", "the way from '' to 'wep' on 80 is of none of the groups", "groups, ways"),
        ),
        (
            "[[probe]]\nkind = 'security-groups'\ngroups = { web = 'sg-1' }\nways = [['', 'web']]\n",
            *(5, "probe[1].ways[1][3]", "is needed", "groups, ways"),
        ),
        (
            "[[probe]]\nkind = 'rds-available'\ncluster = 'c'\nnot-before = 'latest'\n",
            *(5, "probe[1].not-before", "should match pattern", "the oldest version"),
        ),
        ("[[probe]]\nkind = 'rds-available'\n", 2, "probe[1]", "needs `cluster` or `instance`", "cluster, instance"),
        (
            "[[probe]]\nkind = 'vpc-layout'\nvpc = 'v'\npublic = 's'\nendpoint-groups = 'g'\n",
            *(2, "probe[1]", "`endpoint-groups` needs `endpoints`", "vpc, public"),
        ),
        (
            "[[probe]]\nkind = 'vpc-layout'\nvpc = 'v'\nendpoints = 's3'\nendpoint-subnets = []\n",
            *(6, "probe[1].endpoint-subnets", "at least 1", "interface endpoint"),
        ),
        (
            "[[probe]]\nkind = 'vpc-layout'\nvpc = 'v'\nendpoints = 's3'\nprivate-dns = 'on'\n",
            *(6, "probe[1].private-dns", "valid boolean", "true: "),
        ),
        (
            "[[probe]]\nkind = 'rds-available'\ncluster = 'c'\nsecurity-groups = []\n",
            *(5, "probe[1].security-groups", "at least 1", "security groups"),
        ),
        (
            "[[probe]]\nkind = 'cache-available'\ngroup = 'c'\nsubnets = [7]\n",
            *(5, "probe[1].subnets[1]", "valid string", "subnets"),
        ),
        (
            CHAIN + "security-groups = []\n",
            *(10, "probe[1].security-groups", "at least 1", "load balancer"),
        ),
        (
            "[[probe]]\nkind = 'ecs-steady'\ncluster = 'c'\nservice = 's'\npublic = 'no'\n",
            *(6, "probe[1].public", "valid boolean", "false: "),
        ),
        ("[[probe]]\nkind = 'vpc-layout'\nvpc = 'v'\n", 2, "probe[1]", "needs `public`", "vpc, public"),
        (
            "[[probe]]\nkind = 'log-retention'\nlog-groups = []\ndays = 1\n",
            4,
            "probe[1].log-groups",
            "at least 1",
            "a list",
        ),
        ("[[probe]]\nkind = 'tags'\ntags = 'Project'\n", 4, "probe[1].tags", "dictionary", "a table of tag = value"),
        ("[[probe]]\nkind = 'tags'\ntags = {}\n", 4, "probe[1].tags", "at least 1", "a table of tag = value"),
        (
            "[[probe]]\nkind = 'suffix'\n[probe.ignore]\nx = 1\n",
            4,
            "probe[1].ignore",
            "valid string",
            "types to leave out",
        ),
        ("probe = 3\n", 2, "probe", "valid list", "[[probe]] tables"),
    ],
)
def test_a_slip_is_told_with_its_place_and_what_is_allowed(
    tmp_path: Path, text: str, line: int, key: str, said: str, allowed: str
) -> None:
    """`FILE:LINE: KEY: what is wrong`, and the hint says what could stand there."""
    with pytest.raises(ConfigError) as refused:
        declared(tmp_path, "# harness.toml\n" + text)
    assert refused.value.message.startswith(f"{tmp_path / 'harness.toml'}:{line}: {key}: ")
    assert said in refused.value.message
    assert allowed in refused.value.hint
    assert "pydantic" not in refused.value.message


def test_both_sorts_of_probes_are_loaded_and_their_names_differ(tmp_path: Path) -> None:
    """Declared ones first; a function of the same name is refused with its line."""
    directory = program(tmp_path, '[[probe]]\nkind = "suffix"\n')
    head = "from harness.probes.registry import probe\n"
    (directory / "probes.py").write_text(head + "@probe\ndef own(context): ...\n", encoding="utf-8")
    assert [(each.name, each.kind) for each in load(load_program(directory))] == [
        ("suffix", "suffix"),
        ("own", "function"),
    ]
    (directory / "probes.py").write_text(head + "@probe\ndef suffix(context): ...\n", encoding="utf-8")
    with pytest.raises(ProgramError, match=r"probes\.py:2: there is a probe 'suffix' already"):
        load(load_program(directory))


def test_checking_runs_nothing_of_the_users(tmp_path: Path) -> None:
    """It happens in the process that has the user's real credentials; a syntax error is refused all the same."""
    directory = program(tmp_path, '[[probe]]\nkind = "suffix"\n')
    (directory / "probes.py").write_text("raise SystemExit('it was run')\n", encoding="utf-8")
    assert [each.name for each in check(load_program(directory))] == ["suffix"]
    (directory / "probes.py").write_text("x = 1\ndef broken(:\n", encoding="utf-8")
    with pytest.raises(ProgramError, match=r"probes\.py:2: "):
        check(load_program(directory))


def test_checking_is_cheap(tmp_path: Path) -> None:
    """Neither boto3 nor httpx is imported to judge a table."""
    directory = program(tmp_path, HTTP + '[[probe]]\nkind = "tags"\n')
    source = (
        "import pathlib, sys\nfrom harness.plan.discovery import load_program\nfrom harness.probes.load import check\n"
        f"assert len(check(load_program(pathlib.Path({str(directory)!r})))) == 2\n"
        "print(sorted({'boto3', 'botocore', 'httpx', 'tenacity', 'pulumi'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("table", "outputs", "said"),
    [
        ('kind = "tcp"\nhost = "${host}"\nport = 1\n', {}, "no output 'host'"),
        (
            'kind = "tcp"\nhost = "127.0.0.1"\nport = "${port}"\n',
            {"port": "hunter2-is-no-port"},
            "port: Input should be",
        ),
        ('kind = "tcp"\nhost = "h${names}"\nport = 1\n', {"names": ["hunter2"]}, "is a list"),
    ],
)
def test_an_output_that_does_not_fit_is_a_mistake_and_its_value_is_not_told(
    table: str, outputs: dict[str, object], said: str
) -> None:
    """Time cannot mend it, so there is no second attempt; where it stands is told."""
    result = once(table, ProbeContext(outputs=outputs, region="r", suffix="s"))
    assert (result.status, result.attempts) == ("errored", 1)
    assert said in result.detail
    assert "harness.toml:1" in result.detail
    assert "hunter2" not in result.detail


def test_a_value_that_looks_like_a_reference_once_it_is_known_stays_as_it_is() -> None:
    """Outputs are not read twice."""
    context = ProbeContext(outputs={"host": "${other}"}, region="r", suffix="s")
    result = once('kind = "tcp"\nhost = "${host}"\nport = 1\ntimeout = 1\n', context)
    assert result.detail.startswith("${other}:1: ")
