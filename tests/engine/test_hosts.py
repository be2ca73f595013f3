"""Plain `pulumi up` and `--policy-pack` work with the harness's hosts, and every end of a program is told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from harness.world.engine import Engine
from harness.world.hosts import install_hosts

SECONDS = 90  # for one engine call on a busy machine
RUNNER = "program_runner.py"


@pytest.fixture
def project(plain_project):
    """An empty project with a stack `dev`."""
    return plain_project


def test_a_plain_program_comes_up_and_nothing_is_written_beside_it(project):
    """Components, outputs, secrets, configuration, `main:` in a folder, relative imports, arguments of its own."""
    project.write(
        """
        import os, sys
        import pulumi
        import beside

        class Box(pulumi.ComponentResource):
            def __init__(self, name):
                super().__init__("test:index:Box", name)
                self.register_outputs({"size": 1})

        Box("box")
        config = pulumi.Config()
        pulumi.export("doubled", pulumi.Output.from_input(beside.VALUE).apply(lambda value: value * 2))
        pulumi.export("plain", config.require("plain"))
        pulumi.export("hidden", config.require_secret("hidden"))
        pulumi.export("where", [os.getcwd(), sys.path[0], os.path.dirname(__file__)])
        pulumi.export("mode", [__name__, len(sys.argv), pulumi.get_stack(), pulumi.get_project()])
        print("a line of its own")
        """,
        main="src",
    )
    source = project.folder / "src"
    (source / "beside.py").write_text("VALUE = 21\n", encoding="utf-8")
    assert project.call("config", "set", "plain", "p")[0] == 0
    assert project.call("config", "set", "--secret", "hidden", "not-shown")[0] == 0
    before = {path.relative_to(project.folder) for path in project.folder.rglob("*")}

    code, text, errors = project.up()

    assert (code, errors) == (0, []), text
    assert "a line of its own" in text
    assert "warning" not in text
    assert "not-shown" not in text
    assert project.outputs() == {
        "doubled": 42,
        "plain": "p",
        "hidden": "[secret]",
        "where": [str(source)] * 3,
        "mode": ["__main__", 1, "dev", "plain"],
    }
    assert {path.relative_to(project.folder) for path in project.folder.rglob("*")} == before


ENDS = {
    "exception": ("def f():\n    raise KeyError('lost')\nf()", ["__main__.py", "line 2, in f", "KeyError: 'lost'"]),
    "in an apply": (
        "import pulumi\npulumi.Output.from_input(1).apply(lambda one: one / 0)",
        ["line 2, in <lambda>", "ZeroDivisionError"],
    ),
    "sys.exit(3)": ("import sys; sys.exit(3)", ["exited with code 3 before"]),
    "sys.exit(text)": ("import sys; sys.exit('no such network')", ["exited before it was done: no such network"]),
    "os._exit(3)": ("import os; os._exit(3)", ["exited with code 3 before"]),
    "os._exit(0)": ("import os; os._exit(0)", ["exited with code 0 before"]),
    "crash": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", ["killed by signal 11 (SIGSEGV)"]),
    "syntax": ("x = (\n", ["__main__.py", "line 1", "SyntaxError"]),
    "import": ("import no_such_module", ["__main__.py", "No module named 'no_such_module'"]),
    "RunError": ("import pulumi; raise pulumi.RunError('in plain words')", ["in plain words"]),
    "no config": ("import pulumi; pulumi.Config().require('size')", ["plain:size"]),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_end_of_a_program_is_one_clear_error(project, end):
    """It fails the update, arrives as one diagnostic event, and shows no file but the user's own."""
    program, wanted = ENDS[end]
    project.write(program)
    code, text, errors = project.up()
    assert code != 0, text
    assert len(errors) == 1
    for part in wanted:
        assert part in errors[0]
    assert "site-packages" not in errors[0]
    assert RUNNER not in errors[0]
    if end in ("RunError", "no config"):
        assert "Traceback" not in errors[0]


def test_sys_exit_0_is_an_ordinary_end(project):
    """What was declared before it counts."""
    project.write("import sys, pulumi\npulumi.export('done', 1)\nsys.exit()")
    code, text, errors = project.up()
    assert (code, errors) == (0, []), text
    assert project.outputs() == {"done": 1}


def test_threads_and_children_that_never_end_do_not_hold_the_engine(project):
    """The program's end is the end; what it left in its group is killed."""
    project.write(
        """
        import subprocess, threading, time
        subprocess.Popen(["sleep", "600"])
        threading.Thread(target=time.sleep, args=(600,)).start()
        """
    )
    assert project.up()[0] == 0


def test_the_projects_own_virtualenv_runs_the_program(project):
    """Its interpreter, and an error that names it and the remedy when it has no SDK."""
    own = project.folder / "own"
    venv.create(own, with_pip=False, symlinks=True)
    project.write(
        "import pulumi, sys; pulumi.export('prefix', sys.prefix)",
        runtime={"name": "python", "options": {"virtualenv": "own"}},
    )
    code, _, errors = project.up()
    assert code != 0
    assert f"{own}/bin/python -m pip install pulumi" in errors[0]

    packages = next(Path(path) for path in sys.path if (Path(path) / "pulumi").is_dir())
    (next(own.glob("lib/python*/site-packages")) / "borrowed.pth").write_text(str(packages), encoding="utf-8")
    code, text, errors = project.up()
    assert (code, errors) == (0, []), text
    assert project.outputs() == {"prefix": str(own)}


def test_a_virtualenv_that_is_not_there_is_told(project):
    """With the command that makes it."""
    project.write("", runtime={"name": "python", "options": {"virtualenv": "gone"}})
    code, _, errors = project.up()
    assert code != 0
    assert "python3 -m venv" in errors[0]


@pytest.mark.parametrize(
    ("how", "manners"), [(signal.SIGINT, ""), (signal.SIGINT, "stubborn"), (signal.SIGTERM, ""), (signal.SIGKILL, "")]
)
def test_nothing_is_left_when_the_engine_is_stopped(project, session_members, session_gone, how, manners):
    """Cancelled or killed, it takes host, program and the program's children along, even one that ignores SIGTERM."""
    flag = project.folder.parent / "runs"
    project.write(
        f"""
        import pathlib, signal, subprocess, time
        if {manners!r}:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen(["sleep", "600"])
        pathlib.Path({str(flag)!r}).touch()
        time.sleep(600)
        """
    )
    with project.start("up", "--yes", "--skip-preview") as process:
        deadline = time.monotonic() + SECONDS
        while not flag.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(session_members(process.pid)) == 4  # engine, host, program, its child
        process.send_signal(how)
        process.communicate(timeout=20)
    assert process.returncode != 0
    session_gone(process.pid)


PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def validate(args, report):
    if args.resource_type == "test:index:Box":
        report(f"{args.name} may not be")

PolicyPack(
    name="pack",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[ResourceValidationPolicy(name="no-boxes", description="No boxes.", validate=validate)],
)
"""


@pytest.mark.parametrize("host", ["language host", "launcher"])
def test_a_policy_pack_reports_its_violation(project, hosts, tmp_path, host):
    """Through the language host, and through the launcher, which serves packs where there is no language host."""
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.0.1\n", encoding="utf-8")
    (pack / "__main__.py").write_text(PACK, encoding="utf-8")
    project.write('import pulumi\npulumi.ComponentResource("test:index:Box", "box")')
    if host == "language host":
        code, text = project.call("preview", "--policy-pack", str(pack))
        assert code != 0
        assert "box may not be" in text
    else:
        # Without a language host no plain program runs; the launcher is asked as the engine would ask it.
        with subprocess.Popen(
            [str(hosts / "pulumi-analyzer-policy-python"), "127.0.0.1:1", "."],
            cwd=pack,
            env=project.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as launched:
            assert launched.stdout is not None
            assert launched.stdout.readline().strip().isdecimal()  # the pack's port
            launched.kill()
    assert {path.name for path in pack.iterdir()} == {"PulumiPolicy.yaml", "__main__.py"}


def test_about_names_the_interpreter_and_what_it_has_installed(project):
    """The engine's questions beside running are answered."""
    project.write("")
    code, text = project.call("about", "--json")
    assert code == 0, text
    about = json.loads(text[text.index("{") :])
    assert about["runtime"]["executable"] == sys.executable
    names = {entry["name"] for entry in about["dependencies"]}
    assert "harness" in names
    assert "pulumi" not in names  # the harness requires it, so it is not one of the first row


def test_installing_dependencies_says_what_to_run(project):
    """We install nothing into the user's folder."""
    project.write("")
    code, text = project.call("install")
    assert code != 0
    assert "pip install -r requirements.txt" in text


def test_official_hosts_beside_the_engine_are_not_shadowed(tmp_path):
    """Ours are made only for what the engine lacks; twice is the same folder."""
    beside = tmp_path / "official"
    beside.mkdir()
    for name in ("pulumi", "pulumi-language-python"):
        (beside / name).write_text("", encoding="utf-8")
    official = Engine(beside / "pulumi", "3.999.0", "download")
    made = install_hosts(tmp_path, official)
    assert made == install_hosts(tmp_path, official)
    assert sorted(path.name for path in made.iterdir()) == [
        "pulumi",
        "pulumi-analyzer-policy-python",
        "pulumi-resource-pulumi-python",
    ]
