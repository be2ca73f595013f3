"""The application of `flask_api` itself, started as its image does and asked over HTTP; and what pushes it."""

from __future__ import annotations

import json
import os
import re
import runpy
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import boto3
import gunicorn
import httpx
import pytest

from harness.world.emulator import Emulator
from harness.world.emulator_env import emulator_python
from harness.world.home import Home

API = Path(__file__).resolve().parents[2] / "programs" / "flask_api"
URL = "111122223333.dkr.ecr.eu-west-3.amazonaws.com/api"
TOKEN = "QVdTOmh1bnRlcjI="  # AWS:hunter2
GIVEN = {
    "DATABASE_HOST": "db.example",
    "DATABASE_NAME": "flask_api",
    "DATABASE_USER": "me",
    "DATABASE_PASSWORD": "hunter2",
    "SECRET_KEY": "hunter3",
}


def by_image() -> list[str]:
    """What the image runs, on a free port of this machine only."""
    [command] = re.findall(r"^CMD (\[.*\])$", (API / "app" / "Dockerfile").read_text(), re.MULTILINE)
    assert command.count("0.0.0.0:5000") == 1
    return ["-m", *json.loads(command.replace("0.0.0.0:5000", "127.0.0.1:0"))]


@pytest.fixture(params=[by_image, lambda: ["app.py"]], ids=["image", "by hand"])
def serve(request, installed: Home, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts the application with these settings only; its URL.

    Flask comes with the emulator, whose interpreter runs it; gunicorn, which is pure Python, from ours.
    """
    (tmp_path / "gunicorn").symlink_to(Path(gunicorn.__file__).parent)
    settled = {"PATH": os.defpath, "PORT": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tmp_path)}
    started: list[subprocess.Popen[str]] = []

    def start(**settings: str) -> str:
        process = subprocess.Popen(
            [str(emulator_python(installed, lambda _text: None)), *request.param()],
            cwd=API / "app",
            env={**settled, "HOME": str(tmp_path), **settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stderr is not None
        told = ""
        for line in process.stderr:
            told += line
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                return found.group()
        raise AssertionError(told)

    yield start
    for process in started:
        process.terminate()
        process.communicate()


def test_health_is_ok_once_everything_is_there_and_greets(serve) -> None:
    """200 with `ok`; a name is greeted as it is; one that is too long is refused."""
    with httpx.Client(base_url=serve(**GIVEN)) as client:
        health = client.get("/health")
        assert (health.status_code, health.json()) == (200, {"status": "ok"})
        assert client.get("/").json() == {"message": "Hello, world!"}
        assert client.get("/", params={"name": "<b>Ada</b>"}).json() == {"message": "Hello, <b>Ada</b>!"}
        assert client.get("/", params={"name": "x" * 101}).status_code == 400
        assert client.get("/nowhere").status_code == 404


def test_health_names_what_is_missing_and_tells_no_value(serve) -> None:
    """503, so that the load balancer sends nobody there."""
    answer = httpx.get(serve(**{**GIVEN, "DATABASE_USER": "", "SECRET_KEY": ""}) + "/health")
    assert answer.status_code == 503
    assert answer.json() == {"status": "incomplete", "missing": ["DATABASE_USER", "SECRET_KEY"]}
    assert "hunter" not in answer.text


def test_the_image_listens_where_the_target_group_asks() -> None:
    """Dockerfile, application and program say the same port and path."""
    dockerfile = (API / "app" / "Dockerfile").read_text()
    assert "EXPOSE 5000" in dockerfile
    assert "0.0.0.0:5000" in dockerfile
    assert "/health" in dockerfile
    assert "USER nobody" in dockerfile
    assert re.search(r"^PORT = 5000", (API / "api.py").read_text(), re.MULTILINE)
    assert re.search(r"^PORT = 5000", (API / "app" / "app.py").read_text(), re.MULTILINE)


def push(**environment: str) -> subprocess.CompletedProcess[str]:
    """push.py with these settings."""
    keys = {"AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    return subprocess.run(
        [sys.executable, str(API / "push.py")],
        env={
            **keys,
            "OUTPUT_IMAGE_TAG": "7",
            "OUTPUT_REPOSITORY_NAME": "api",
            "OUTPUT_REPOSITORY_URL": URL,
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_an_emulator_gets_a_stand_in_under_the_tag(emulator: Emulator, account: str) -> None:
    """And it is said that no image was pushed."""
    keys = {"aws_access_key_id": account, "aws_secret_access_key": "x", "region_name": "eu-west-3"}
    ecr = boto3.client("ecr", endpoint_url=emulator.url, **keys)
    ecr.create_repository(repositoryName="api")
    done = push(PATH=os.defpath, AWS_ENDPOINT_URL=emulator.url, AWS_ACCESS_KEY_ID=account)
    assert done.returncode == 0, done.stderr
    assert "no registry to push an image to" in done.stdout
    [image] = ecr.describe_images(repositoryName="api")["imageDetails"]
    assert image["imageTags"] == ["7"]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch) -> Path:
    """A shell script answers for docker, a stand-in for ECR, in the region of the registry; what they were told."""
    script = tmp_path / "docker"
    script.write_text(
        f'#!/bin/sh\necho "docker $*" >> {tmp_path}/calls\necho "$1 $DOCKER_CONFIG $DOCKER_HOST" >> {tmp_path}/where\n'
        f'[ "$1" = push ] && cp "$DOCKER_CONFIG/config.json" {tmp_path}\n'
        '[ "$1" = context ] && echo unix:///the.socket\n[ "$1 $2" != "$FAILS" ]\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)

    class Ecr:
        def get_authorization_token(self):
            return {"authorizationData": [{"authorizationToken": TOKEN}]}

    def client(service: str, *, region_name: str) -> Ecr:
        (tmp_path / "region").write_text(region_name)
        return Ecr()

    monkeypatch.setattr(boto3, "client", client)
    for name, value in {
        "PATH": f"{tmp_path}:{os.defpath}",
        "OUTPUT_IMAGE_TAG": "7",
        "OUTPUT_REPOSITORY_NAME": "api",
        "OUTPUT_REPOSITORY_URL": URL,
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "DOCKER_CONFIG", "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_on_aws_docker_builds_and_pushes(docker: Path, capfd) -> None:
    """With ECR's token as its login, never in its arguments; in the region that only the registry's name tells."""
    runpy.run_path(str(API / "push.py"), run_name="__main__")
    calls = (docker / "calls").read_text().splitlines()
    assert [one for one in calls if not one.startswith("docker context")] == [
        f"docker build --platform linux/amd64 --tag {URL}:7 {API / 'app'}",
        f"docker push {URL}:7",
        f"docker image rm {URL}:7",
    ]
    login = {"auths": {URL.partition("/")[0]: {"auth": TOKEN}}}
    assert json.loads((docker / "config.json").read_text()) == login
    assert (docker / "region").read_text() == "eu-west-3"
    assert "is pushed" in capfd.readouterr().out


@pytest.mark.parametrize("fails", ["", "push {}:7"])
def test_neither_login_nor_image_stays_on_the_machine(docker: Path, monkeypatch, fails: str) -> None:
    """The push has a folder of its own, which goes, and the daemon that docker uses otherwise."""
    monkeypatch.setenv("FAILS", fails.format(URL))
    with pytest.raises(subprocess.CalledProcessError) if fails else nullcontext():
        runpy.run_path(str(API / "push.py"), run_name="__main__")
    lines = [line.split() for line in (docker / "where").read_text().splitlines()]
    where = {call: place for call, *place in lines}
    assert where["build"] == []
    folder, host = where["push"]
    assert host == "unix:///the.socket"
    assert not Path(folder).exists()
    assert (docker / "calls").read_text().splitlines()[-1] == f"docker image rm {URL}:7"


def test_without_docker_it_says_what_is_needed(tmp_path: Path) -> None:
    """No traceback."""
    done = push(PATH=str(tmp_path), OUTPUT_REPOSITORY_URL="r.example/api")
    assert done.returncode == 1
    assert done.stderr.startswith("docker is needed to build and push app/")
    assert json.dumps(done.stdout) == '""'
