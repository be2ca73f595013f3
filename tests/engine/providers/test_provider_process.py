"""The provider process, as the cell starts it and as the engine finds it, up to how each of them dies."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from harness.errors import WorldError
from harness.providers.ambient import Ambient
from harness.providers.contract import Presence
from harness.world.provider import Asked, ProviderProcess, sdk_version

PROGRAM = """
import pulumi, pulumi_random as random
password = random.RandomPassword("password", length=20, special=False)
pet = random.RandomPet("pet", prefix=password.result.apply(lambda text: text[:2]))
random.RandomString("string", length=8, keepers={"key": pulumi.Output.secret("hush")})
random.RandomBytes("bytes", length=8)
random.RandomId("id", byte_length=4, keepers={"pet": pet.id})
random.RandomInteger("integer", min=1, max=6)
random.RandomShuffle("shuffle", inputs=["a", "b", "c"])
random.RandomUuid("uuid"), random.RandomUuid4("uuid4"), random.RandomUuid7("uuid7")
for number in range(30):
    random.RandomPet(f"pet{number}")
pulumi.export("password", password.result)
pulumi.export("pet", pet.id)
"""
COUNT = 41  # with the stack itself
PET = Asked("random:index/randomPet:RandomPet", "open-otter")


@pytest.fixture
def process(tmp_path):
    """A provider process for `random`."""
    with ProviderProcess.start(Ambient(region="eu-west-1"), tmp_path, ("random",)) as process:
        yield process


def _launcher(process, tmp_path, package="random"):
    process.plugin_home(tmp_path / "plugin-home", {package: ("1.2.3",)})
    path = tmp_path / "plugin-home" / "plugins" / f"resource-{package}-v1.2.3" / f"pulumi-resource-{package}"
    return subprocess.Popen(
        [path, "127.0.0.1:1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def _listens(port):
    return any(one.laddr.port == port for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN)


def test_the_engine_finds_and_uses_it(process, inline_stack):
    """All ten random types go up side by side, differ in nothing afterwards, hide their secrets, and go down."""
    stack = inline_stack()
    process.plugin_home(stack.home)
    preview, up, again, refresh, deployment = stack.do(PROGRAM, "preview", "up", "preview", "refresh", "export")
    assert preview["changes"] == up["changes"] == {"create": COUNT}
    assert again["changes"] == refresh["changes"] == {"same": COUNT}
    password, secret = up["outputs"]["password"]
    assert secret
    assert up["outputs"]["pet"][0].startswith(password[:2])
    stored = stack.stored()
    hidden = [
        json.loads(value["plaintext"])
        for one in deployment["resources"]
        for value in _flat(one.get("outputs", {}))
        if isinstance(value, dict) and "plaintext" in value
    ]
    assert {password, "hush"} <= set(hidden)
    # Two letters, like the pet's prefix, are found in any cipher text.
    assert not [value for value in hidden if len(str(value)) > 3 and str(value) in stored]
    [destroyed] = stack.do(PROGRAM, "destroy")
    assert destroyed["changes"] == {"delete": COUNT}
    assert process.log.read_text() == ""


def _flat(value):
    yield value
    for inner in value.values() if isinstance(value, dict) else ():
        yield from _flat(inner)


def test_changed_keepers_replace(process, inline_stack):
    """Another keeper draws another value; an argument that says the same as a default draws none."""
    stack = inline_stack()
    process.plugin_home(stack.home)
    program = "import pulumi_random as random; random.RandomPet('pet', keepers={'a': '%s'}%s)"
    steps = [("1", ""), ("2", ""), ("2", ", separator='-'")]
    changes = [stack.do(program % step, "up")[0]["changes"] for step in steps]
    assert changes == [{"create": 2}, {"same": 1, "replace": 1}, {"same": 2}]


def test_a_wrong_argument_is_shown_to_the_user(process, inline_stack):
    """The engine's error carries the check's reason, and nothing is made."""
    stack = inline_stack()
    process.plugin_home(stack.home)
    [failed] = stack.do("import pulumi_random as random; random.RandomString('s', length=3, min_upper=4)", "preview")
    assert "3 is less than minUpper + minLower" in failed["error"]


def test_launchers_are_installed_in_the_sdks_versions(process, tmp_path):
    """Without other wishes there is one launcher per bundled package, in the version that its SDK asks for."""
    process.plugin_home(tmp_path / "h")
    found = {path.name for path in (tmp_path / "h" / "plugins").iterdir()}
    assert found == {f"resource-{name}-v{sdk_version(name)}" for name in ("aws", "random")}


def test_every_launcher_gets_an_instance_of_its_own(process, tmp_path):
    """Two launchers, two ports; a port is closed when the engine interrupts its launcher, or dies."""
    with _launcher(process, tmp_path) as first, _launcher(process, tmp_path) as second:
        ports = [int(one.stdout.readline()) for one in (first, second)]
        assert ports[0] != ports[1]
        assert all(map(_listens, ports))
        first.send_signal(signal.SIGINT)
        assert first.wait(5) == 0
        _eventually(lambda: not _listens(ports[0]))
        assert _listens(ports[1])
        second.stdin.close()
        assert second.wait(5) == 0
        _eventually(lambda: not _listens(ports[1]))


def _eventually(condition):
    for attempt in Retrying(stop=stop_after_delay(5), wait=wait_fixed(0.01), reraise=True):
        with attempt:
            assert condition()


def test_a_launcher_dies_with_the_process(process, tmp_path):
    """A launcher whose provider process is gone ends and says why, so that the engine does not wait for ever."""
    with _launcher(process, tmp_path) as launcher:
        launcher.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        assert launcher.wait(5) == 1
        assert b"has ended" in launcher.stderr.read()
    with _launcher(process, tmp_path) as late:
        assert late.wait(5) == 1
        assert b"does not answer" in late.stderr.read()


def test_packages_that_are_not_allowed_stay_shut(process, tmp_path):
    """A cell that runs without the bundled aws package does not get it by accident."""
    with _launcher(process, tmp_path, "aws") as launcher:
        assert launcher.wait(5) == 1
        assert b"the package aws is not bundled here; use --provider official" in launcher.stderr.read()


def test_presence(process):
    """A random value exists nowhere but in the state; what nobody knows is unverified, with the reason."""
    answers = process.presence("", [PET, Asked("gcp:storage/bucket:Bucket", "b"), PET])
    assert [answer for answer, _ in answers] == [Presence.GONE, Presence.UNVERIFIED, Presence.GONE]
    assert "gcp is not bundled" in answers[1][1]
    assert process.presence("", []) == []


def test_find_and_delete(process):
    """Nothing of random is at the target; a search that cannot be made is an error, not an empty answer."""
    assert process.find("", [PET.type], {"run": "1"}) == []
    process.delete("", PET)
    with pytest.raises(WorldError, match="could not find: the package gcp is not bundled") as caught:
        process.find("", ["gcp:storage/bucket:Bucket"], {})
    assert str(process.log) in caught.value.hint


def test_interrupts_are_not_its_affair(process):
    """Ctrl-C is for the lifecycle, which still needs the provider to destroy."""
    process.wait_ready()
    os.kill(process.pid, signal.SIGINT)
    process.wait_ready()
    assert process.alive


@pytest.mark.parametrize("end", ["terminate", "kill", "close"])
def test_it_ends(process, end):
    """It ends when terminated, killed or closed; afterwards questions are answered with what happened."""
    process.wait_ready()
    if end == "close":
        process.close()
    else:
        os.kill(process.pid, signal.SIGTERM if end == "terminate" else signal.SIGKILL)
        _eventually(lambda: not process.alive)
    assert not process.alive
    with pytest.raises(WorldError, match=r"cannot be asked to presence: .*; it ended with code"):
        process.presence("", [PET])
    process.close()
    assert not process.socket.parent.exists()


def test_an_answer_that_never_comes(process):
    """A process that hangs is an error after the time-out, with a hint."""
    process.wait_ready()
    os.kill(process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(WorldError, match="did not answer presence within 0 s") as caught:
            process.presence("", [PET], timeout=0.2)
        assert "reachable" in caught.value.hint
    finally:
        os.kill(process.pid, signal.SIGCONT)


def test_it_dies_with_its_owner(tmp_path):
    """Whoever started it is killed: the process ends, and takes its socket along."""
    program = (
        "import sys, pathlib; from harness.providers.ambient import Ambient;"
        "from harness.world.provider import ProviderProcess;"
        "p = ProviderProcess.start(Ambient(), pathlib.Path(sys.argv[1]), ('random',)); p.wait_ready();"
        "print(p.pid, p.socket, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        pid, socket = owner.stdout.readline().split()
        provider = psutil.Process(int(pid))
        owner.kill()
        provider.wait(5)
    assert not Path(socket).parent.exists()


def test_secrets_stay_out_of_argv_environment_and_files(tmp_path):
    """Credentials travel on stdin: nobody who lists processes or reads the cell's files finds them."""
    ambient = Ambient(endpoint="http://127.0.0.1:9", access_key="AKIDHUSH", secret_key="hush", session_token="hush-t")
    assert "hush" not in repr(ambient).lower()
    with ProviderProcess.start(ambient, tmp_path, ("random",)) as process:
        process.wait_ready()
        running = psutil.Process(process.pid)
        shown = f"{running.cmdline()} {running.environ()}"
        written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
        assert oct(process.socket.parent.stat().st_mode & 0o777) == "0o700"
    assert "hush" not in shown.lower() + written.lower()


def test_with_an_endpoint_nothing_leads_elsewhere(tmp_path, monkeypatch):
    """Neither the user's AWS settings nor a proxy reach a process that is to talk to an emulator."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "elsewhere")
    for endpoint in ("http://127.0.0.1:9", None):
        with ProviderProcess.start(Ambient(endpoint=endpoint), tmp_path, ("random",)) as process:
            process.wait_ready()
            environment = psutil.Process(process.pid).environ()
        assert ("elsewhere" in environment.values()) == (endpoint is None)
        assert environment.get("AWS_EC2_METADATA_DISABLED") == (None if endpoint is None else "true")


def test_a_long_directory_still_gets_a_socket(tmp_path):
    """A socket's path has a hard limit; a cell that lies deep gets its socket elsewhere, and it is removed."""
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    with ProviderProcess.start(Ambient(), deep, ("random",)) as process:
        process.wait_ready()
        assert not process.socket.is_relative_to(deep)
    assert not process.socket.parent.exists()


def test_a_directory_that_cannot_be_written(tmp_path):
    """A cell without a place for its files is an error with a hint, before anything is started."""
    with pytest.raises(WorldError, match="cannot be started in") as caught:
        ProviderProcess.start(Ambient(), tmp_path / "absent", ("random",))
    assert "writable" in caught.value.hint


def test_a_held_journal_is_told(tmp_path):
    """A process that cannot have the journal to itself makes nothing, and says so to whoever asks."""
    (tmp_path / "journal.jsonl").mkdir()
    with (
        ProviderProcess.start(Ambient(), tmp_path, ("random",)) as process,
        pytest.raises(WorldError, match=r"the provider process cannot start: the journal .* cannot be opened"),
    ):
        process.wait_ready()


def test_it_is_cheap(process, tmp_path):
    """A launcher, of which there is one per engine, takes a small part of the processor time of what it leads to."""
    with _launcher(process, tmp_path) as launcher:
        launcher.stdout.readline()
        spent = psutil.Process(process.pid).cpu_times()
        launched = psutil.Process(launcher.pid).cpu_times()
        launcher.send_signal(signal.SIGINT)
    assert launched.user + launched.system < (spent.user + spent.system) / 3


@pytest.mark.parametrize("told", ["", ".", "{theirs}"])
def test_a_record_that_a_full_disk_cut_off_takes_nobodys_files(tmp_path, monkeypatch, told):
    """It named the socket's folder, and what it names was removed whole: an empty one, the caller's own folder."""
    theirs = tmp_path / "theirs"
    (theirs / "project").mkdir(parents=True)
    (theirs / "project" / "__main__.py").touch()
    monkeypatch.chdir(theirs)
    cell = tmp_path / "cell"
    cell.mkdir()
    (cell / "control.path").write_text(told.format(theirs=theirs))
    with ProviderProcess.start(Ambient(), cell, ("random",)) as process:
        process.wait_ready()
    assert (theirs / "project" / "__main__.py").exists()
