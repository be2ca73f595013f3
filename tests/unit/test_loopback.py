"""The hook that keeps a process on this machine: what it refuses, what it lets pass, and how it tells."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.hosts import loopback
from harness.world.target import Target, program_environment

OFF = [
    ("socket.connect", (None, ("10.0.0.1", 443))),
    ("socket.connect", (None, ("example.com", 443))),
    ("socket.connect", (None, ("2001:db8::1", 443, 0, 0))),
    ("socket.connect", (None, ("::ffff:192.0.2.1", 443, 0, 0))),
    ("socket.connect", (None, ("127.0.0.1.example.com", 443))),
    ("socket.connect", (None, ("127.0.0.1", 1))),
    ("socket.bind", (None, ("0.0.0.0", 8883))),  # noqa: S104 - it is refused
    ("socket.bind", (None, ("", 8883))),
    ("socket.sendto", (None, ("169.254.169.254", 80))),
    ("socket.sendmsg", (None, ("192.0.2.1", 53))),
    ("socket.getaddrinfo", ("example.com", 443, 0, 0, 0)),
    ("socket.getaddrinfo", ("s3.us-east-1.amazonaws.com", 443, 0, 0, 0)),
    ("socket.gethostbyname", (b"example.com",)),
    ("socket.gethostbyaddr", ("192.0.2.1",)),
    ("socket.getnameinfo", (("192.0.2.1", 80),)),
]
HERE = [
    ("socket.connect", (None, ("127.0.0.1", 443))),
    ("socket.connect", (None, ("127.8.9.1", 443))),
    ("socket.connect", (None, ("::ffff:127.0.0.1", 443, 0, 0))),
    ("socket.connect", (None, "/a/unix/socket")),
    ("socket.connect", (None, (0, 4))),  # netlink: the kernel
    ("socket.bind", (None, ("::1", 0, 0, 0))),
    ("socket.sendmsg", (None, None)),
    ("socket.getaddrinfo", ("localhost", 443, 0, 0, 0)),
    ("socket.getaddrinfo", ("bucket.localhost", 443, 0, 0, 0)),
    ("socket.getaddrinfo", (None, 443, 0, 0, 0)),
]


@pytest.mark.parametrize(("event", "arguments"), OFF)
def test_every_way_off_the_machine_is_refused(event: str, arguments: tuple) -> None:
    """Names, addresses of both kinds, datagrams, and questions about addresses."""
    assert loopback.refused(event, arguments) is not None


@pytest.mark.parametrize(("event", "arguments"), HERE)
def test_what_stays_on_the_machine_passes(event: str, arguments: tuple) -> None:
    """Loopback in every spelling, unix sockets and the kernel's."""
    assert loopback.refused(event, arguments) is None


def python(source: str, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A Python in the environment of a program on an emulator."""
    base = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    made = program_environment(Target("emulator", "http://127.0.0.1:9"), base, "us-east-1", "111122223333")
    return subprocess.run(
        [sys.executable, *flags, "-c", source], env=made | environment, capture_output=True, text=True, check=False
    )


def test_any_python_of_a_program_stays_and_says_why() -> None:
    """A child of a child too; the refusal names host and way out, and is told once however often it is tried."""
    child = (
        "import socket\nfor _ in range(3):\n try: socket.create_connection(('192.0.2.7', 80))\n except OSError: pass"
    )
    done = python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("refused: 192.0.2.7 was not contacted") == 1
    assert "stays on this machine (target emulator); use AWS_ENDPOINT_URL, or run with --target aws" in done.stderr


def test_boto3_tells_it_at_once() -> None:
    """It neither tries again nor keeps host and reason for itself."""
    source = """
import time, boto3
began = time.monotonic()
try:
    boto3.client("s3", endpoint_url="https://s3.amazonaws.com").list_buckets()
except Exception as error:
    print(error, time.monotonic() - began < 6)
"""
    done = python(source)
    assert "s3.amazonaws.com was not contacted: this run stays on this machine" in done.stdout, done.stderr
    assert done.stdout.rstrip().endswith("True")
    assert done.stderr.count("refused: ") == 1


def test_a_client_of_proxies_finds_none_and_names_whom_it_asked() -> None:
    """A proxy of the caller's, on this machine or off it, would carry a request out."""
    source = """
import urllib.request
for url in ("https://secure.example/x", "http://plain.example/"):
    try:
        urllib.request.urlopen(url, timeout=5)
    except OSError as error:
        print(error)
"""
    done = python(source, HARNESS_TEST="1", no_proxy="127.0.0.1")
    assert "secure.example was not contacted: this run stays" in done.stdout
    assert "plain.example was not contacted: this run stays" in done.stdout


def test_a_sitecustomize_of_the_users_runs_as_ever(tmp_path: Path) -> None:
    """Ours goes first and leaves no trace: neither on the path nor among the modules."""
    (tmp_path / "sitecustomize.py").write_text("WORD = 'theirs'\n")
    source = "import sys, sitecustomize; print(sitecustomize.WORD, [p for p in sys.path if 'hosts' in p])"
    made = program_environment(Target("emulator", "http://127.0.0.1:9"), {"PYTHONPATH": str(tmp_path)}, "x", "1" * 12)
    done = subprocess.run([sys.executable, "-c", source], env=made, capture_output=True, text=True, check=False)
    assert done.stdout == "theirs []\n", done.stderr
    missing = python("import sys; print('sitecustomize' in sys.modules)")
    assert missing.stdout == "False\n", missing.stderr


def test_without_the_word_nothing_is_refused() -> None:
    """On AWS itself, and in every process that is not of a run."""
    source = f"import sys; sys.path.insert(0, {str(Path(loopback.__file__).parent)!r}); import loopback; "
    source += "loopback.stay_if_told({}); sys.audit('socket.getaddrinfo', 'example.com', 1, 0, 0, 0)"
    done = subprocess.run([sys.executable, "-c", source], env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
