"""A plain project in; previews of it with policy packs, and what they come to, out. Shared by the policy tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.model import Program
from harness.policy.outcomes import PolicyEvents
from harness.policy.packs import DeclaredPack
from harness.policy.settings import PolicySettings, policy_arguments, read_policy
from harness.providers.ambient import Ambient
from harness.world.provider import ProviderProcess

SUFFIX = "pr-7"
NOWHERE = "http://127.0.0.1:9"  # a preview of resources asks the target nothing
# What the harness lays on everything must satisfy no rule.
AMBIENT = {"harness:run": "r-1", "Environment": "a", "Project": "b", "CostCenter": "c"}


@dataclass
class Seen:
    """A preview as it ended."""

    code: int
    text: str
    events: PolicyEvents

    @property
    def status(self) -> dict[str, str]:
        """How each rule ended."""
        return {one.rule: one.status.value for one in self.events.outcomes}


@dataclass
class Previewer:
    """Previews of a plain project, the way the harness runs them."""

    project: Any

    def __call__(
        self, settings: PolicySettings, packs: tuple[Path, ...] = (), declared: tuple[DeclaredPack, ...] = ()
    ) -> Seen:
        """One preview, with our pack and these."""
        return self.read(policy_arguments(settings, packs, self.project.folder.parent), settings, declared)

    def read(
        self, arguments: list[str], settings: PolicySettings | None, declared: tuple[DeclaredPack, ...] = ()
    ) -> Seen:
        """One preview with these arguments."""
        log = self.project.folder.parent / "events.json"
        log.unlink(missing_ok=True)
        code, text = self.project.call("preview", "--event-log", str(log), *arguments)
        events = PolicyEvents(settings, declared)
        for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
            events.take(json.loads(line))
        return Seen(code, text, events)


@contextmanager
def previews(project: Any, url: str, account: str) -> Iterator[Previewer]:
    """Previews of this project with the bundled provider."""
    folder = project.folder.parent / "provider"
    folder.mkdir()
    ambient = Ambient(endpoint=url, region="eu-central-1", access_key=account, secret_key="x", tags=AMBIENT)
    project.environ["ENVIRONMENT_SUFFIX"] = SUFFIX
    with ProviderProcess.start(ambient, folder) as provider:
        provider.plugin_home(Path(project.environ["PULUMI_HOME"]))
        yield Previewer(project)


def settings(directory: Path, **rules: Any) -> PolicySettings:
    """Settings of a program with a harness.toml that says this of rules; `_` stands for `-`."""
    table = {"rules": {name.replace("_", "-"): value for name, value in rules.items()}}
    file = directory / "harness.toml"
    return read_policy(Program(name="x", directory=directory, main=directory, policy=table, settings_file=file))
