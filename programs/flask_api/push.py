"""The stack's repository and tag in; the application image in that repository out. Run between the two stages of `up`.

On AWS the image is built by docker, started and asked whether it is healthy, and only then pushed; neither container,
image nor login stays on this machine. An emulator keeps what repositories hold but has no registry to push to: there a
manifest without layers stands for the image, under the same tag. That is said, and no container comes of it.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3

APP = Path(__file__).parent / "app"
PLATFORM = "linux/amd64"  # of the task definition
PORT, HEALTH = 5000, "/health"  # where the load balancer asks
SETTINGS = ("DATABASE_HOST", "DATABASE_NAME", "DATABASE_USER", "DATABASE_PASSWORD", "SECRET_KEY")

# Runs in the container, so that it works with a daemon on another machine too. It asks at the container's own address:
# what listens on loopback only would be out of the load balancer's reach.
ASK = """
import http.client, socket, sys, time
for _ in range(300):
    try:
        web = http.client.HTTPConnection(socket.gethostbyname(socket.gethostname()), int(sys.argv[1]), timeout=5)
        web.request("GET", sys.argv[2])
        answer = web.getresponse()
        print(answer.status, answer.read(1000).decode("utf-8", "replace"))
        break
    except (OSError, http.client.HTTPException):
        time.sleep(0.2)
"""


def main() -> None:
    """Read what `up` has told, and push."""
    url, tag = os.environ["OUTPUT_REPOSITORY_URL"], os.environ["OUTPUT_IMAGE_TAG"]
    if os.environ.get("AWS_ENDPOINT_URL"):
        stand_in(url, os.environ["OUTPUT_REPOSITORY_NAME"], tag)
    else:
        build_and_push(url, tag)


def registry_of(url: str) -> Any:
    """ECR where the repository is: Pulumi's `aws:region` is no setting of boto3's, but the registry's name has it."""
    found = re.match(r"\d+\.dkr\.ecr\.([a-z0-9-]+)\.", url)
    return boto3.client("ecr", region_name=found[1] if found else None)


def stand_in(url: str, repository: str, tag: str) -> None:
    """Put a manifest without layers, whose configuration is a digest of the application's files."""
    files = sorted(path for path in APP.iterdir() if path.is_file())
    source = b"".join(path.name.encode() + path.read_bytes() for path in files)
    media = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": media,
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": len(source),
            "digest": f"sha256:{hashlib.sha256(source).hexdigest()}",
        },
        "layers": [],
    }
    registry_of(url).put_image(
        repositoryName=repository, imageManifest=json.dumps(manifest), imageManifestMediaType=media, imageTag=tag
    )
    why = "an emulator has no registry to push an image to, so app/ is not built or tried"
    print(f"{repository}:{tag} is a manifest without layers: {why}")


def build_and_push(url: str, tag: str) -> None:
    """Build app/ with docker, try it and push it, with a login and an image that do not stay."""
    docker = shutil.which("docker")
    if docker is None:
        sys.exit("docker is needed to build and push app/: install it, or push the image by another machine")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # else nothing below would be taken away
    image = f"{url}:{tag}"
    try:
        subprocess.run([docker, "build", "--platform", PLATFORM, "--tag", image, str(APP)], check=True)
        try_out(docker, image)
        with TemporaryDirectory() as folder:  # 0700
            subprocess.run([docker, "push", image], check=True, env=logged_in(docker, url, Path(folder)))
    finally:
        subprocess.run([docker, "image", "rm", image], stdout=subprocess.DEVNULL, check=False)
    print(f"{image} is pushed")


def try_out(docker: str, image: str) -> None:
    """Start the image with stand-ins for its settings, ask whether it is healthy, and take the container away."""
    name = f"tried-{uuid.uuid4().hex}"
    given = [part for setting in SETTINGS for part in ("--env", f"{setting}=tried")]
    start = [docker, "run", "--detach", "--pull", "never", "--platform", PLATFORM, "--name", name, *given, image]
    ask = [docker, "exec", name, "python", "-c", ASK, str(PORT), HEALTH]
    try:
        subprocess.run(start, stdout=subprocess.DEVNULL, check=True)  # it would tell the container's id
        told = subprocess.run(ask, stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
        if not healthy(told):
            subprocess.run([docker, "logs", name], check=False)
            sys.exit(f"{image} is not pushed: started here, its {HEALTH} answers {told or 'nothing'}")
    finally:
        subprocess.run([docker, "rm", "--force", "--volumes", name], stdout=subprocess.DEVNULL, check=False)
    print(f"{image} was started here: its {HEALTH} answers {told}", flush=True)


def healthy(told: str) -> bool:
    """Whether that is 200 with the body that says ok."""
    status, _, body = told.partition(" ")
    try:
        return status == "200" and json.loads(body) == {"status": "ok"}
    except ValueError:
        return False


def logged_in(docker: str, url: str, folder: Path) -> dict[str, str]:
    """Environment in which docker has a login in `folder`, and speaks to the daemon that its own settings name.

    `docker login` would leave its token, good for twelve hours, in the user's settings or keychain.
    """
    [data] = registry_of(url).get_authorization_token()["authorizationData"]
    auths = {url.partition("/")[0]: {"auth": data["authorizationToken"]}}
    (folder / "config.json").write_text(json.dumps({"auths": auths}), encoding="utf-8")
    asked = [docker, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    said = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    host = said.stdout.strip() if said.returncode == 0 else ""
    return {**os.environ, "DOCKER_CONFIG": str(folder), **({"DOCKER_HOST": host} if host else {})}


if __name__ == "__main__":
    main()
