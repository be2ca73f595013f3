"""push.py of `flask_api` with docker and without: a script answers for docker, a stand-in for ECR."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import subprocess
from contextlib import nullcontext
from pathlib import Path

import boto3
import pytest
from mocked_programs import PROGRAMS

API = PROGRAMS / "flask_api"
URL = "111122223333.dkr.ecr.eu-west-3.amazonaws.com/api"
TOKEN = "QVdTOmh1bnRlcjI="  # AWS:hunter2


@pytest.fixture
def docker(tmp_path: Path, monkeypatch) -> Path:
    """A shell script answers for docker, a stand-in for ECR, in the region of the registry; what they were told."""
    script = tmp_path / "docker"
    script.write_text(
        f'#!/bin/sh\necho "docker $*" >> {tmp_path}/calls\necho "$1 $DOCKER_CONFIG $DOCKER_HOST" >> {tmp_path}/where\n'
        f'[ "$1" = push ] && cp "$DOCKER_CONFIG/config.json" {tmp_path}\n'
        '[ "$1" = context ] && echo unix:///the.socket\n[ "$1 $2" != "$FAILS" ]\n'
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
    assert "no registry to push an image to" in capfd.readouterr().out
