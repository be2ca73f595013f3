"""Settings in; all that a run stands on out: home, engine, hosts, target, database. Ended when the block ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.model import Plan, ProviderName
from harness.world.early import EarlyHosts, early_hosts
from harness.world.emulator import Emulator, start_emulator
from harness.world.emulator_env import emulator_python
from harness.world.engine import Engine, ensure_engine
from harness.world.guards import check_aws
from harness.world.home import FREE_AT_LEAST, Home, database_place, open_home
from harness.world.hosts import install_hosts
from harness.world.target import Target, check_target
from harness.world.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from harness.world.database import Database
    from harness.world.history import History
    from harness.world.leases import Leases


@dataclass
class World:
    """What a run stands on. `url` is where the target answers; None is AWS itself."""

    home: Home
    engine: Engine
    hosts: Path
    target: Target
    url: str | None
    emulator: Emulator | None
    early: EarlyHosts
    resources: ExitStack
    database_place: Path | str
    account: str | None = None  # on AWS: that of the credentials

    def complete(self) -> None:
        """Wait for what takes a while: the emulator's answer and the database. Raises WorldError; nothing was made."""
        _ = self.database
        if self.emulator is not None:
            self.emulator.wait_ready()

    @cached_property
    def database(self) -> Database:
        """The harness's database. Raises HomeError."""
        from harness.world.database import open_database  # 0.3 s of imports, which others need not wait for

        database = open_database(self.database_place)
        self.resources.callback(database.close)
        return database

    @cached_property
    def leases(self) -> Leases:
        """What is open. Raises HomeError."""
        from harness.world.leases import Leases

        return Leases(self.database)

    @cached_property
    def history(self) -> History:
        """What was. Raises HomeError."""
        from harness.world.history import History

        return History(self.database)

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
    plan: Plan | None = None,
    regions: Iterable[str] = (),
) -> Iterator[World]:
    """Open everything, cheapest refusal first. Raises WorldError and its kind; nothing was made then.

    `free_at_least` bytes must be free under the home; a destroy asks for none. With a `plan`, the language hosts of its
    first cells start meanwhile. `regions` are told beside the account; by default they are the plan's.
    """
    home = open_home(environ, free_at_least=free_at_least)
    place = database_place(home, environ)
    account = None
    if target.kind == "url":
        check_target(target)
    if target.kind == "aws":
        named = regions or ([cell.region for cell in plan.cells] if plan else ())
        account = check_aws(environ, provider, tell, named)
    with ExitStack() as resources:
        early = resources.enter_context(early_hosts())
        if plan is not None:
            early.begin(plan, home.run(run))
        engine = ensure_engine(home.root, tell)
        url, emulator = target.url, None
        if target.kind == "emulator" and target.url is None:
            directory = home.run(run)
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            emulator_python(home, tell, environ=environ)  # may take a minute, and may be interrupted
            with uninterrupted():
                emulator = start_emulator(home, directory / "emulator.log", tell, environ=environ, wait=False)
                resources.enter_context(emulator)
            url = emulator.url
        hosts = install_hosts(home.root, engine)
        yield World(home, engine, hosts, target, url, emulator, early, resources, place, account)
