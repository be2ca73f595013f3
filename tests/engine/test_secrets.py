"""Canaries: a program says its secrets in every way it has; no file and no report of the run holds one."""

from __future__ import annotations

import base64
import json
import os
import signal
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import psutil
import pytest

from harness.providers.ambient import Ambient
from harness.run.messages import CellSpec
from harness.run.secrecy import Secrecy
from harness.world.files import CellFiles
from harness.world.provider import ProviderProcess

CONFIG, VARIABLE = "cfg-é<&>\"'#1+/= canary", "variable/canary&42"
LINES = "first line of the canary\nsecond <line> of it"
WRITTEN = {  # texts that the program's source spells, so that only the run can hide them
    "parameter": "parameter canary 7f3a",
    "member": "member+canary=91",
    "tag": "tag-canary-5512",
    "output": "output canary 88c1",
    "lines": LINES,
}
PROGRAM = {"name": "shop", "directory": "/p", "main": "/p"}
CELL = {
    "name": "shop-abc",
    "program": PROGRAM,
    "stack": "shop-abc",
    "suffix": "abc",
    "region": "us-east-1",
    "config": {},
    "stack_config": None,
    "tags": {},
}
SPEC = {
    "run": "r-1",
    "cell": CELL,
    "account": "111122223333",
    "engine": "/e",
    "engine_version": "1",
    "hosts": "/h",
    "provider": "bundled",
    "target": "emulator",
    "url": "http://127.0.0.1:9",
    "expires": "2026-01-01T00:00:00",
    "limits": {"run": 1, "destroy": 1},
}
SOURCE = f"""
import base64, json
from urllib.parse import quote
import pulumi_random

given = config.require_secret("dbPassword")
password = pulumi_random.RandomPassword("password", length=24)
written = {WRITTEN!r}
parameter = aws.ssm.Parameter("parameter", name=f"/shop/{{suffix}}", type="SecureString", value=written["parameter"])
secret = aws.secretsmanager.Secret("secret", name=f"shop-secret-{{suffix}}", recovery_window_in_days=0)
version = aws.secretsmanager.SecretVersion(
    "version", secret_id=secret.id, secret_string=json.dumps({{"user": "admin", "password": written["member"]}})
)
tagged = aws.sqs.Queue("tagged", name=f"shop-tagged-{{suffix}}", tags={{"note": pulumi.Output.secret(written["tag"])}})
lines = aws.ssm.Parameter("lines", name=f"/shop/{{suffix}}/lines", type="SecureString", value=written["lines"])
pulumi.export("hidden", pulumi.Output.secret(written["output"]))
pulumi.export("parts", {{"password": password.result, "port": 5432}})


def say(values):
    drawn, config_value = values[:2]
    everything = [drawn, config_value, os.environ["DEPLOY_TOKEN"], *written.values()]
    with open({{record!r}}, "a") as file:
        file.write(json.dumps([drawn]) + "\\n")
    for one in everything:
        print("plain:", one, "repr:", repr(one))
        print("json:", json.dumps({{"a": one}}), json.dumps(json.dumps([one])), flush=True)
        print("url:", quote(one), quote(one, safe=""), file=sys.stderr)
        print("base64:", base64.b64encode(one.encode()).decode(), file=sys.stderr)
        print("basic:", base64.b64encode(f"user:{{one}}".encode()).decode(), file=sys.stderr, flush=True)
        pulumi.log.info(f"info {{one}}")
        pulumi.log.warn(f"warn {{one}}", resource=bucket)
    if {{fails}} and live:
        raise RuntimeError(f"cannot use {{everything}}")


pulumi.Output.all(password.result, given, version.id, parameter.id, tagged.id, lines.id, queue.id, bucket.id).apply(say)
"""
PROBES = """
from harness.probes.registry import probe


@probe("tells", timeout=30)
def tells(ctx):
    ask = ctx.client("secretsmanager")
    value = ask.get_secret_value(SecretId=f"shop-secret-{ctx.suffix}")["SecretString"]
    print("a probe prints", value, ctx.outputs["hidden"])
    return {"value": value, "output": ctx.outputs["hidden"], "password": ctx.outputs["parts"]["password"]}


@probe("fails with it", timeout=0.2)
def fails(ctx):
    value = ctx.client("ssm").get_parameter(Name=f"/shop/{ctx.suffix}", WithDecryption=True)["Parameter"]["Value"]
    raise ValueError(f"{value} and {ctx.outputs['parts']['password']}")
"""


def spelled(secret: str) -> set[bytes]:
    """What a reader would look for; shares nothing with the harness's own list."""
    escaped = json.dumps(secret)[1:-1]
    go = json.dumps(secret, ensure_ascii=False)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e")
    plain = base64.b64encode(secret.encode()).decode()
    behind = base64.b64encode(f"user:{secret}".encode()).decode()[8:-4]
    texts = {secret, escaped, go.replace("&", "\\u0026"), quote(secret), quote(secret, safe=""), quote_plus(secret)}
    texts |= {json.dumps(escaped)[1:-1], plain, plain.rstrip("="), behind}
    return {text.encode() for text in texts}


def assert_silent(secrets: list[str], home: Path, texts: dict[str, bytes]) -> None:
    """Nothing holds any of them: files of the home that are the run's, and these texts."""
    found = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and not path.is_symlink()}
    assert any(path.name == "cell.log" for path in found)
    everything = {**{str(path.relative_to(home)): data for path, data in found.items()}, **texts}
    told = [
        (name, form) for name, data in everything.items() for one in secrets for form in spelled(one) if form in data
    ]
    assert told == []


@pytest.mark.parametrize("fails", [False, True])
def test_no_file_and_no_report_holds_a_secret(harness, shop, emulator, auditor, tmp_path: Path, fails: bool) -> None:
    """Random, configured, stored, marked, exported and of the environment; printed, raised, and told by probes."""
    record, reports = tmp_path / "drawn.jsonl", tmp_path / "reports"
    reports.mkdir()
    directory = shop(SOURCE.replace("{record!r}", repr(str(record))).replace("{fails}", str(fails)), probes=PROBES)
    done = harness(
        *("run", str(directory), "--target", emulator.url, "--no-policy", "--config", f"dbPassword={CONFIG}"),
        *(
            "--json",
            str(reports / "run.json"),
            "--junit",
            str(reports / "run.xml"),
            "--html",
            str(reports / "run.html"),
        ),
        GITHUB_STEP_SUMMARY=str(reports / "summary.md"),
        GITHUB_ACTIONS="true",
        DEPLOY_TOKEN=VARIABLE,
    )
    assert done.code == 1, done.err
    [cell] = json.loads((reports / "run.json").read_text())["cells"]
    assert cell["status"] == ("ERRORED" if fails else "FAILED"), done.err
    drawn = {value for line in record.read_text().splitlines() for value in json.loads(line) if value}
    assert drawn
    secrets = [CONFIG, VARIABLE, *WRITTEN.values(), *LINES.split("\n"), *drawn]
    told = {path.name: path.read_bytes() for path in reports.iterdir()}
    assert len(told) == 4
    assert_silent(secrets, harness.home, {**told, "out": done.out.encode(), "err": done.err.encode()})
    log = Path(cell["log"])
    assert "plain: [secret] repr: " in log.read_text()
    assert "create done" in log.read_text()
    assert "a probe prints [secret] [secret]" in log.read_text() or fails
    if fails:
        assert "cannot use ['[secret]" in json.dumps(cell["error"])
    else:
        probes = {probe["name"]: probe["detail"] for probe in cell["probes"]}
        assert probes["tells"] == "value: [secret]; output: [secret]; password: [secret]"
        assert "ValueError: [secret] and [secret]" in probes["fails with it"]
    assert auditor(cell["account"]).left() == []


KILLS = """
import psutil
from harness.probes.registry import probe


@probe("kills the provider", timeout=5)
def kills(ctx):
    [process] = [one for one in psutil.Process().children() if "harness.providers.process" in one.cmdline()]
    process.kill()
    raise ValueError("as it was told: " + ctx.outputs["told"])
"""


def test_a_provider_that_dies_takes_no_secret_along(harness, shop, emulator, auditor, tmp_path: Path) -> None:
    """What it knew was asked for after `up`: a password of its own is in no report, and everything is destroyed."""
    record = tmp_path / "drawn"
    source = f"""
import pulumi_random
password = pulumi_random.RandomPassword("password", length=24)
password.result.apply(lambda text: text and open({str(record)!r}, "w").write(text))
password.result.apply(lambda text: print("it is", text, file=sys.stderr))
pulumi.export("told", password.result)
"""
    directory = shop(source, probes=KILLS)
    done = harness("run", str(directory), "--target", emulator.url, "--no-policy", "--no-recheck", "--json", "-")
    assert done.cell["probes"][0]["detail"].startswith("ValueError: as it was told: [secret]")
    assert_silent([record.read_text()], harness.home, {"out": done.out.encode(), "err": done.err.encode()})
    assert "it is [secret]" in Path(done.cell["log"]).read_text()
    assert auditor(done.cell["account"]).left() == []


@pytest.mark.campaign
def test_a_run_that_is_given_up_shows_no_secret(harness, held, tmp_path: Path) -> None:
    """Nobody of the cell lives to clean its log: the command does, before the page and the leak record show of it."""
    page = tmp_path / "page.html"
    source = f"""
import pulumi_aws, time
print("it is", os.environ["DEPLOY_TOKEN"])
text = pulumi.Output.secret("{WRITTEN["tag"]}")
pulumi_aws.sqs.Queue("tagged", tags={{"token": text}})
pulumi.export("told", text)
if live:
    after(lambda: time.sleep(600))
"""
    process, lease, ask = held(source, "--html", str(page), DEPLOY_TOKEN=VARIABLE)
    log = Path(lease["directory"]) / "cell.log"
    assert VARIABLE in log.read_text()
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.15)
    done = harness.finish(process)
    assert done.code == 3, done.err
    assert "it is [secret]" in log.read_text()
    told = {"page": page.read_bytes(), "out": done.out.encode(), "err": done.err.encode()}
    assert b"it is [secret]" in told["page"]
    assert_silent([VARIABLE, WRITTEN["tag"]], harness.home, told)
    assert "warning" not in done.err
    again = harness("destroy", lease["run"])
    assert again.code == 0, again.err
    assert ask.left() == []


def test_without_probes_the_state_tells_what_is_secret(harness, shop, emulator) -> None:
    """A secret that only the program knew, exported and printed; nobody but the engine can tell it afterwards."""
    source = """
word = "".join(reversed("yranac edispu"))
pulumi.export("word", pulumi.Output.secret({"deep": [word]}))
print("it is", word)
"""
    done = harness("run", str(shop(source)), "--target", emulator.url, "--no-policy", "--no-recheck", "--json", "-")
    assert done.code == 0, done.err
    assert "it is [secret]" in Path(done.cell["log"]).read_text()
    assert_silent(["upside canary"], harness.home, {"out": done.out.encode(), "err": done.err.encode()})


def test_after_a_crash_what_the_specification_knows_is_removed(harness, shop, emulator, eventually, tmp_path) -> None:
    """The cell's process is killed: the end of its log is not told, and the one that recovers cleans that log."""
    ready = tmp_path / "ready"
    source = f"""
given = config.require("dbPassword")
print("it is", given, "and", os.environ["DEPLOY_TOKEN"], flush=True)
if live:
    after(lambda: (open({str(ready)!r}, "w").close(), time.sleep(60)))
"""
    arguments = ("--target", emulator.url, "--no-policy", "--config", f"dbPassword={CONFIG}", "--json", "-")
    process = harness.start("run", str(shop(source)), *arguments, DEPLOY_TOKEN=VARIABLE)
    eventually(ready.exists)
    [cell] = [one for one in psutil.Process(process.pid).children() if "harness.run.cell" in one.cmdline()]
    cell.send_signal(signal.SIGKILL)
    done = harness.finish(process)
    assert done.code == 1, done.err
    assert done.cell["error"]["message"] == "the cell process was killed by signal 9"
    assert done.cell["error"]["detail"] == ""
    assert_silent([CONFIG, VARIABLE], harness.home, {"out": done.out.encode(), "err": done.err.encode()})
    log = Path(done.cell["log"]).read_text()
    assert "it is [secret] and [secret]" in log
    assert "only a program knew that was killed with its engine" in log


def test_a_provider_that_hangs_is_waited_for_two_seconds_and_no_more(tmp_path: Path, capsys) -> None:
    """It is stopped: the log says so, what is known otherwise is removed, and it is not asked again."""
    spec = CellSpec.model_validate(SPEC | {"directory": str(tmp_path), "cell": CELL | {"config": {"token": CONFIG}}})
    CellFiles(tmp_path).make()
    with ProviderProcess.start(Ambient(endpoint="http://127.0.0.1:9", access_key="1", secret_key="x"), tmp_path) as it:
        it.wait_ready()
        os.kill(it.pid, signal.SIGSTOP)
        try:
            secrecy, began = Secrecy(spec), time.monotonic()
            secrecy.ask_provider(lambda: it)
            first = time.monotonic() - began
            secrecy.ask_provider(lambda: it)
            assert 2 <= first < 20  # it would be silent for ever
            assert time.monotonic() - began < first + 1  # not another two
        finally:
            os.kill(it.pid, signal.SIGCONT)
    assert "only the provider process knows cannot be had" in capsys.readouterr().err
    assert secrecy.text(f"a{CONFIG}b") == "a[secret]b"


def test_a_provider_error_and_a_name_do_not_tell_a_secret(harness, shop, tmp_path: Path) -> None:
    """Marked by the program alone, refused by the target: neither the error, the journal, nor the emulator's log."""
    source = """
aws.s3.Bucket("refused", bucket=pulumi.Output.secret("Refused_Bucket_Canary"))
aws.sqs.Queue("named", name=pulumi.Output.secret("named-queue-canary"))
"""
    page = tmp_path / "run.html"
    done = harness("run", str(shop(source)), "--no-policy", "--html", str(page), "--json", "-")
    assert done.cell["status"] == "ERRORED", done.err
    assert "'refused'" in done.cell["error"]["message"] + done.cell["error"]["detail"]
    texts = {"out": done.out.encode(), "err": done.err.encode(), "page": page.read_bytes()}
    assert_silent(["Refused_Bucket_Canary", "named-queue-canary"], harness.home, texts)
    assert done.cell["resources"]["leaked"] == done.cell["resources"]["unverified"] == []


def test_encrypted_configuration_of_an_existing_stack_is_removed(harness, plain_project, emulator) -> None:
    """Only the engine can read it, and its name says nothing."""
    source = "import pulumi\nprint('it is', pulumi.Config().require('word'))\npulumi.Config().require_object('deep')\n"
    plain_project.write(source)
    for path, value in (("word", "ciphered canary"), ("deep.er[0]", "deeper canary")):
        code, text = plain_project.call("config", "set", "--secret", "--path", path, value)
        assert code == 0, text
    folder = str(plain_project.folder)
    arguments = ("--target", emulator.url, "--no-policy", "--no-recheck", "--stack-config", "dev", "--json", "-")
    done = harness("run", folder, *arguments, PULUMI_CONFIG_PASSPHRASE="test")
    assert done.code == 0, done.err
    assert "it is [secret]" in Path(done.cell["log"]).read_text()
    assert_silent(
        ["ciphered canary", "deeper canary"], harness.home, {"out": done.out.encode(), "err": done.err.encode()}
    )
