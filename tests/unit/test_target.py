"""A target is the emulator, AWS or a loopback URL; what programs see of it holds nothing of the caller's AWS set-up."""

import os
import random
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import TargetError
from harness.world.target import Target, check_target, new_account, parse_target, program_environment

LOCAL = Target("url", "http://127.0.0.1:4566")
ACCOUNT = "222233334444"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("emulator", Target("emulator")),
        ("aws", Target("aws")),
        ("http://127.0.0.1:4566", LOCAL),
        ("http://127.0.0.1:4566/", LOCAL),
        ("https://localhost:4566", Target("url", "https://localhost:4566")),
        ("HTTP://LocalHost:4566", Target("url", "http://localhost:4566")),
        ("http://[::1]:80", Target("url", "http://[::1]:80")),
        ("http://127.8.9.10:1", Target("url", "http://127.8.9.10:1")),
    ],
)
def test_reads_what_is_a_target(text, target):
    """The three forms, and the URL without its slash."""
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "Emulator",
            "AWS",
            "localhost:4566",
            "127.0.0.1:4566",
            "ftp://127.0.0.1:21",
            "http://:4566",
            "http://[",
        ),
        *("http://127.0.0.1", "http://127.0.0.1:0", "http://127.0.0.1:65536", "http://127.0.0.1:x"),
        *("http://127.0.0.1:1/path", "http://127.0.0.1:1?q", "http://127.0.0.1:1#f", "http://user:pw@127.0.0.1:1"),
        *("http://10.0.0.1:4566", "http://0.0.0.0:4566", "http://example.com:80", "http://localhost.example.com:80"),
        *("http://169.254.169.254:80", "http://127.0.0.1.nip.example:80", "http://[::1%25lo]:80", "http://[::]:80"),
    ],
)
def test_refuses_what_is_none(text):
    """Everything else is an error that tells the forms that there are."""
    with pytest.raises(TargetError) as caught:
        parse_target(text)
    assert "127.0.0.1" in caught.value.hint


@pytest.mark.parametrize("place", ["127.0.0.1:1", "127.0.0.1", "example.com:80", "127.0.0.1:x", "["])
def test_a_password_in_the_url_is_not_repeated(place):
    """What is refused for holding a password, or for anything else beside it, is not printed with it."""
    with pytest.raises(TargetError) as caught:
        parse_target(f"http://user:hunter2@{place}")
    assert "hunter2" not in caught.value.message + caught.value.hint


@given(
    st.text()
    | st.builds("{}://{}:{}{}".format, st.sampled_from(["http", "https"]), st.text(), st.integers(), st.text())
)
@example("http://①②⑦.0.0.1:4566")
@example("http://2130706433:80")
def test_whatever_is_accepted_is_on_this_machine(text):
    """No text leads off this machine, or to any error but TargetError."""
    try:
        target = parse_target(text)
    except TargetError:
        return
    host = urlsplit(target.url or "http://localhost").hostname
    assert target.kind in {"emulator", "aws", "url"}
    assert host == "localhost" or ip_address(host).is_loopback


def test_a_closed_port_cannot_be_reached():
    """Nothing listens: the error names the URL and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(TargetError, match="cannot be reached") as caught:
        check_target(Target("url", url))
    assert url in caught.value.message
    assert "--target emulator" in caught.value.hint


def test_a_listener_that_never_answers_is_given_up():
    """A process that accepts and is silent does not hold the run."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = Target("url", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(TargetError, match="no answer in time"):
            check_target(target, seconds=0.05)


class _Greeting(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_arguments):
        """Nobody reads it."""


def test_any_other_server_is_not_an_emulator():
    """A 200 from a web server that happens to run there is not AWS."""
    with HTTPServer(("127.0.0.1", 0), _Greeting) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with pytest.raises(TargetError, match="is not an AWS emulator"):
                check_target(Target("url", f"http://127.0.0.1:{server.server_port}"))
        finally:
            server.shutdown()
            thread.join()


def test_tls_against_a_plain_server_is_an_error_with_a_hint():
    """TLS where http is spoken is told as not reachable, not as a traceback."""
    with HTTPServer(("127.0.0.1", 0), _Greeting) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(TargetError, match="cannot be reached"):
            check_target(Target("url", f"https://127.0.0.1:{server.server_port}"))
        thread.join()


@pytest.mark.parametrize("target", [Target("aws"), Target("emulator")])
def test_without_a_url_nothing_is_asked(target):
    """AWS itself, and an emulator that does not run yet, are not asked here."""
    check_target(target)


VALUES = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1).map("mine-{}".format)
AWS_NAMES = st.sampled_from(
    [
        *("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE"),
        *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ROLE_ARN"),
        *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_REGION", "AWS_DEFAULT_REGION"),
    ]
) | st.text("ABC_", min_size=1).map("AWS_{}".format)


@given(st.dictionaries(AWS_NAMES, VALUES), st.dictionaries(st.sampled_from(["PATH", "LANG", "PULUMI_HOME"]), VALUES))
def test_nothing_of_the_callers_aws_reaches_the_emulator(aws, other):
    """On an emulator no AWS variable of the caller survives; all else does."""
    made = program_environment(LOCAL, {**aws, **other}, "eu-west-1", ACCOUNT)
    assert {name: made[name] for name in made if name.startswith("AWS_")} == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "emulator",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    assert {name: made[name] for name in other} == other


@given(st.dictionaries(AWS_NAMES | st.just("PATH"), VALUES))
def test_on_aws_only_the_region_changes(base):
    """The caller's own credentials and settings are what `aws` means."""
    made = program_environment(Target("aws"), base, "eu-west-1", None)
    assert made == {**base, "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}


def test_a_proxy_does_not_catch_loopback():
    """Nor does it take anything off the machine: none of the caller's is left, in whatever spelling."""
    base = {"HTTP_PROXY": "http://proxy:1", "NO_PROXY": "a.example, b.example", "no_proxy": "c.example"}
    made = program_environment(LOCAL, base, "us-east-1", ACCOUNT)
    assert {made[name] for name in made if name.lower().endswith("_proxy")} == {
        "http://127.0.0.1:1",
        "127.0.0.1,localhost,::1",
    }
    assert made["NO_PROXY"] == made["no_proxy"] == "127.0.0.1,localhost,::1"
    assert {"http_proxy", "HTTPS_PROXY", "all_proxy"} <= made.keys()


@pytest.mark.parametrize(("target", "account"), [(Target("emulator"), ACCOUNT), (LOCAL, None)])
def test_no_environment_without_url_and_account(target, account):
    """Half an emulator would leave a client that goes to AWS."""
    with pytest.raises(TargetError):
        program_environment(target, {}, "us-east-1", account)


@given(st.integers())
def test_an_account_is_twelve_digits(seed):
    """What is minted is what the emulator takes as an account, and the same for the same randomness."""
    account = new_account(random.Random(seed))
    assert account.isdigit()
    assert len(account) == 12
    assert account[0] != "0"
    assert account == new_account(random.Random(seed))


def test_a_reserved_account_is_never_minted():
    """The examples' account comes up, and the next one is taken."""

    class Loaded(random.Random):
        drawn = iter([123456789012, 222233334444])

        def randrange(self, *_bounds):
            return next(self.drawn)

    assert new_account(Loaded()) == "222233334444"


def test_a_target_reads_as_what_was_asked_for():
    """In reports the target is a word or the URL."""
    assert [str(target) for target in (Target("emulator", "http://127.0.0.1:1"), Target("aws"), LOCAL)] == [
        "emulator",
        "aws",
        "http://127.0.0.1:4566",
    ]
