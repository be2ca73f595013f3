"""The application of `flask_api` itself, started as a process and asked over HTTP; and its push to an emulator."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import gunicorn
import httpx
import pytest
from mocked_programs import assert_covered

from harness.world.emulator import Emulator
from harness.world.emulator_env import emulator_python
from harness.world.home import Home

API = Path(__file__).resolve().parents[2] / "programs" / "flask_api"
COMMAND = json.loads(re.findall(r"^CMD (.*)$", (API / "app" / "Dockerfile").read_text(), re.MULTILINE)[-1])
PORT = "0.0.0.0:5000"  # of all the machine's addresses; a free one of loopback's here
GIVEN = {
    "DATABASE_HOST": "db.example",
    "DATABASE_NAME": "flask_api",
    "DATABASE_USER": "me",
    "DATABASE_PASSWORD": "hunter2",
    "SECRET_KEY": "hunter3",
}


# Follows the application's lines while it starts, and while its two ways are asked with and without its settings.
FOLLOWED = """
import json, runpy, sys
import flask

file, given, seen = sys.argv[1], json.loads(sys.argv[2]), set()

def follow(frame, event, argument):
    if frame.f_code.co_filename != file:
        return None
    seen.add(frame.f_lineno)
    return follow

flask.Flask.run = lambda app, host, port: None
sys.settrace(follow)
made = runpy.run_path(file, run_name="__main__")
for settings in ({}, given):
    client = made["create_app"](settings).test_client()
    for way in ("/health", "/", "/?name=" + "x" * 101):
        client.get(way)
sys.settrace(None)
print(json.dumps(sorted(seen)))
"""


@pytest.fixture(params=[["-m", *COMMAND], ["app.py"]], ids=["image", "by hand"])
def serve(request, installed: Home, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts the application with these settings only; its URL.

    Flask comes with the emulator, whose interpreter runs it; gunicorn, which is pure Python, from ours.
    """
    (tmp_path / "gunicorn").symlink_to(Path(gunicorn.__file__).parent)
    settled = {"PATH": os.defpath, "PORT": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tmp_path)}
    started: list[subprocess.Popen[str]] = []

    def start(**settings: str) -> str:
        process = subprocess.Popen(
            [
                str(emulator_python(installed, lambda _text: None)),
                *(one.replace(PORT, "127.0.0.1:0") for one in request.param),
            ],
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


def test_the_code_of_the_application_is_covered(installed: Home) -> None:
    """Like that of every other file of the programs; with the Flask that the emulator brings."""
    python, file = emulator_python(installed, lambda _text: None), API / "app" / "app.py"
    told = subprocess.run(
        [str(python), "-B", "-c", FOLLOWED, str(file), json.dumps(GIVEN)], capture_output=True, text=True, check=True
    )
    assert assert_covered(file, set(json.loads(told.stdout))) > 20


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
        env={**keys, "OUTPUT_IMAGE_TAG": "7", "OUTPUT_REPOSITORY_NAME": "api", **environment},
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
    url = f"{account}.dkr.ecr.eu-west-3.amazonaws.com/api"  # whose region counts, not the environment's
    done = push(PATH=os.defpath, AWS_ENDPOINT_URL=emulator.url, AWS_ACCESS_KEY_ID=account, OUTPUT_REPOSITORY_URL=url)
    assert done.returncode == 0, done.stderr
    assert "no registry to push an image to" in done.stdout
    [image] = ecr.describe_images(repositoryName="api")["imageDetails"]
    assert image["imageTags"] == ["7"]
