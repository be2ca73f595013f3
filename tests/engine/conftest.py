"""The real engine for the tests of this folder, from the harness's own home, and plain projects to run it on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import psutil
import pytest
from aws_wire import Wire
from power_cut import HANGS
from probe_tables import once
from probe_tags import REGION, SUFFIX, Client
from staged_programs import COMMAND

from harness.probes.registry import ProbeContext, ProbeResult, StackResource
from harness.world.emulator import Emulator
from harness.world.engine import Engine, ensure_engine
from harness.world.hosts import hosted_executable, install_hosts

SECONDS = 90  # for one engine call on a busy machine


@dataclass
class Project:
    """A Pulumi project with its own state, and the plain command line on it."""

    folder: Path
    pulumi: Path
    environ: dict[str, str]

    def write(self, program: str, *, main: str | None = None, runtime: object = "python") -> None:
        """Write Pulumi.yaml (JSON is YAML) and the program."""
        project = {"name": "plain", "runtime": runtime, **({"main": main} if main else {})}
        (self.folder / "Pulumi.yaml").write_text(json.dumps(project), encoding="utf-8")
        target = self.folder / (main or ".") / "__main__.py"
        target.parent.mkdir(exist_ok=True)
        target.write_text(textwrap.dedent(program), encoding="utf-8")

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start the engine in a session of its own."""
        return subprocess.Popen(
            [str(self.pulumi), *args, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def call(self, *args: str) -> tuple[int, str]:
        """Run the engine to its end; afterwards nothing of its session is left."""
        with self.start(*args) as process:
            text, _ = process.communicate(timeout=SECONDS)
        assert_gone(process.pid)
        return process.returncode, text

    def up(self) -> tuple[int, str, list[str]]:
        """Exit code, what was printed, and the error messages in the engine's events."""
        log = self.folder.parent / "events.json"
        log.unlink(missing_ok=True)
        code, text = self.call("up", "--yes", "--skip-preview", "--event-log", str(log))
        events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        diagnostics = [event["diagnosticEvent"] for event in events if "diagnosticEvent" in event]
        return code, text, [entry["message"] for entry in diagnostics if entry["severity"] == "error"]

    def outputs(self) -> dict[str, object]:
        """The stack's outputs."""
        _, text = self.call("stack", "output", "--json")
        result: dict[str, object] = json.loads(text)
        return result


def members(session: int) -> list[psutil.Process]:
    """Living processes of a session."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def assert_gone(session: int) -> None:
    """Within the 5 s that the engine itself gives a plugin, nothing of the session lives."""
    _, alive = psutil.wait_procs(members(session), timeout=5)
    assert alive == []


@pytest.fixture(scope="session")
def harness_home() -> Path:
    """HARNESS_HOME, where the engine is kept between test runs."""
    return Path(os.environ.get("HARNESS_HOME") or platformdirs.user_state_dir("harness", appauthor=False))


@pytest.fixture(scope="session")
def engine(harness_home: Path) -> Engine:
    """The pinned engine, or a newer one from PATH."""
    return ensure_engine(harness_home, lambda line: print(line, file=sys.stderr))


@pytest.fixture
def clean_path() -> str:
    """A PATH without a Pulumi engine or host of the machine's own."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not shutil.which("pulumi", path=folder))


@pytest.fixture
def hosts(engine: Engine, harness_home: Path) -> Path:
    """The folder with our hosts."""
    return install_hosts(harness_home, engine)


@pytest.fixture
def plain_project(tmp_path: Path, engine: Engine, hosts: Path, clean_path: str) -> Project:
    """An empty project with a stack `dev`."""
    for name in ("project", "state", "pulumi"):
        (tmp_path / name).mkdir()
    environ = {
        "PATH": f"{clean_path}{os.pathsep}{hosts}",
        "HOME": str(tmp_path),
        "PULUMI_HOME": str(tmp_path / "pulumi"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_DEBUG_COMMANDS": "true",  # allows --event-log
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    made = Project(tmp_path / "project", hosted_executable(engine, hosts), environ)
    made.write("")
    code, text = made.call("stack", "init", "dev")
    assert code == 0, text
    return made


@pytest.fixture
def session_members() -> Callable[[int], list[psutil.Process]]:
    """Living processes of a session."""
    return members


@pytest.fixture
def session_gone() -> Callable[[int], None]:
    """Asserts that nothing of a session lives on."""
    return assert_gone


@pytest.fixture
def line(emulator: Emulator) -> Iterator[Wire]:
    """A way to the emulator that the test may break."""
    wire = Wire(emulator.url)
    yield wire
    wire.hang.set()
    wire.close()


@pytest.fixture
def account() -> str:
    """An account that no other test has used."""
    return str(100000000000 + time.monotonic_ns() % 800000000000)


@pytest.fixture
def context(emulator: Emulator, account: str) -> Iterator[ProbeContext]:
    """What a probe is given: a cell in an empty account."""
    made = ProbeContext(
        outputs={}, region=REGION, suffix=SUFFIX, endpoint=emulator.url, access_key=account, secret_key="x"
    )
    yield made
    made.close()


@pytest.fixture
def client(context: ProbeContext) -> Client:
    """Clients of that account."""
    return context.client


@pytest.fixture
def ask(context: ProbeContext) -> Callable[..., ProbeResult]:
    """One attempt of one table about these resources."""

    def one(table: str, *resources: StackResource) -> ProbeResult:
        object.__setattr__(context, "resources", resources)  # another cell would need clients of its own
        return once(table, context)

    return one


@pytest.fixture
def held(harness, shop, emulator, auditor, eventually):
    """A run whose two resources exist and whose program never ends: (process, lease, auditor of its account)."""

    def begin(source: str = HANGS, *args: str, **environment: str):
        process = harness.start(
            "run", str(shop(source)), "--target", emulator.url, "--no-preflight", "--json", "-", *args, **environment
        )
        found: list[dict] = []

        def there() -> bool:
            found[:] = harness("leases", "--json", "-", **environment).document
            return bool(found)

        eventually(there)
        ask = auditor(found[0]["account"])
        eventually(lambda: len(ask.left()) >= 2)
        return process, found[0], ask

    return begin


@pytest.fixture
def staged(shop) -> Callable[..., Path]:
    """The shop with a harness.toml and a command beside it."""

    def make(settings: str, source: str = "") -> Path:
        folder: Path = shop(source)
        (folder / "harness.toml").write_text(settings)
        command = folder / "push.sh"
        command.write_text(COMMAND)
        command.chmod(0o755)
        return folder

    return make
