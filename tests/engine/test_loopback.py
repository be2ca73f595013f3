"""A run needs no network, and reaches for none: in a network namespace that has loopback only, or by its sockets."""

from __future__ import annotations

import functools
import ipaddress
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
# `ip` is not everywhere: the flag of an interface is set by an ioctl (linux/sockios.h, linux/if.h).
LO_UP = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any:
    fcntl.ioctl(any, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
with open("/proc/net/dev") as devices:
    assert [line.split(":")[0].strip() for line in devices][2:] == ["lo"]
os.execv(sys.argv[1], sys.argv[1:])
"""


@functools.cache
def alone() -> tuple[str, ...]:
    """A prefix that runs a command in a namespace with loopback only; empty where this user may not make one."""
    for flags in (["-n"], ["-r", "-n"]):
        prefix = ("unshare", *flags, "--", sys.executable, "-I", "-c", LO_UP)
        if (
            shutil.which("unshare")
            and subprocess.run([*prefix, shutil.which("true") or ""], check=False).returncode == 0
        ):
            return prefix
    return ()


class Watched:
    """Runs the command line in such a namespace; where none can be had, its sockets are looked at all the while."""

    def __init__(self, harness) -> None:
        self._harness = harness
        self.seen: set[str] = set()

    def __call__(self, *args: str, **environment: str):
        command = [*alone(), sys.executable, "-m", "harness", *args]
        where = {**self._harness.environment, "HARNESS_HOME": str(self._harness.home), "NO_COLOR": "1", **environment}
        with subprocess.Popen(
            command, cwd=self._harness.cwd, env=where, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            over = threading.Event()
            looker = threading.Thread(target=self._look, args=(process.pid, over))
            looker.start()
            try:
                out, err = process.communicate(timeout=150)
            finally:
                over.set()
                looker.join()
        assert self.seen == set()
        return process.returncode, out, err

    def _look(self, pid: int, over: threading.Event) -> None:
        while not over.is_set() and not alone():
            try:
                family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            for one in family:
                try:
                    remote = [made.raddr.ip for made in one.net_connections("inet") if made.raddr]
                except psutil.Error:
                    continue
                self.seen |= {ip for ip in remote if not ipaddress.ip_address(ip).is_loopback}
            time.sleep(0.01)


@pytest.fixture
def watched(harness) -> Watched:
    """The command line without a network."""
    return Watched(harness)


def test_starter_passes_where_there_is_no_network(watched, harness) -> None:
    """Engine, hosts, packs, providers, probes, emulator: none of them needs or asks anybody."""
    code, out, err = watched("run", str(ROOT / "programs" / "starter"), "--json", "-")
    assert code == 0, err
    [cell] = json.loads(out)["cells"]
    log = Path(cell["log"]).read_text()
    assert "refused: " not in log, "nothing of ours even tries"
    assert "dial tcp" not in log + err
    assert harness.processes() == []


TRIES = """
import socket, subprocess, urllib.request
import boto3, httpx

def tried(what, action):
    began = time.monotonic()
    try:
        action()
        told = "WENT OUT"
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
    # In one write: an unbuffered print is several, and what the harness tells on stderr could come between.
    sys.stdout.write(f"tried {what} {time.monotonic() - began:.0f} s {told}\\n")

def datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("192.0.2.5", 53))

child = "import boto3; boto3.client('sts', endpoint_url='https://sts.amazonaws.com').get_caller_identity()"
led = "import boto3; print('child is', boto3.client('sts').get_caller_identity()['Account'], flush=True)"
if live:
    tried("boto3", lambda: boto3.client("s3", endpoint_url="https://s3.us-east-1.amazonaws.com").list_buckets())
    tried("urllib", lambda: urllib.request.urlopen("http://name.example/", timeout=20))
    tried("httpx", lambda: httpx.get("https://name.example/", timeout=20))
    tried("socket", lambda: socket.create_connection(("192.0.2.1", 443), timeout=20))
    tried("name", lambda: socket.getaddrinfo("name.example", 80))
    tried("datagram", datagram)
    tried("child", lambda: subprocess.run([sys.executable, "-c", child], check=True, timeout=60))
    subprocess.run([sys.executable, "-c", led], check=True)
"""
PROBES = """
import socket
from harness.probes.registry import probe

@probe("reaches out", timeout=0.2)
def out(context):
    socket.create_connection(("192.0.2.9", 80), timeout=20)
"""


def test_what_a_program_tries_by_itself_is_refused_at_once(watched, harness, shop) -> None:
    """boto3 with an address of AWS's, urllib, httpx, sockets, names, datagrams, children, a probe: told in words."""
    arguments = ("--no-policy", "--no-recheck", "--json", "-")
    proxy = {
        "https_proxy": "http://192.0.2.3:8080",
        "HTTP_PROXY": "http://192.0.2.3:8080",
        "NO_PROXY": ".amazonaws.com",
    }
    code, out, err = watched("run", str(shop(TRIES, probes=PROBES)), *arguments, **proxy)
    assert code == 1, err
    [cell] = json.loads(out)["cells"]
    assert cell["status"] == "FAILED"
    assert "192.0.2.9 was not contacted: this run stays on this machine" in cell["error"]["message"], err
    assert cell["resources"]["leaked"] == cell["resources"]["unverified"] == []
    log = Path(cell["log"]).read_text()
    lines = [line for line in log.splitlines() if line.startswith("tried ")]
    assert [line.split()[1] for line in lines] == [
        *("boto3", "urllib", "httpx", "socket", "name", "datagram", "child"),
    ], log
    assert "WENT OUT" not in log
    for line in lines[:-1]:
        assert int(line.split()[2]) < 10, f"waited for a time-out: {line}"
        assert "this run stays on this machine (target emulator)" in line, line
    assert "sts.amazonaws.com was not contacted" in log
    assert f"child is {cell['account']}" in log
    assert "192.0.2.3" not in log
    assert harness.processes() == []


OWN = """
class Away(pulumi.dynamic.ResourceProvider):
    def create(self, props):
        import socket
        socket.create_connection(("192.0.2.6", 80), timeout=20)
        return pulumi.dynamic.CreateResult("x", {})


class Thing(pulumi.dynamic.Resource):
    def __init__(self):
        super().__init__(Away(), "thing", {})


Thing()
"""
PACK = """
import socket
from pulumi_policy import PolicyPack, ResourceValidationPolicy

def ask(args, report):
    try:
        socket.create_connection(("192.0.2.8", 80), timeout=20)
    except OSError as error:
        report(str(error))

PolicyPack("away", [ResourceValidationPolicy("asks", "Asks.", ask)])
"""


def test_dynamic_providers_and_packs_stay_as_well(watched, harness, shop, tmp_path: Path) -> None:
    """A provider that the program brings along fails the run, which is destroyed; a pack is told in its finding."""
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (pack / "__main__.py").write_text(PACK)
    code, out, err = watched("run", str(shop(OWN)), "--policy-pack", str(pack), "--json", "-")
    assert code == 1, err
    [cell] = json.loads(out)["cells"]
    assert cell["status"] == "ERRORED", err
    assert "192.0.2.6 was not contacted: this run stays" in json.dumps(cell["error"])
    assert "192.0.2.8 was not contacted: this run stays" in json.dumps(cell["findings"])
    assert cell["resources"]["leaked"] == []
    assert harness.processes() == []


def test_the_look_at_sockets_would_see_it(harness, monkeypatch) -> None:
    """Where no namespace can be had, the other proof is one: a connection off loopback is found among the sockets."""
    monkeypatch.setattr(sys.modules[__name__], "alone", tuple)
    watch, over = Watched(harness), threading.Event()

    class Made:
        raddr = type("Address", (), {"ip": "192.0.2.1"})

    monkeypatch.setattr(psutil.Process, "net_connections", lambda *_: [Made])
    looker = threading.Thread(target=watch._look, args=(os.getpid(), over))
    looker.start()
    time.sleep(0.1)
    over.set()
    looker.join()
    assert watch.seen == {"192.0.2.1"}
