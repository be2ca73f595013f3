"""Settings in; everything that a run stands on out: home, engine, hosts, target, leases. Ended when the block ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.model import ProviderName
from harness.world.emulator import Emulator, start_emulator
from harness.world.engine import Engine, ensure_engine
from harness.world.guards import check_aws
from harness.world.home import FREE_AT_LEAST, Home, open_home
from harness.world.hosts import install_hosts
from harness.world.leases import Leases, open_leases
from harness.world.target import Target, check_target


@dataclass(frozen=True)
class World:
    """What a run stands on. `url` is where the target answers; None is AWS itself."""

    home: Home
    engine: Engine
    hosts: Path
    target: Target
    leases: Leases
    url: str | None
    emulator: Emulator | None

    @property
    def keep_open(self) -> tuple[int, ...]:
        """File descriptors that cells inherit: as long as one of them lives, the emulator does."""
        return (self.emulator.lifeline,) if self.emulator else ()


@contextmanager
def open_world(
    target: Target,
    provider: ProviderName,
    run: str,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    *,
    free_at_least: int = FREE_AT_LEAST,
) -> Iterator[World]:
    """Open everything, cheapest refusal first. Raises WorldError and its kind; nothing was made then.

    `free_at_least` bytes must be free under the home; a destroy asks for none.
    """
    home = open_home(environ, free_at_least=free_at_least)
    if target.kind == "url":
        check_target(target)
    if target.kind == "aws":
        check_aws(environ, provider, tell)
    with ExitStack() as resources:
        leases = resources.enter_context(_leases(home))
        engine = ensure_engine(home.root, tell)
        url, emulator = target.url, None
        if target.kind == "emulator" and target.url is None:
            directory = home.run(run)
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            emulator = start_emulator(home, directory / "emulator.log", tell, environ=environ, wait=False)
            resources.enter_context(emulator)
            url = emulator.url
        hosts = install_hosts(home.root, engine)
        if emulator is not None:
            emulator.wait_ready()
        yield World(home, engine, hosts, target, leases, url, emulator)


@contextmanager
def _leases(home: Home) -> Iterator[Leases]:
    leases = open_leases(home.database)
    try:
        yield leases
    finally:
        leases.close()
