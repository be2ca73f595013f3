"""Resources of `pulumi.dynamic` work with the harness's hosts: made, and deleted where no program runs."""

from __future__ import annotations

import signal
import time
import venv
from pathlib import Path

import psutil
import pytest
from commands import STRAIGHT

LIBRARY = """
import pathlib

def place(folder, name):
    return pathlib.Path(folder) / f"{name}.made"
"""
# `wait` is for a create that never ends.
PROGRAM = """
import sys, time
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider
import places

class Files(ResourceProvider):
    def create(self, props):
        made = places.place(props["folder"], props["name"])
        made.write_text(sys.prefix)
        print("made by hand")
        while props["wait"]:
            time.sleep(0.1)
        return CreateResult("file-" + props["name"], {**props, "size": 7})

    def delete(self, id_, props):
        assert id_ == "file-" + props["name"]
        places.place(props["folder"], props["name"]).unlink()

class File(Resource):
    size: pulumi.Output[int]

    def __init__(self, name, folder, wait=False):
        super().__init__(Files(), name, {"name": name, "folder": folder, "wait": wait, "size": None})

"""


CUT_OFF = """
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Files(ResourceProvider):
    def create(self, props):
        open(props["made"], "w").close()
        while True:
            time.sleep(0.1)

class File(Resource):
    pass

File(Files(), "file", {"made": MADE})
"""


@pytest.mark.campaign
def test_a_create_that_was_cut_off_is_never_taken_for_gone(harness, shop, emulator, tmp_path: Path) -> None:
    """Of what only its own provider could find, the state's pending operation is all the evidence: it stays."""
    made = tmp_path / "made"
    source = CUT_OFF.replace("MADE", repr(str(made)))
    limits = ("--resource-timeout", "8s", *STRAIGHT, "--json", "-")
    done = harness("run", str(shop("import time\n" + source)), "--target", emulator.url, *limits)
    assert made.exists()
    assert done.code == 3, done.err
    for _ in range(2):
        again = harness("destroy", done.document["run"], "--json", "-")
        assert again.code == 3, again.err
        told = again.cell["resources"]["unverified"]
        assert "file" in {one["urn"].rpartition("::")[2] for one in told}, told
    [lease] = harness("leases", "--json", "-").document
    assert lease["state"] == "leaked"
    run = done.document["run"]
    for refused in (("close", run), ("close", run, "--because", " "), ("close", "r-none", "--because", "x")):
        assert harness("leases", *refused).code == 2
    assert harness("leases", "close", run, "--because", "I looked").code == 0
    assert harness("leases", "--json", "-").document == []
    [closed] = harness("leases", "--all", "--json", "-").document
    assert (closed["state"], closed["reason"].endswith(": I looked")) == ("closed", True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files are made."""
    made = tmp_path / "made"
    made.mkdir()
    return made


@pytest.mark.parametrize("environment", ["own", "toolchain", "none"])
def test_a_dynamic_resource_is_made_and_deleted(plain_project, folder, environment):
    """By the program's own Python, from modules beside the program, without a file left beside it."""
    options: dict[str, str] = {"own": {"virtualenv": "own"}, "toolchain": {"toolchain": "uv"}, "none": {}}[environment]
    name = {"own": "own", "toolchain": ".venv"}.get(environment)
    if name:
        own = plain_project.folder / name
        venv.create(own, with_pip=False, symlinks=True)
        packages = next(path for path in Path(pytest.__file__).parents if path.name == "site-packages")
        (next(own.glob("lib/python*/site-packages")) / "borrowed.pth").write_text(str(packages), encoding="utf-8")
    plain_project.write(
        f"{PROGRAM}\nfile = File('one', {str(folder)!r})\npulumi.export('size', file.size)",
        main="src",
        runtime={"name": "python", "options": options},
    )
    source = plain_project.folder / "src"
    (source / "places.py").write_text(LIBRARY, encoding="utf-8")

    code, text, errors = plain_project.up()
    assert (code, errors) == (0, []), text
    [made] = folder.iterdir()
    if name:
        assert made.read_text(encoding="utf-8") == str(plain_project.folder / name)
    assert "made by hand" in text
    assert "warning" not in text
    assert plain_project.outputs() == {"size": 7}

    code, text = plain_project.call("destroy", "--yes", "--skip-preview")
    assert code == 0, text
    assert list(folder.iterdir()) == []
    assert {path.name for path in source.iterdir()} == {"__main__.py", "places.py"}


def test_the_provider_ends_with_an_engine_that_is_killed(plain_project, folder):
    """In the middle of a create."""
    plain_project.write(f"{PROGRAM}\nFile('one', {str(folder)!r}, wait=True)")
    (plain_project.folder / "places.py").write_text(LIBRARY, encoding="utf-8")
    with plain_project.start("up", "--yes", "--skip-preview") as process:
        end = time.monotonic() + 60
        while not list(folder.iterdir()) and time.monotonic() < end:
            time.sleep(0.02)
        below = psutil.Process(process.pid).children(recursive=True)
        assert any("dynamic_runner.py" in " ".join(one.cmdline()) for one in below)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
    _, alive = psutil.wait_procs(below, timeout=5)
    assert alive == []


def test_a_run_makes_and_deletes_it(harness, emulator, tmp_path, folder):
    """`harness run`, where the project is a private one and the program's folder is elsewhere."""
    program = tmp_path / "dynamic"
    program.mkdir()
    (program / "Pulumi.yaml").write_text("name: dynamic\nruntime: python\n", encoding="utf-8")
    after = f"\nfile = File('one', {str(folder)!r})\npulumi.export('size', file.size)\n"
    (program / "__main__.py").write_text(PROGRAM + after, encoding="utf-8")
    (program / "places.py").write_text(LIBRARY, encoding="utf-8")
    done = harness("run", str(program), "--target", emulator.url, "--no-policy", "--no-recheck", "--json", "-")
    assert done.code == 0, done.err + done.out
    assert done.cell["resources"]["created"] == done.cell["resources"]["deleted"] == 1
    assert list(folder.iterdir()) == []
    assert harness.processes() == []


def test_one_that_cannot_be_deleted_is_not_forgotten(harness, emulator, tmp_path, folder):
    """Only its own provider knows of it: LEAKED, with the state kept, until that has deleted it."""
    program = tmp_path / "dynamic"
    program.mkdir()
    (program / "Pulumi.yaml").write_text("name: dynamic\nruntime: python\n", encoding="utf-8")
    (program / "__main__.py").write_text(PROGRAM + f"\nFile('one', {str(folder)!r})\n", encoding="utf-8")
    refuses = f"""
import pathlib

def place(folder, name):
    made = pathlib.Path(folder) / f"{{name}}.made"
    assert not made.exists() or pathlib.Path({str(tmp_path / "allowed")!r}).exists(), "not today"
    return made
"""
    (program / "places.py").write_text(refuses, encoding="utf-8")
    done = harness("run", str(program), "--target", emulator.url, *STRAIGHT, "--json", "-")
    assert done.code == 3, done.err
    [doubt] = done.cell["resources"]["unverified"]
    assert doubt["type"].startswith("pulumi-python:")
    assert "not today" in done.cell["error"]["message"] + done.cell["error"]["detail"]
    assert len(list(folder.iterdir())) == 1
    (tmp_path / "allowed").touch()
    done = harness("destroy", done.document["run"], "--json", "-")
    assert done.code == 0, done.err
    assert list(folder.iterdir()) == []
    assert harness("leases", "--json", "-").document == []
