"""`harness run`, with the real engine, provider and emulator, when things go well and when they do not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cut import cut

ONLY_UP = "\nif live:\n    "
BARE = ("--no-preflight", "--no-policy", "--no-recheck")  # whose tests lie elsewhere: half the time of a run
STRAIGHT_UP = ("--no-preflight",)
NAME = "f'shop-bad-{suffix}'"
HANGS = ONLY_UP + "after(lambda: time.sleep(600))\n"


def assert_clean(harness, auditor, document: dict) -> None:
    """Nothing at the target, no open lease, no process, no state, no temporary folder."""
    for cell in document["cells"]:
        assert auditor(cell["account"], cell["region"]).left() == []
        assert cell["resources"]["leaked"] == []
        assert cell["resources"]["unverified"] == []
    assert harness("leases", "--json", "-").document == []
    assert harness.remains() == []


def sources(directory: Path) -> set[str]:
    """What lies in a directory."""
    return {str(path.relative_to(directory)) for path in directory.rglob("*")}


def test_a_good_program_passes_and_leaves_nothing(harness, shop, emulator, auditor) -> None:
    """Up, destroyed, proved gone; the program's directory is as it was."""
    directory = shop()
    before = sources(directory)
    done = harness("run", str(directory), "--target", emulator.url, "--json", "-")
    assert done.code == 0, done.err
    assert done.cell["status"] == "PASSED"
    counts = {"planned": 2, "created": 2, "updated": 0, "deleted": 2}
    nothing = {name: [] for name in ("leaked", "unverified", "unblocked", "lasting", "remnants")}
    assert done.cell["resources"] == counts | nothing
    assert [phase["phase"] for phase in done.cell["phases"]] == [
        "preflight",
        "up",
        "probe",
        "recheck",
        "destroy",
        "leak check",
    ]
    assert {timing["op"] for timing in done.cell["timings"]} == {"create", "delete"}
    assert done.document["engine"]["version"] == "3.255.0"
    assert sources(directory) == before
    assert_clean(harness, auditor, done.document)


def test_every_taggable_resource_carries_the_run(harness, shop, emulator, auditor, eventually) -> None:
    """Tags of the run and of the program's harness.toml reach resources that the program does not tag."""
    directory = shop(HANGS)
    (directory / "harness.toml").write_text('[tags]\nCostCenter = "4711"\n')
    # The run's own tags satisfy no rule: with a harness.toml, policy would stop it.
    process = harness.start("run", str(directory), "--target", emulator.url, "--no-policy", "--json", "-")
    [lease] = wait_for_lease(harness, eventually)
    ask = auditor(lease["account"])
    eventually(lambda: bool(ask.left()) and ask.client("sqs").list_queues().get("QueueUrls") is not None)
    url = ask.client("sqs").list_queues()["QueueUrls"][0]
    tags = ask.client("sqs").list_queue_tags(QueueUrl=url)["Tags"]
    process.terminate()
    done = harness.finish(process)
    assert tags["harness:run"] == done.document["run"]
    assert tags["harness:stack"] == done.cell["stack"]
    assert tags["CostCenter"] == "4711"
    assert tags["Project"] == "shop"
    assert tags["Environment"] == done.cell["suffix"]
    assert "harness:expires" in tags
    assert_clean(harness, auditor, done.document)


def wait_for_lease(harness, eventually: Callable) -> list[dict]:
    """The open lease of a run, which is on disk before anything is made."""
    found: list[dict] = []

    def there() -> bool:
        found[:] = harness("leases", "--json", "-").document
        return bool(found)

    eventually(there)
    return found


@pytest.mark.parametrize(
    ("source", "said"),
    cut(
        [
            ("after(lambda: 1 / 0)", "ZeroDivisionError"),
            ("after(lambda: os._exit(4))", "exited with code 4"),
            ("after(lambda: os.kill(os.getpid(), 11))", "signal 11"),
            (f"aws.sqs.Queue('bad', name={NAME}, visibility_timeout_seconds=999999)", "InvalidAttributeValue"),
            ("raise ValueError('at once')", "ValueError: at once"),
            ("after(lambda: sys.exit(3))", "exited with code 3"),
        ],
        4,
    ),
)
def test_whatever_fails_in_up_is_told_and_destroyed(harness, shop, emulator, auditor, source: str, said: str) -> None:
    """Error, exception, exit, crash, refusal: exit 1, the cause in words, and nothing left."""
    done = harness("run", str(shop(ONLY_UP + source + "\n")), *STRAIGHT_UP, "--target", emulator.url, "--json", "-")
    assert done.code == 1
    assert done.cell["status"] == "ERRORED"
    assert said in done.cell["error"]["message"]
    assert done.cell["error"]["phase"] == "up"
    assert "error: " in done.err
    assert "hint: " in done.err
    assert "harness/" not in done.cell["error"]["message"], "a traceback shows the user's files only"
    assert_clean(harness, auditor, done.document)


def test_a_failing_probe_fails_the_cell_and_shows_its_evidence(harness, shop, emulator, auditor) -> None:
    """FAILED, exit 1; a probe that passes beside it is counted as passed."""
    probes = """
from harness.probes.registry import probe

@probe("bucket exists", timeout=30)
def there(context):
    context.client("s3").head_bucket(Bucket=context.outputs["bucketName"])
    return "seen"

@probe("bucket is called otherwise", timeout=0.5)
def never(context):
    assert context.outputs["bucketName"] == "otherwise"
"""
    done = harness("run", str(shop(probes=probes)), *BARE, "--target", emulator.url, "--json", "-")
    assert done.code == 1
    assert done.cell["status"] == "FAILED"
    assert {probe["name"]: probe["status"] for probe in done.cell["probes"]} == {
        "bucket exists": "passed",
        "bucket is called otherwise": "failed",
    }
    assert "otherwise" in done.cell["error"]["message"]
    assert_clean(harness, auditor, done.document)


@pytest.mark.parametrize("source", cut(["while True: time.sleep(1)", "os.kill(os.getpid(), 9)", "os._exit(7)"], 2))
def test_a_probe_cannot_keep_the_destroy_away(harness, shop, emulator, auditor, source: str) -> None:
    """It never ends, or it takes the cell's process with it: destroyed all the same."""
    probes = "import os, time\nfrom harness.probes.registry import probe\n\n@probe(timeout=1)\n"
    probes += f"def bad(context):\n    {source}\n"
    done = harness("run", str(shop(probes=probes)), *BARE, "--target", emulator.url, "--json", "-")
    assert done.code == 1
    assert done.cell["status"] in {"FAILED", "ERRORED"}
    assert_clean(harness, auditor, done.document)


@pytest.mark.campaign
def test_a_time_out_ends_in_destroy(harness, shop, emulator, auditor) -> None:
    """A program that never returns is stopped at the limit; exit 1, for nobody asked to stop."""
    directory = shop(HANGS)
    done = harness("run", str(directory), "--target", emulator.url, "--timeout", "25s", "--json", "-")
    assert done.code == 1
    assert "time limit of 25 s" in done.cell["error"]["message"]
    assert done.cell["resources"]["created"] == 2
    assert_clean(harness, auditor, done.document)


@pytest.mark.parametrize("name", cut(["SIGINT", "SIGTERM", "SIGHUP"], 1))
def test_a_signal_during_up_ends_in_destroy(harness, shop, emulator, auditor, eventually, name: str) -> None:
    """Exit 130, everything destroyed; a further signal does not cut the destroy short."""
    import signal

    process = harness.start("run", str(shop(HANGS)), *STRAIGHT_UP, "--target", emulator.url, "--json", "-")
    [lease] = wait_for_lease(harness, eventually)
    eventually(lambda: len(auditor(lease["account"]).left()) == 2)
    process.send_signal(getattr(signal, name))
    done = harness.finish(process)
    assert done.code == 130
    assert done.cell["status"] == "INTERRUPTED"
    assert name in done.cell["error"]["message"]
    assert done.cell["resources"]["created"] == done.cell["resources"]["deleted"] == 2
    assert_clean(harness, auditor, done.document)


def test_a_killed_harness_still_destroys(harness, shop, emulator, auditor, eventually) -> None:
    """SIGKILL of the command line: its cell notices and destroys by itself; the lease can be closed afterwards."""
    process = harness.start("run", str(shop(HANGS)), *STRAIGHT_UP, "--target", emulator.url)
    [lease] = wait_for_lease(harness, eventually)
    ask = auditor(lease["account"])
    eventually(lambda: len(ask.left()) == 2)
    process.kill()
    harness.finish(process)
    eventually(lambda: not ask.left() and not harness.processes())
    done = harness("destroy", lease["run"], "--json", "-")
    assert done.code == 0, done.err
    assert_clean(harness, auditor, done.document)


def test_a_killed_cell_is_destroyed_by_the_command_line(harness, shop, emulator, auditor, eventually) -> None:
    """SIGKILL of the cell and its engine in the middle of `up`: a second process finishes the job."""
    import psutil

    process = harness.start("run", str(shop(HANGS)), *STRAIGHT_UP, "--target", emulator.url, "--json", "-")
    [lease] = wait_for_lease(harness, eventually)
    eventually(lambda: len(auditor(lease["account"]).left()) == 2)
    for child in psutil.Process(process.pid).children():
        if "harness.run.cell" in " ".join(child.cmdline()):
            child.kill()
    done = harness.finish(process)
    assert done.code == 1
    assert "signal 9" in done.cell["error"]["message"]
    assert_clean(harness, auditor, done.document)


def test_what_is_kept_stays_until_it_is_destroyed(harness, shop) -> None:
    """--keep-on-failure: the embedded emulator lives on, is listed, and `harness destroy` ends all of it."""
    directory = shop(ONLY_UP + "after(lambda: fail(ValueError('look at me')))\n")
    kept = harness("run", str(directory), *STRAIGHT_UP, "--keep-on-failure", "--json", "-")
    assert kept.code == 1
    assert kept.cell["status"] == "KEPT"
    assert "look at me" in kept.cell["error"]["message"]
    [lease] = harness("leases", "--json", "-").document
    assert lease["state"] == "kept"
    assert harness.processes() != []
    done = harness("destroy", lease["run"], "--json", "-")
    assert done.code == 0, done.err
    assert done.cell["resources"]["deleted"] == 2
    assert harness("leases", "--json", "-").document == []
    assert harness("destroy", lease["run"]).code == 0, "a second time there is nothing to do"


def test_programs_of_any_layout_run_unchanged(harness, tmp_path, emulator, auditor) -> None:
    """`main:`, imports beside it, required configuration, a stack file, and the suffix in the environment."""
    directory = tmp_path / "app"
    (directory / "src").mkdir(parents=True)
    (directory / "Pulumi.yaml").write_text("name: app\nruntime:\n  name: python\nmain: src/\n")
    (directory / "Pulumi.dev.yaml").write_text("config:\n  app:colour: red\n  app:size: '1'\n")
    (directory / "src" / "beside.py").write_text("import os\nsuffix = os.environ['ENVIRONMENT_SUFFIX']\n")
    (directory / "src" / "__main__.py").write_text(
        "import pulumi\nimport beside\nc = pulumi.Config()\n"
        "pulumi.export('seen', f\"{c.require('colour')} {c.require('size')} {beside.suffix}\")\n"
    )
    before = sources(directory)
    args = ("run", str(directory), "--target", emulator.url, "--stack-config", "dev", "--config", "size=2")
    done = harness(*args, "--suffix", "pr-7", "--json", "-")
    assert done.code == 0, done.err
    assert done.cell["outputs"] == {"seen": "red 2 pr-7"}
    assert sources(directory) == before
    assert_clean(harness, auditor, done.document)


def test_a_program_runs_with_its_own_interpreter(harness, tmp_path, emulator, auditor) -> None:
    """`runtime.options.virtualenv`: what is installed there is what it imports, and nothing is written into it."""
    import subprocess
    from importlib.metadata import version

    import uv

    directory = tmp_path / "own"
    directory.mkdir()
    (directory / "Pulumi.yaml").write_text("name: own\nruntime:\n  name: python\n  options:\n    virtualenv: env\n")
    (directory / "__main__.py").write_text(
        "import sys, pulumi, only_here\nfrom pulumi_random import RandomPet\n"
        "RandomPet('pet')\npulumi.export('seen', only_here.WORD + sys.prefix)\n"
    )
    wanted = [f"{name}=={version(name)}" for name in ("pulumi", "pulumi-random")]
    find = uv.find_uv_bin()
    subprocess.run([find, "venv", "-q", directory / "env"], check=True)
    subprocess.run(
        [find, "pip", "install", "-q", "--python", directory / "env" / "bin" / "python", *wanted], check=True
    )
    [libraries] = directory.glob("env/lib/python*/site-packages")
    (libraries / "only_here.py").write_text("WORD = 'seen in '\n")
    before = sources(directory)
    done = harness("run", str(directory), *BARE, "--target", emulator.url, "--json", "-")
    assert done.code == 0, done.err
    assert done.cell["outputs"]["seen"] == f"seen in {directory / 'env'}"
    assert sources(directory) == before
    assert_clean(harness, auditor, done.document)


def test_a_missing_required_value_is_told_with_the_flag(harness, shop, emulator, auditor) -> None:
    """Rejected by preflight: exit 2, nothing made."""
    directory = shop("config.require('size')\n")
    done = harness("run", str(directory), "--target", emulator.url, "--json", "-")
    assert done.code == 2
    assert done.cell["status"] == "REJECTED"
    assert "--config size=VALUE" in done.cell["error"]["hint"]
    assert_clean(harness, auditor, done.document)


def test_an_unsupported_argument_is_refused_before_anything_exists(harness, shop, emulator, auditor) -> None:
    """It is named, with the way on; it is never ignored."""
    directory = shop("aws.s3.Bucket('more', request_payer='Requester', acceleration_status='Enabled')\n")
    done = harness("run", str(directory), "--target", emulator.url, "--json", "-")
    assert done.code == 2
    assert "--provider official" in done.cell["error"]["message"] + done.cell["error"]["detail"]
    assert_clean(harness, auditor, done.document)


def test_secrets_of_the_program_are_not_shown(harness, shop, emulator) -> None:
    """A secret output is `[secret]` in the document, on the terminal and in the log; a probe sees its value."""
    probes = """
from harness.probes.registry import probe

@probe(timeout=30)
def sees(context):
    assert context.outputs["word"] == "hunter" + "2"
"""
    done = harness(
        "run",
        str(shop("pulumi.export('word', pulumi.Output.secret('hunter' + '2'))\n", probes=probes)),
        *BARE,
        *("--target", emulator.url, "--json", "-"),
    )
    assert done.code == 0, done.err
    assert done.cell["outputs"]["word"] == "[secret]"
    assert "hunter2" not in done.out + done.err
    for path in harness.home.glob("runs/**/*"):
        if path.is_file():
            assert b"hunter2" not in path.read_bytes(), path


def test_the_callers_credentials_do_not_reach_the_program(harness, shop, emulator) -> None:
    """On an emulator a program that looks for credentials finds the emulator's."""
    source = "pulumi.export('seen', os.environ['AWS_SECRET_ACCESS_KEY'] + str('AWS_PROFILE' in os.environ))\n"
    done = harness(
        "run",
        str(shop(source)),
        *BARE,
        *("--target", emulator.url, "--json", "-"),
        AWS_SECRET_ACCESS_KEY="real",
        AWS_PROFILE="prod",
    )
    assert done.cell["outputs"]["seen"] == "emulatorFalse"


def test_the_run_works_in_an_environment_of_almost_nothing(harness, shop, emulator) -> None:
    """No HOME, no USER, no TERM: a CI container."""
    harness.environment = {"PATH": os.environ["PATH"]}
    done = harness("run", str(shop()), *BARE, "--target", emulator.url, "--json", "-")
    assert done.code == 0, done.err
