"""push.py of `flask_api` with docker and without: a script answers for docker, a stand-in for ECR."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
from mocked_programs import PROGRAMS

API = PROGRAMS / "flask_api"
URL = "111122223333.dkr.ecr.eu-west-3.amazonaws.com/api"
HEALTHY = '200 {"status":"ok"}'
TOKEN = "QVdTOmh1bnRlcjI="  # AWS:hunter2


@pytest.fixture
def docker(tmp_path: Path, monkeypatch) -> Iterator[Path]:
    """A shell script answers for docker, a stand-in for ECR, in the region of the registry; what they were told."""
    script = tmp_path / "docker"
    script.write_text(
        f'#!/bin/sh\necho "docker $*" | head -n 1 >> {tmp_path}/calls\n'
        f'echo "$1 $DOCKER_CONFIG $DOCKER_HOST" >> {tmp_path}/where\n'
        f'[ "$1" = push ] && cp "$DOCKER_CONFIG/config.json" {tmp_path}\n'
        '[ "$1" = context ] && echo unix:///the.socket\n[ "$1" = exec ] && echo "$ANSWER"\n'
        '[ "$1" = "$ENDS_IN" ] && kill -TERM $PPID\n[ "$1" != "$FAILS" ]\n'
    )
    script.chmod(0o700)

    class Ecr:
        def get_authorization_token(self):
            return {"authorizationData": [{"authorizationToken": TOKEN}]}

        def put_image(self, **image):
            (tmp_path / "image.json").write_text(json.dumps(image))

    def client(service: str, *, region_name: str) -> Ecr:
        (tmp_path / "region").write_text(region_name)
        return Ecr()

    monkeypatch.setattr(boto3, "client", client)
    for name, value in {
        "PATH": f"{tmp_path}:{os.defpath}",
        "ANSWER": HEALTHY,
        "OUTPUT_IMAGE_TAG": "7",
        "OUTPUT_REPOSITORY_NAME": "api",
        "OUTPUT_REPOSITORY_URL": URL,
    }.items():
        monkeypatch.setenv(name, value)
    for name in (
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "DOCKER_CONFIG",
        "DOCKER_HOST",
        "FAILS",
        "ENDS_IN",
    ):
        monkeypatch.delenv(name, raising=False)
    before = signal.getsignal(signal.SIGTERM)  # push.py runs in this process
    yield tmp_path
    signal.signal(signal.SIGTERM, before)


def calls(docker: Path) -> list[str]:
    """What docker was asked to do, without where its daemon is; the drawn name of the container is NAME."""
    lines = (docker / "calls").read_text().splitlines()
    return [re.sub(r"tried-[0-9a-f]{32}", "NAME", one).strip() for one in lines if "docker context" not in one]


def test_on_aws_docker_builds_tries_and_pushes(docker: Path, capfd) -> None:
    """With ECR's token as its login, never in its arguments; in the region that only the registry's name tells."""
    runpy.run_path(str(API / "push.py"), run_name="__main__")
    build, start, *rest = calls(docker)
    assert build == f"docker build --platform linux/amd64 --tag {URL}:7 {API / 'app'}"
    assert start.startswith("docker run --detach --pull never --platform linux/amd64 --name NAME --env ")
    assert start.endswith(f" {URL}:7")
    assert rest == [
        "docker exec NAME python -c",
        "docker rm --force --volumes NAME",
        f"docker push {URL}:7",
        f"docker image rm {URL}:7",
    ]
    login = {"auths": {URL.partition("/")[0]: {"auth": TOKEN}}}
    assert json.loads((docker / "config.json").read_text()) == login
    assert (docker / "region").read_text() == "eu-west-3"
    told = capfd.readouterr().out
    assert f"/health answers {HEALTHY}" in told
    assert "is pushed" in told


def test_the_tried_image_is_given_each_setting_that_it_needs(docker: Path) -> None:
    """And no other: without one of them it says 503."""
    runpy.run_path(str(API / "push.py"), run_name="__main__")
    [needed] = re.findall(r"^NEEDED = (\(.*\))$", (API / "app" / "app.py").read_text(), re.MULTILINE)
    assert set(re.findall(r"--env (\w+)=", calls(docker)[1])) == set(ast.literal_eval(needed))


@pytest.mark.parametrize(
    "answer", ['503 {"missing":["SECRET_KEY"],"status":"incomplete"}', '200 {"status":"other"}', "200 <html>", ""]
)
def test_an_image_that_is_not_healthy_is_not_pushed(docker: Path, monkeypatch, answer: str) -> None:
    """What it answered is told, its own log before that; the stage fails, and container and image go."""
    monkeypatch.setenv("ANSWER", answer)
    with pytest.raises(SystemExit, match=re.escape(f"/health answers {answer or 'nothing'}")) as ended:
        runpy.run_path(str(API / "push.py"), run_name="__main__")
    assert "is not pushed" in str(ended.value)
    assert calls(docker)[2:] == [
        "docker exec NAME python -c",
        "docker logs NAME",
        "docker rm --force --volumes NAME",
        f"docker image rm {URL}:7",
    ]


def test_health_is_asked_where_the_load_balancer_would_ask(docker: Path) -> None:
    """At the container's own address, not its loopback; again while it starts; by no proxy."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if len(asked) > 1:  # the first time the connection just ends
                self.send_response(200)
                self.end_headers()
                self.wfile.write(HEALTHY.partition(" ")[2].encode())

        def log_message(self, *_line):
            pass

    asked: list[str] = []
    pushing = runpy.run_path(str(API / "push.py"))
    assert (pushing["PORT"], pushing["HEALTH"]) == (5000, "/health")
    address = socket.gethostbyname(socket.gethostname())
    with ThreadingHTTPServer((address, 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = subprocess.run(
            [sys.executable, "-c", pushing["ASK"], str(server.server_port), pushing["HEALTH"]],
            env={"http_proxy": "http://127.0.0.1:9"},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
        server.shutdown()
    assert told.stdout.strip() == HEALTHY
    assert asked == ["/health", "/health"]


@pytest.mark.parametrize("fails", ["", "run", "push"])
def test_neither_login_nor_image_stays_on_the_machine(docker: Path, monkeypatch, fails: str) -> None:
    """The push has a folder of its own, which goes, and the daemon that docker uses otherwise; what was tried goes."""
    monkeypatch.setenv("FAILS", fails)
    with pytest.raises(subprocess.CalledProcessError) if fails else nullcontext():
        runpy.run_path(str(API / "push.py"), run_name="__main__")
    lines = [line.split() for line in (docker / "where").read_text().splitlines()]
    where = {call: place for call, *place in lines}
    assert where["build"] == []
    if fails != "run":
        folder, host = where["push"]
        assert host == "unix:///the.socket"
        assert not Path(folder).exists()
    assert "docker rm --force --volumes NAME" in calls(docker)
    assert calls(docker)[-1] == f"docker image rm {URL}:7"


@pytest.mark.parametrize("where", ["build", "exec"])
def test_nothing_stays_where_it_is_told_to_end(docker: Path, where: str) -> None:
    """As the harness does on Ctrl-C or at a limit: SIGTERM, and two seconds later SIGKILL."""
    told = {**os.environ, "ENDS_IN": where}
    done = subprocess.run([sys.executable, str(API / "push.py")], env=told, check=False, timeout=60)
    assert done.returncode == 143
    gone = [] if where == "build" else ["docker rm --force --volumes NAME"]
    assert calls(docker)[-1 - len(gone) :] == [*gone, f"docker image rm {URL}:7"]


def test_without_docker_it_says_what_is_needed(docker: Path, monkeypatch, capfd) -> None:
    """No traceback, and a code that fails the stage."""
    (docker / "docker").unlink()
    monkeypatch.setenv("PATH", str(docker))
    with pytest.raises(SystemExit, match=r"^docker is needed to build and push app/"):
        runpy.run_path(str(API / "push.py"), run_name="__main__")
    assert capfd.readouterr().out == ""


def test_at_an_emulator_a_manifest_stands_for_the_image(docker: Path, monkeypatch, capfd) -> None:
    """Under the same tag, of the files of app/, without docker; and it says so. Its ECR is asked in tests/engine."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    runpy.run_path(str(API / "push.py"), run_name="__main__")
    image = json.loads((docker / "image.json").read_text())
    assert (image["repositoryName"], image["imageTag"]) == ("api", "7")
    manifest = json.loads(image["imageManifest"])
    files = sorted(path for path in (API / "app").iterdir() if path.is_file())
    source = b"".join(path.name.encode() + path.read_bytes() for path in files)
    assert manifest["config"]["digest"] == f"sha256:{hashlib.sha256(source).hexdigest()}"
    assert manifest["layers"] == []
    assert not (docker / "calls").exists()
    told = capfd.readouterr().out
    assert "no registry to push an image to" in told
    assert "app/ is not built or tried" in told
