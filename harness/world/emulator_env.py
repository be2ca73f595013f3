"""In: `emulator.lock`. Out: a Python environment below the home with exactly what it names, installed once.

The lock is `uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 -o
emulator.lock` of `ministack==1.5.33`, `cryptography`, `moto==5.2.5`, `flask` and `flask-cors`: of moto's extra `server`
only these, for the rest of it brings Docker's SDK, with which ministack starts containers.

The emulator pins botocore hard, so it never shares an environment with the harness or with a user's program.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.errors import EmulatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.world.home import Home

INSTALL_SECONDS: Final = 300.0
_POLL_SECONDS: Final = 0.2
_READY: Final = ".ready"
_TAIL_LINES: Final = 8
_HINT: Final = (
    "the emulator is installed from Python packages: check that this machine reaches a package index"
    " (UV_DEFAULT_INDEX or UV_FIND_LINKS name another source), or use --target URL with an emulator that already runs"
)


def emulator_python(
    home: Home,
    tell: Callable[[str], None],
    *,
    environ: Mapping[str, str] = os.environ,
    seconds: float = INSTALL_SECONDS,
) -> Path:
    """Return the interpreter of the emulator's environment, which is installed first when it is not there.

    Two processes at once install once; what an interrupted install left is removed by the next.

    Args:
        home: below whose `emulator` folder it lies, one folder per lock and Python version.
        tell: hears when an install starts, waits for another process's, and ends. Not called when all is there.
        environ: for the installer: proxies, index settings, cache.
        seconds: how long installing, and waiting for another process to install, may each take.

    Raises:
        EmulatorError: it could not be installed in time; nothing half-made is left.
    """
    lock = Path(str(files("harness.world").joinpath("emulator.lock")))
    folder = _folder(home, lock)
    python = folder / "bin" / "python"
    if _is_ready(folder, python):
        return python
    with _only_one(folder.with_suffix(".lock"), tell, seconds):
        if _is_ready(folder, python):  # the other process did it
            return python
        started = time.monotonic()
        tell("installing the emulator into an environment of its own (once)")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _install(folder, python, lock, environ, seconds)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        tell(f"emulator installed in {time.monotonic() - started:.0f} s")
    return python


def installed_environment(home: Home) -> Path | None:
    """The folder of the environment, when it is installed whole; nothing is installed by this call."""
    folder = _folder(home, Path(str(files("harness.world").joinpath("emulator.lock"))))
    return folder if _is_ready(folder, folder / "bin" / "python") else None


def _folder(home: Home, lock: Path) -> Path:
    return home.emulator / _key(lock.read_bytes())


def _key(lock: bytes) -> str:
    # Compiled wheels and bytecode are made for one interpreter version, so it is part of the name.
    parts = lock + sys.version.encode() + sys.base_prefix.encode()
    return hashlib.sha256(parts).hexdigest()[:16]


def _is_ready(folder: Path, python: Path) -> bool:
    # `exists` follows the link: an interpreter that was removed since makes the environment useless.
    return (folder / _READY).exists() and python.exists()


def _install(folder: Path, python: Path, lock: Path, environ: Mapping[str, str], seconds: float) -> None:
    import uv

    deadline = time.monotonic() + seconds
    # The harness's own environment must not be taken for the one to install into.
    env = {name: value for name, value in environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"}}
    installer = uv.find_uv_bin()
    steps = (
        [installer, "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)],
        # Bytecode is compiled now: the emulator's start would pay for it.
        [
            *(installer, "pip", "install", "--quiet", "--require-hashes", "--compile-bytecode"),
            *("--python", str(python), "-r", str(lock)),
        ],
    )
    for command in steps:
        _step(command, env, max(1.0, deadline - time.monotonic()))
    (folder / _READY).touch()


def _step(command: list[str], env: Mapping[str, str], seconds: float) -> None:
    try:
        done = subprocess.run(command, env=dict(env), capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise EmulatorError(f"installing the emulator took longer than {seconds:.0f} s", hint=_HINT) from error
    except OSError as error:
        raise EmulatorError(f"the installer could not be started: {error}", hint=_HINT) from error
    if done.returncode != 0:
        tail = "\n".join(done.stderr.strip().splitlines()[-_TAIL_LINES:])
        raise EmulatorError(f"the emulator could not be installed (exit {done.returncode}):\n{tail}", hint=_HINT)


@contextmanager
def _only_one(path: Path, tell: Callable[[str], None], seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    told = False
    with path.open("w") as handle:  # the kernel lets go of the lock when its holder dies
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    message = f"another process has been installing the emulator for {seconds:.0f} s"
                    raise EmulatorError(message, hint=f"end it, then run again; it holds {path}") from error
            if not told:
                tell("waiting for another process that is installing the emulator")
                told = True
            time.sleep(_POLL_SECONDS)
        yield
