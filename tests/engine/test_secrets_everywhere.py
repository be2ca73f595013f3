"""Canaries, however a run ends: passed, errored, kept, leaked, or killed and recovered; no artefact holds one."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import psutil
import pytest
from test_secrets import CONFIG, LINES, SOURCE, VARIABLE, WRITTEN, spelled

# Passwords of a database, and secrets in a name, a message and a file of the program's own.
MORE = """
import tempfile
master = pulumi_random.RandomPassword("master", length=20, special=False)
aws.rds.Cluster("cluster", cluster_identifier=f"shop-{suffix}", engine="aurora-postgresql", engine_version="16.8",
    master_username="admin1", master_password=master.result, skip_final_snapshot=True)


def also(text):
    if text:
        with open({record!r}, "a") as file:
            file.write(json.dumps([text]) + "\\n")
        with tempfile.NamedTemporaryFile("w", delete=False) as left:
            left.write(text)
        print("master is", text, flush=True)


master.result.apply(also)
"""
WAITS = """
if live:
    pulumi.Output.all(version.id, parameter.id, tagged.id, lines.id, queue.id, bucket.id).apply(
        lambda _: (open({ready!r}, "w").close(), time.sleep(600))
    )
"""


class Canaries:
    """A program full of secrets, and a search for them in everything that a run leaves."""

    def __init__(self, shop, tmp_path: Path) -> None:
        self.record, self.ready, self.reports = (tmp_path / name for name in ("drawn.jsonl", "ready", "reports"))
        self.reports.mkdir()
        self._shop, self._tmp_path = shop, tmp_path

    def program(self, *, fails: bool = False, waits: bool = False) -> str:
        """Its directory."""
        source = SOURCE.replace("{fails}", str(fails)) + MORE + (WAITS if waits else "")
        for name, path in (("{record!r}", self.record), ("{ready!r}", self.ready)):
            source = source.replace(name, repr(str(path)))
        return str(self._shop(source))

    def flags(self) -> list[str]:
        """What asks for every report."""
        files = {"--json": "run.json", "--junit": "run.xml", "--html": "run.html"}
        pairs = [(flag, str(self.reports / name)) for flag, name in files.items()]
        return [
            "--no-policy",
            "--no-recheck",
            "--config",
            f"dbPassword={CONFIG}",
            *(one for pair in pairs for one in pair),
        ]

    def variables(self) -> dict[str, str]:
        """The environment that holds a credential."""
        summary = str(self.reports / "summary.md")
        return {"DEPLOY_TOKEN": VARIABLE, "GITHUB_STEP_SUMMARY": summary, "GITHUB_ACTIONS": "true"}

    def secrets(self) -> list[str]:
        """All of them, those that were drawn included."""
        drawn = {value for line in self.record.read_text().splitlines() for value in json.loads(line) if value}
        assert len(drawn) >= 2
        return [CONFIG, VARIABLE, *WRITTEN.values(), *LINES.split("\n"), *drawn]

    def assert_silent(self, *told: str, but: str = "") -> None:
        """No file below the test's folder but the program itself, and none of these texts, holds any but that one."""
        ours = {self.record, self._tmp_path / "shop"}
        everything = {f"text {number}": text.encode() for number, text in enumerate(told)}
        for path in self._tmp_path.rglob("*"):
            if path.is_file() and not path.is_symlink() and not ours & {path, *path.parents}:
                everything[str(path.relative_to(self._tmp_path))] = path.read_bytes()
        assert any(name.endswith("cell.log") for name in everything)
        forms = [(one, form) for one in self.secrets() if one != but for form in spelled(one)]
        found = [(name, one, form) for name, data in everything.items() for one, form in forms if form in data]
        assert not found, "\n".join(map(str, found))


@pytest.fixture
def canaries(shop, tmp_path: Path) -> Canaries:
    """The program and its search."""
    return Canaries(shop, tmp_path)


def document(canaries: Canaries) -> dict:
    """The one cell of the report."""
    [cell] = json.loads((canaries.reports / "run.json").read_text())["cells"]
    return cell


@pytest.mark.campaign
def test_a_run_that_passed(harness, canaries: Canaries) -> None:
    """And the commands that tell of it afterwards."""
    done = harness("run", canaries.program(), *canaries.flags(), **canaries.variables())
    assert done.code == 0, done.err
    told = [done.out, done.err]
    run = json.loads((canaries.reports / "run.json").read_text())["run"]
    for command in (("history", "show", run), ("history", "list"), ("leases", "--all")):
        again = harness(*command)
        told += [again.out, again.err]
    canaries.assert_silent(*told)
    assert "master is [secret]" in Path(document(canaries)["log"]).read_text()


@pytest.mark.campaign
def test_a_run_that_was_kept_and_then_destroyed(harness, canaries: Canaries) -> None:
    """Its state may stay, encrypted; tags, configuration and temporary files may not, and it can still be destroyed."""
    done = harness("run", canaries.program(fails=True), *canaries.flags(), "--keep-on-failure", **canaries.variables())
    cell = document(canaries)
    assert cell["status"] == "KEPT", done.err
    assert list(harness.home.glob("runs/*/*/state/.pulumi/stacks/*/*.json"))
    canaries.assert_silent(done.out, done.err)
    run = json.loads((canaries.reports / "run.json").read_text())["run"]
    over = harness("destroy", run, "--json", "-")
    assert over.code == 0, over.err
    assert over.cell["resources"]["leaked"] == over.cell["resources"]["unverified"] == []
    assert "are not removed" not in Path(over.cell["log"]).read_text(), "nobody died"
    canaries.assert_silent(done.out, done.err, over.out, over.err)


def test_a_run_that_leaked(harness, canaries: Canaries, emulator, auditor, tmp_path: Path) -> None:
    """Deletes are denied on cue: records of the leak, what the proxy wrote and what a sweep says are silent too."""
    file = tmp_path / "faults.toml"
    file.write_text('[[fault]]\nkind = "denied"\nservice = "sqs"\noperation = "DeleteQueue"\nmust_fire = true\n')
    flags = ("--target", emulator.url, "--faults", str(file), *canaries.flags())
    done = harness("run", canaries.program(), *flags, **canaries.variables())
    cell = document(canaries)
    assert (done.code, cell["status"]) == (3, "LEAKED"), done.err
    assert cell["resources"]["leaked"]
    folder = Path(cell["leak_record"]).parent
    assert {one.name for one in folder.iterdir()} >= {"leak.json", "leak.txt", "leak-state.json", "faults.jsonl"}
    run = json.loads((canaries.reports / "run.json").read_text())["run"]
    told = [done.out, done.err]
    for command in (("history", "show", run), ("leases",), ("sweep",), ("sweep", "--json", "-")):
        again = harness(*command)
        told += [again.out, again.err]
    canaries.assert_silent(*told)
    over = harness("sweep", "--apply", "--run", run, "--json", "-")
    assert over.code == 0, over.err
    canaries.assert_silent(*told, over.out, over.err)
    assert auditor(cell["account"]).left() == []


@pytest.mark.campaign
def test_a_run_that_was_killed_and_recovered_by_another_shell(
    harness, canaries: Canaries, emulator, eventually
) -> None:
    """Everything dies at once; who destroys has neither its environment nor its memory, and cleans its log."""
    arguments = ("--target", emulator.url, *canaries.flags())
    process = harness.start("run", canaries.program(waits=True), *arguments, **canaries.variables())
    eventually(canaries.ready.exists)
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    commands = {one.pid: "\0".join(one.cmdline()) for one in family[1:] if one.is_running()}
    for one in family:
        one.send_signal(signal.SIGSTOP)
    for one in family:
        one.kill()
    out, err = process.communicate()
    secrets = canaries.secrets()
    assert [line for line in commands.values() if any(secret in line for secret in secrets)] == []
    [lease] = harness("leases", "--json", "-").document
    shown = harness("sweep")
    over = harness("destroy", lease["run"], "--json", "-")
    assert over.code == 0, over.err
    log = Path(over.cell["log"]).read_text()
    assert "plain: [secret] repr: " in log
    assert "master is [secret]" in log
    # An output that is marked by the program alone is told to nobody before the program ends: the log says so.
    assert "only the processes knew that died" not in log
    assert "only a program knew that was killed with its engine" in log
    canaries.assert_silent(out, err, shown.out, shown.err, over.out, over.err, but=WRITTEN["output"])
