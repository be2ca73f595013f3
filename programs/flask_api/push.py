"""The stack's repository and tag in; the application image in that repository out. Run between the two stages of `up`.

On AWS the image is built and pushed by docker. An emulator keeps what repositories hold but has no registry to push to:
there a manifest without layers stands for the image, under the same tag. That is said, and no container comes of it.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import boto3

APP = Path(__file__).parent / "app"
PLATFORM = "linux/amd64"  # of the task definition


def main() -> None:
    """Read what `up` has told, and push."""
    repository, tag = os.environ["OUTPUT_REPOSITORY_NAME"], os.environ["OUTPUT_IMAGE_TAG"]
    if os.environ.get("AWS_ENDPOINT_URL"):
        stand_in(repository, tag)
    else:
        build_and_push(os.environ["OUTPUT_REPOSITORY_URL"], tag)


def stand_in(repository: str, tag: str) -> None:
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
    boto3.client("ecr").put_image(
        repositoryName=repository, imageManifest=json.dumps(manifest), imageManifestMediaType=media, imageTag=tag
    )
    print(f"{repository}:{tag} is a manifest without layers: an emulator has no registry to push an image to")


def build_and_push(url: str, tag: str) -> None:
    """Build app/ with docker and push it, logged in by a token of ECR's that lives for twelve hours."""
    docker = shutil.which("docker")
    if docker is None:
        sys.exit("docker is needed to build and push app/: install it, or push the image by another machine")
    image, registry = f"{url}:{tag}", url.partition("/")[0]
    [data] = boto3.client("ecr").get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    subprocess.run(
        [docker, "login", "--username", user, "--password-stdin", registry], input=password, text=True, check=True
    )
    subprocess.run([docker, "build", "--platform", PLATFORM, "--tag", image, str(APP)], check=True)
    subprocess.run([docker, "push", image], check=True)
    print(f"{image} is pushed")


if __name__ == "__main__":
    main()
