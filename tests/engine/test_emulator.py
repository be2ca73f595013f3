"""The embedded emulator installs once, serves on loopback only, keeps accounts apart, and ends with its owner."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
import venv
import zipfile
from pathlib import Path

import boto3
import psutil
import pytest

from harness.errors import EmulatorError
from harness.world.emulator import start_emulator
from harness.world.emulator_env import emulator_python
from harness.world.home import HOME_VARIABLE, Home, open_home
from harness.world.orphans import held_folder
from harness.world.target import Target, check_target, program_environment

pytestmark = pytest.mark.xdist_group("emulator")  # one that runs serves most of them
FIRST, SECOND = "222233334444", "555566667777"


def silent(_text):
    """Hears what is told and keeps it to itself."""


@pytest.fixture(scope="module")
def home(installed, tmp_path_factory):
    """A home with work folders of its own that borrows what is installed: the tests of installing use others."""
    made = open_home({HOME_VARIABLE: str(tmp_path_factory.mktemp("home"))})
    borrowed = emulator_python(installed, silent).parents[1]
    made.emulator.mkdir(exist_ok=True)
    (made.emulator / borrowed.name).symlink_to(borrowed)
    return made


@pytest.fixture(scope="module")
def emulator(home, tmp_path_factory):
    """One that runs, for the tests that only talk to it."""
    with start_emulator(home, tmp_path_factory.mktemp("log") / "emulator.log", silent) as running:
        yield running


def client(emulator, service, account=FIRST, region="us-east-1"):
    """A boto3 client that is in `account`."""
    return boto3.client(
        service,
        endpoint_url=emulator.url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="emulator",
    )


def is_gone(pid, seconds=10.0):
    """Whether the process ends in time. A container's first process may leave zombies unread: they have ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def work_folders(home):
    """The work folders of emulators, running or not; none where no emulator has run yet."""
    work = home.emulator / "work"
    return [entry for entry in work.iterdir() if entry.is_dir()] if work.is_dir() else []


def test_two_at_once_install_once_and_later_ones_not_at_all(tmp_path):
    """Of two that find nothing one installs, and who comes later is neither told anything nor kept waiting."""
    home = open_home({HOME_VARIABLE: str(tmp_path)})
    told: list[str] = []
    threads = [threading.Thread(target=emulator_python, args=(home, told.append)) for _ in range(2)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    installing = time.perf_counter() - began
    assert len([text for text in told if text.startswith("installing")]) == 1

    told.clear()
    started = time.perf_counter()
    python = emulator_python(home, told.append)
    assert time.perf_counter() - started < installing / 10
    assert told == []
    assert python.exists()


@pytest.mark.campaign
def test_what_an_interrupted_install_left_is_replaced(tmp_path, home):
    """A folder without its mark is not trusted: what lies in it is removed and made anew."""
    other = open_home({HOME_VARIABLE: str(tmp_path)})
    python = other.root / emulator_python(home, silent).relative_to(home.root)
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/false\n")
    assert emulator_python(other, silent) == python
    subprocess.run([python, "-c", "import ministack, hypercorn, cryptography"], check=True)


def test_without_a_package_index_the_error_says_what_to_do(tmp_path):
    """Offline and with an empty cache nothing half-made is left, and the hint names the ways out."""
    home = open_home({HOME_VARIABLE: str(tmp_path / "home")})
    environ = {"PATH": os.environ["PATH"], "UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}
    with pytest.raises(EmulatorError, match="could not be installed") as caught:
        emulator_python(home, silent, environ=environ)
    assert "--target URL" in caught.value.hint
    assert [entry.suffix for entry in home.emulator.iterdir()] == [".lock"]


def test_an_install_that_takes_too_long_is_given_up(tmp_path):
    """A time limit ends the installer and leaves nothing."""
    home = open_home({HOME_VARIABLE: str(tmp_path)})
    with pytest.raises(EmulatorError, match="longer than"):
        emulator_python(home, silent, seconds=0.001)
    assert [entry.suffix for entry in home.emulator.iterdir()] == [".lock"]


def test_it_is_a_target(emulator):
    """What was started passes the check that other targets must pass."""
    check_target(Target("emulator", emulator.url))


def test_it_listens_on_loopback_only(emulator):
    """No service of it, the ones with ports of their own included, can be reached from another machine."""
    client(emulator, "iot").create_keys_and_certificate(setAsActive=True)
    client(emulator, "transfer").create_server()
    client(emulator, "rds").create_db_instance(
        DBInstanceIdentifier="db",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="admin1",
        MasterUserPassword="not-a-secret",
    )
    sockets = psutil.Process(emulator.pid).net_connections()
    assert {made.laddr.ip for made in sockets if made.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def test_a_message_to_the_outside_is_not_sent(emulator):
    """The hook is at work in the emulator: delivery to an address elsewhere is refused, and its log says so."""
    sns = client(emulator, "sns")
    topic = sns.create_topic(Name="outside")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://192.0.2.1:9/")
    deadline = time.monotonic() + 10
    while "stays on loopback" not in emulator.log_path.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "192.0.2.1 was not contacted: the embedded emulator stays on loopback" in emulator.log_path.read_text()


def test_accounts_and_regions_see_nothing_of_each_other(emulator):
    """The same name in two accounts, and in two regions of one, is three things."""
    places = [(FIRST, "us-east-1"), (SECOND, "us-east-1"), (FIRST, "eu-west-1")]
    for account, region in places:
        logs = client(emulator, "logs", account, region)
        logs.create_log_group(logGroupName="/same")
        assert [group["arn"] for group in logs.describe_log_groups()["logGroups"]] == [
            f"arn:aws:logs:{region}:{account}:log-group:/same:*"
        ]


def test_a_program_that_calls_boto3_by_itself_lands_in_its_account(emulator):
    """The environment that programs get is enough for any AWS client."""
    environ = program_environment(Target("emulator", emulator.url), os.environ, "eu-west-1", SECOND)
    script = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == SECOND


def test_no_credential_of_the_caller_reaches_it(home, tmp_path):
    """Of the caller's environment it gets a path and a locale."""
    environ = {**os.environ, "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_PROFILE": "prod", "GITHUB_TOKEN": "hunter2"}
    with start_emulator(home, tmp_path / "log", silent, environ=environ) as running:
        seen = psutil.Process(running.pid).environ()
    assert "hunter2" not in seen.values()
    assert "prod" not in seen.values()


def test_the_terminals_signals_do_not_reach_it(emulator):
    """It leads a session of its own."""
    assert os.getsid(emulator.pid) == emulator.pid != os.getsid(0)


def test_close_ends_all_that_it_started_and_removes_what_it_wrote(home, tmp_path):
    """A function's process goes with it, and so does the work folder; closing twice is closing once."""
    before = work_folders(home)
    running = start_emulator(home, tmp_path / "log", silent)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "import os\ndef handler(event, context):\n    return os.getpid()\n")
    functions = client(running, "lambda")
    functions.create_function(
        FunctionName="f",
        Runtime=f"python3.{sys.version_info.minor}",
        Role=f"arn:aws:iam::{FIRST}:role/r",
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 1})
    worker = int(functions.invoke(FunctionName="f")["Payload"].read())
    assert psutil.pid_exists(worker)
    running.close()
    running.close()
    assert is_gone(running.pid)
    assert is_gone(worker)
    assert work_folders(home) == before


OWNER = """
import os, pathlib, sys, time
from harness.world.emulator import start_emulator
from harness.world.home import Home
running = start_emulator(Home(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2]), print)
copy = os.fork()
if copy == 0:
    time.sleep(60)
    os._exit(0)
print(running.pid, copy, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_when_its_owner_is_killed(home, tmp_path, how):
    """Nobody is there to close it, and a forked copy of the owner lives on: it ends all the same, with its folder."""
    before = work_folders(home)
    command = [sys.executable, "-c", OWNER, str(home.root), str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        pid, copy = map(int, owner.stdout.readline().split())
        try:
            assert psutil.pid_exists(pid)
            owner.send_signal(how)
            owner.wait(10)
            assert is_gone(pid)
            assert psutil.Process(copy).status() != psutil.STATUS_ZOMBIE
            assert work_folders(home) == before
        finally:
            os.kill(copy, signal.SIGKILL)


def test_a_process_that_inherits_the_lifeline_keeps_it_up(home, tmp_path):
    """After `disown` it lives exactly as long as the heir, and `close` leaves it alone."""
    running = start_emulator(home, tmp_path / "log", silent)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=(running.lifeline,)) as heir:
        running.disown()
        running.close()
        try:
            running.wait_ready()
        finally:
            heir.kill()
    # Not `is_gone`: a process whose first thread has ended is shown as a zombie, and can be waited for only when the
    # others have ended too.
    deadline = time.monotonic() + 10
    while running.running and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not running.running


def test_one_that_cannot_start_shows_its_log(tmp_path, home):
    """An environment that lost its packages: the error has the log's tail, the hint its path, and nothing is left."""
    broken = open_home({HOME_VARIABLE: str(tmp_path / "home")})
    folder = broken.root / emulator_python(home, silent).relative_to(home.root).parent.parent
    venv.create(folder)
    (folder / ".ready").touch()
    with pytest.raises(EmulatorError, match="No module named 'hypercorn'") as caught:
        start_emulator(broken, tmp_path / "log", silent)
    assert str(tmp_path / "log") in caught.value.hint
    assert work_folders(broken) == []


def test_one_that_does_not_answer_in_time_is_told_as_such(home, tmp_path):
    """A stopped process holds nobody longer than was allowed, and can still be closed."""
    with start_emulator(home, tmp_path / "log", silent) as running:
        os.kill(running.pid, signal.SIGSTOP)
        with pytest.raises(EmulatorError, match="did not answer within"):
            running.wait_ready(0.1)
        os.kill(running.pid, signal.SIGCONT)


def test_a_log_that_cannot_be_written_is_an_error(home, tmp_path):
    """No process is started without a log."""
    before = work_folders(home)
    with pytest.raises(EmulatorError, match="could not be started"):
        start_emulator(home, tmp_path / "no-such-folder" / "log", silent)
    assert work_folders(home) == before


def test_abandoned_work_folders_are_removed_and_held_ones_are_not(home, emulator, tmp_path):
    """What a killed emulator could not remove the next one does; those of running ones stay."""
    with held_folder(home.emulator / "work") as (abandoned, _holder):
        (abandoned / "objects").write_text("")
    running = [folder for folder in work_folders(home) if folder != abandoned]
    with start_emulator(Home(home.root), tmp_path / "log", silent):
        assert not abandoned.exists()
        assert set(running) < set(work_folders(home))
    emulator.wait_ready()
    assert Path(psutil.Process(emulator.pid).cwd()) in running
