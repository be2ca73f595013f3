"""An engine and an environment in; what each part of a cycle costs by itself, in seconds, out."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.providers.ambient import Ambient
from harness.world.provider import Asked, ProviderProcess

TIMES = 5
# What the program of the benchmark imports: the SDK, and the modules of its five kinds of resource.
IMPORTS = """
import pulumi
import pulumi_aws as aws
for name in ("sqs", "secretsmanager", "cloudwatch", "ssm", "s3"):
    getattr(getattr(aws, name), "__all__", ())  # they load when somebody looks into them
"""


@dataclass(frozen=True)
class Part:
    """One part, and how often a cycle pays for it, in words."""

    name: str
    seconds: float
    paid: str


def measure_parts(environment: Mapping[str, str], ambient: Ambient) -> list[Part]:
    """Each alone, on a machine that does nothing else: medians of TIMES. `environment` finds the engine on its PATH."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        pulumi = _project(folder, environment)
        start = _median(lambda: pulumi("version"))
        plain = _median(lambda: pulumi("config", "set", "--stack", "parts", "key", "value"))
        secret = _median(lambda: pulumi("config", "set", "--stack", "parts", "--secret", "key", "value"))
        imports = _median(lambda: _run([sys.executable, "-c", IMPORTS], folder, environment))
        plugin = _median(lambda: _provider(ambient, folder))
    return [
        Part("engine start", start, "harness: 2 calls, with checks 5; plain: 9 calls"),
        Part("project and state opened", plain - start, "the same"),
        Part("key derivation", secret - plain, "the same, but for some of the plain calls"),
        Part("program import", imports, "harness: once, beside all else, and once for the recheck; plain: in up"),
        Part(
            "provider start, to its first answer",
            plugin,
            "harness: once, beside the engine's start; plain: not on the clock",
        ),
    ]


def _project(folder: Path, environment: Mapping[str, str]) -> Callable[..., None]:
    (folder / "Pulumi.yaml").write_text("name: parts\nruntime: python\n", encoding="utf-8")
    (folder / "state").mkdir()
    own = {
        **environment,
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "benchmark",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def pulumi(*args: str) -> None:
        _run(["pulumi", *args, "--non-interactive"], folder, own)

    pulumi("stack", "init", "parts")
    return pulumi


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    subprocess.run(command, cwd=folder, env=dict(environment), check=True, capture_output=True)


def _provider(ambient: Ambient, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as own, ProviderProcess.start(ambient, Path(own)) as provider:
        provider.presence(ambient.region, [Asked("aws:sqs/queue:Queue", f"{ambient.endpoint}/none")])


def _median(work: Callable[[], None]) -> float:
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)
