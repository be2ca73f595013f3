"""A home in, an engine out: the routes in their order, each try and its failure told in one line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import EngineError
from harness.world.engine.build import build
from harness.world.engine.cache import Cache
from harness.world.engine.download import RELEASES, download
from harness.world.engine.model import ENGINE_VERSION, Engine, RouteError
from harness.world.engine.probe import engine_on_path, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def find_engine(
    home: Path, *, environ: Mapping[str, str] = os.environ, tell: Callable[[str], None] = lambda _line: None
) -> Engine | None:
    """Return an engine that is there already, on PATH or in the cache; None when neither has one that can be used.

    `tell` takes a line about each that is there and cannot be used.
    """
    return _present(home, environ, tell)


def ensure_engine(
    home: Path,
    tell: Callable[[str], None],
    *,
    environ: Mapping[str, str] = os.environ,
    releases: str = RELEASES,
) -> Engine:
    """Find an engine, or install one: from PATH, the cache, the official release, or its source.

    Args:
        home: the harness's home; all that is installed lies below `home/engine`.
        tell: takes one line for each try, each failure, and every 15 s of a long one.
        environ: the environment, of which PATH, HOME and proxy variables count.
        releases: the address of the vendor's releases.

    Raises:
        EngineError: every route failed; the hint lists them.
    """
    if engine := _present(home, environ, tell):
        return engine
    cache = Cache(home)
    try:
        with cache.lock(tell):
            # It may have been filled while we waited, so it is asked once more.
            if engine := _cached(cache, lambda _line: None):
                return engine
            return _install(cache, environ, releases, tell)
    except OSError as error:
        raise EngineError(
            f"the Pulumi engine cannot be installed in {cache.root}: {error.strerror or error}",
            hint="set HARNESS_HOME to a folder that can be written and has 2 GB free",
        ) from error


def _present(home: Path, environ: Mapping[str, str], tell: Callable[[str], None]) -> Engine | None:
    try:
        if found := engine_on_path(home, environ):
            return Engine(found[0], found[1], "path")
    except (RouteError, OSError) as error:
        tell(f"the Pulumi engine on PATH is not used: {error}")
    return _cached(Cache(home), tell)


def _cached(cache: Cache, tell: Callable[[str], None]) -> Engine | None:
    try:
        executable = cache.look()
    except RouteError as error:
        tell(f"{error}; it will be installed anew")
        return None
    return None if executable is None else Engine(executable, ENGINE_VERSION, "cache")


def _install(cache: Cache, environ: Mapping[str, str], releases: str, tell: Callable[[str], None]) -> Engine:
    failures: list[str] = []
    tell(f"downloading the Pulumi engine v{ENGINE_VERSION}")
    try:
        path = _prepared(cache, environ, lambda into: download(into, releases))
        return Engine(path, ENGINE_VERSION, "download")
    except RouteError as error:
        failures.append(f"download: {error}")
        tell(f"the Pulumi engine cannot be downloaded: {error}")
    try:
        path = _prepared(cache, environ, lambda into: build(into, cache.home, environ, tell))
        return Engine(path, ENGINE_VERSION, "build")
    except RouteError as error:
        failures.append(f"build: {error}")
        tell(f"the Pulumi engine cannot be built: {error}")
    raise EngineError(
        f"no Pulumi engine v{ENGINE_VERSION} could be found or installed",
        hint=(
            f"not on PATH, not in {cache.root}; {'; '.join(failures)}. Install Pulumi v{ENGINE_VERSION} or newer "
            "and put it on PATH, or let this machine reach the vendor's releases or a Go module proxy (GOPROXY)"
        ),
    )


def _prepared(cache: Cache, environ: Mapping[str, str], fill: Callable[[Path], None]) -> Path:
    """Fill a folder, prove that what it holds is the engine that we want, and install it."""
    with cache.partial() as partial:
        prepared = partial / "entry"
        prepared.mkdir()
        fill(prepared)
        version = version_of(prepared / "bin" / "pulumi", environ)
        if version != ENGINE_VERSION:
            raise RouteError(f"it says that it is v{version}, not v{ENGINE_VERSION}")
        return cache.install(prepared)
