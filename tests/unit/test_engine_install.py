"""An engine comes from PATH, the cache, the release or its source, in that order, whole or not at all."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import os
import platform
import signal
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

from harness.errors import EngineError
from harness.world.engine import ENGINE_VERSION, ensure_engine, find_engine
from harness.world.engine.cache import Cache
from harness.world.engine.download import archive_name

NO_SERVER = "http://127.0.0.1:1"  # nobody listens on port 1: refused at once
ENGINE = f'#!/bin/sh\n[ "$1" = version ] && echo v{ENGINE_VERSION}\n'
GO = f"""#!/bin/sh
if [ "$1" = env ]; then echo go1.99.0; exit 0; fi
[ -f go.mod ] && [ -f go.sum ] && [ "$GOTOOLCHAIN" = local ] && [ "$CGO_ENABLED" = 0 ] || exit 7
while [ "$1" != -o ]; do shift; done
echo build >> "$BUILDS"
/bin/mkdir -p "${{2%/*}}"
printf '#!/bin/sh\\necho v{ENGINE_VERSION}\\n' > "$2"
/bin/chmod +x "$2"
"""


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture
def environ(tmp_path: Path, bin_folder: Path) -> dict[str, str]:
    """An environment with no engine and no Go."""
    return {"PATH": str(bin_folder), "HOME": str(tmp_path), "BUILDS": str(tmp_path / "builds")}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    return tmp_path / "home"


def executable(path: Path, text: str) -> Path:
    """Write a program."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def builds(environ: dict[str, str]) -> int:
    """How often Go was asked to build."""
    path = Path(environ["BUILDS"])
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def leftovers(home: Path) -> list[str]:
    """What an install left half-done."""
    return sorted(path.name for path in (home / "engine").glob(".partial*"))


@pytest.fixture
def releases(tmp_path: Path):
    """A vendor's site: `folder` to change what it serves, `url` for the installer."""
    folder = tmp_path / "site" / f"v{ENGINE_VERSION}"
    folder.mkdir(parents=True)
    with tarfile.open(folder / archive_name(), "w:gz") as tar:
        for name in ("pulumi", "pulumi-language-python"):
            entry = tarfile.TarInfo(f"pulumi/{name}")
            entry.size, entry.mode = len(ENGINE), 0o755
            tar.addfile(entry, io.BytesIO(ENGINE.encode()))
    digest = hashlib.sha256((folder / archive_name()).read_bytes()).hexdigest()
    checksums = folder / f"pulumi-{ENGINE_VERSION}-checksums.txt"
    checksums.write_text(f"{'0' * 64}  something-else.zip\n{digest}  {archive_name()}\n", encoding="ascii")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_args: object) -> None:
            """The test's output is not the place."""

    handler = functools.partial(Quiet, directory=str(tmp_path / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


def test_an_engine_on_path_is_used_when_it_is_new_enough(home, bin_folder, environ):
    """PATH comes first, and nothing is installed."""
    newer = executable(bin_folder / "pulumi", "#!/bin/sh\necho v3.999.1\n")
    engine = ensure_engine(home, pytest.fail, environ=environ, releases=NO_SERVER)
    assert (engine.path, engine.version, engine.origin) == (newer, "3.999.1", "path")


@pytest.mark.parametrize("says", ["v3.254.9", "v4.0.0", "v2.999.0", "nonsense"])
def test_an_engine_on_path_of_another_age_is_told_and_not_used(home, bin_folder, environ, says):
    """Too old, another major, or no engine at all: one line says so, and the next route is taken."""
    executable(bin_folder / "pulumi", f"#!/bin/sh\necho {says}\n")
    executable(bin_folder / "go", GO)
    told: list[str] = []
    assert ensure_engine(home, told.append, environ=environ, releases=NO_SERVER).origin == "build"
    assert "on PATH is not used" in told[0]
    assert says.removeprefix("v") in told[0]


def test_the_version_on_path_is_asked_again_when_the_file_changed(home, bin_folder, environ):
    """The kept answer belongs to one file."""
    executable(bin_folder / "pulumi", "#!/bin/sh\necho v3.999.1\n")
    assert find_engine(home, environ=environ).version == "3.999.1"
    executable(bin_folder / "pulumi", "#!/bin/sh\necho v3.1000.20\n")
    assert find_engine(home, environ=environ).version == "3.1000.20"


def test_the_release_is_installed_with_what_the_vendor_ships_beside_it(home, environ, releases):
    """The download is second to the cache, is found there the next time, and brings the official hosts."""
    url, _ = releases
    engine = ensure_engine(home, [].append, environ=environ, releases=url)
    assert engine.origin == "download"
    assert engine.path == home / "engine" / f"v{ENGINE_VERSION}" / "bin" / "pulumi"
    assert (engine.path.parent / "pulumi-language-python").exists()
    assert find_engine(home, environ=environ).origin == "cache"
    assert leftovers(home) == []


def test_a_release_that_is_not_what_was_published_is_not_installed(home, environ, releases):
    """The SHA-256 decides; both routes' failures are in the hint, and nothing is left."""
    url, folder = releases
    with (folder / archive_name()).open("ab") as archive:
        archive.write(b"x")
    environ["PATH"] = "/nowhere"
    environ["UV_OFFLINE"] = "1"
    told: list[str] = []
    with pytest.raises(EngineError) as caught:
        ensure_engine(home, told.append, environ=environ, releases=url)
    assert "SHA-256" in caught.value.hint
    assert "build: " in caught.value.hint
    assert any("cannot be downloaded" in line for line in told)
    assert any("cannot be built" in line for line in told)
    assert find_engine(home, environ=environ) is None
    assert leftovers(home) == []


def test_a_machine_without_a_release_says_so(monkeypatch):
    """An architecture that the vendor does not serve is a plain sentence, not a 404."""
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    with pytest.raises(Exception, match=r"no release for .* on pdp11"):
        archive_name()


def test_it_is_built_from_source_when_the_release_cannot_be_reached(home, bin_folder, environ):
    """The build is last, says how long it takes, and fills the cache."""
    executable(bin_folder / "go", GO)
    told: list[str] = []
    assert ensure_engine(home, told.append, environ=environ, releases=NO_SERVER).origin == "build"
    assert any("about 8 minutes" in line for line in told)
    assert ensure_engine(home, pytest.fail, environ=environ, releases=NO_SERVER).origin == "cache"
    assert builds(environ) == 1


def test_a_failed_build_leaves_nothing_and_shows_gos_last_line(home, bin_folder, environ):
    """What Go said is in the hint; the cache stays empty."""
    executable(
        bin_folder / "go",
        '#!/bin/sh\n[ "$1" = env ] && { echo go1.99; exit; }\necho verifying module: checksum mismatch; exit 1',
    )
    with pytest.raises(EngineError) as caught:
        ensure_engine(home, [].append, environ=environ, releases=NO_SERVER)
    assert "checksum mismatch" in caught.value.hint
    assert not Cache(home).entry.exists()
    assert leftovers(home) == []


def test_what_is_built_must_say_the_pinned_version(home, bin_folder, environ):
    """An engine that calls itself something else is not installed."""
    executable(bin_folder / "go", GO.replace(f"echo v{ENGINE_VERSION}\\n", "echo v3.1.2\\n"))
    with pytest.raises(EngineError, match="could be found or installed") as caught:
        ensure_engine(home, [].append, environ=environ, releases=NO_SERVER)
    assert "v3.1.2" in caught.value.hint
    assert not Cache(home).entry.exists()


@pytest.mark.parametrize("harm", ["append", "rewrite", "remove", "unrecord"])
def test_a_corrupted_cache_entry_is_told_and_replaced(home, bin_folder, environ, harm):
    """Another size, another content of the same size, or a missing file: none of them is ever run."""
    executable(bin_folder / "go", GO)
    engine = ensure_engine(home, [].append, environ=environ, releases=NO_SERVER)
    whole = engine.path.read_bytes()
    if harm == "append":
        engine.path.write_bytes(whole + b"\n")
    elif harm == "rewrite":
        engine.path.write_bytes(whole.replace(b"echo", b"ecko"))
    elif harm == "remove":
        engine.path.unlink()
    else:
        (engine.path.parent.parent / "pulumi.json").write_text("{", encoding="utf-8")
    assert find_engine(home, environ=environ) is None
    told: list[str] = []
    assert ensure_engine(home, told.append, environ=environ, releases=NO_SERVER).origin == "build"
    assert "installed anew" in told[0]
    assert engine.path.read_bytes() == whole
    assert leftovers(home) == []


def test_a_touched_but_unchanged_engine_is_still_good(home, bin_folder, environ):
    """Copying a home changes times; the hash then decides."""
    executable(bin_folder / "go", GO)
    engine = ensure_engine(home, [].append, environ=environ, releases=NO_SERVER)
    os.utime(engine.path, (1, 1))
    assert find_engine(home, environ=environ).origin == "cache"


INSTALL = """
import json, sys
from pathlib import Path
from harness.world.engine import ensure_engine
def tell(line): print(line, flush=True)
engine = ensure_engine(Path(sys.argv[1]), tell, environ=json.loads(sys.argv[2]), releases=sys.argv[3])
print("origin", engine.origin, flush=True)
"""


def installer(home: Path, environ: dict[str, str]) -> subprocess.Popen[str]:
    """A harness that installs, in a process of its own."""
    import json

    return subprocess.Popen(
        [sys.executable, "-c", INSTALL, str(home), json.dumps(environ), NO_SERVER],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(process: subprocess.Popen[str], text: str) -> None:
    """Read its lines up to the one that says `text`."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"{text!r} was never said")


@pytest.fixture
def held_go(tmp_path: Path, bin_folder: Path) -> tuple[Path, Path]:
    """A `go` whose build says its process id through the first pipe and goes on when the second is opened."""
    started, gate = tmp_path / "started", tmp_path / "gate"
    os.mkfifo(started)
    os.mkfifo(gate)
    hold = f'echo $$ > "{started}"\nread -r _ < "{gate}"\n'
    executable(bin_folder / "go", GO.replace("while [", hold + "while [", 1))
    return started, gate


def test_two_at_once_build_once(home, environ, held_go):
    """The second says that it waits, and then finds the cache filled."""
    started, gate = held_go
    with installer(home, environ) as first:
        started.read_text(encoding="utf-8")
        with installer(home, environ) as second:
            until(second, "waiting for it")
            gate.write_text("go on\n", encoding="utf-8")
            until(first, "origin build")
            until(second, "origin cache")
    assert builds(environ) == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_build_ends_with_us_and_the_next_one_starts_clean(home, environ, held_go, how):
    """However the harness dies, Go dies too, nothing is half-installed, and the next install removes the rest."""
    started, gate = held_go
    with installer(home, environ) as process:
        go = int(started.read_text(encoding="utf-8"))
        process.send_signal(how)
        process.communicate(timeout=20)
    wait_gone(go)
    assert find_engine(home, environ=environ) is None
    with installer(home, environ) as again:
        started.read_text(encoding="utf-8")
        assert len(leftovers(home)) == 1  # its own
        gate.write_text("go on\n", encoding="utf-8")
        until(again, "origin build")
    assert leftovers(home) == []


def wait_gone(pid: int) -> None:
    """Return when the process is gone."""
    import psutil

    try:
        psutil.Process(pid).wait(timeout=20)
    except psutil.NoSuchProcess:
        return


def test_a_home_that_cannot_be_written_is_an_engine_error(tmp_path, environ):
    """A file where the folder must be: named, with a hint, and no traceback."""
    home = tmp_path / "home"
    home.write_text("in the way", encoding="utf-8")
    with pytest.raises(EngineError, match="cannot be installed"):
        ensure_engine(home, [].append, environ=environ, releases=NO_SERVER)
