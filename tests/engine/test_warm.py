"""A program that is forked from a warm Python sees what it sees in a Python of its own, and ends in the same ways."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from cut import cut

from harness.plan.discovery import load_program
from harness.world.language import Language
from harness.world.remnants import end_remnants

# What a program can see of its process. `engine` says whether it was forked.
LOOK = """
import gc, json, locale, logging, os, pathlib, random, resource, signal, stat, sys, tempfile, threading, uuid, warnings
import pulumi
import pulumi_aws as aws
import pulumi_random

def number(fd):
    mode = os.fstat(fd).st_mode
    return "fifo" if stat.S_ISFIFO(mode) else "socket" if stat.S_ISSOCK(mode) else os.readlink(f"/proc/self/fd/{fd}")

def signals():
    return {
        one.name: str(signal.getsignal(one)) if callable(signal.getsignal(one)) else int(signal.getsignal(one) or 0)
        for one in signal.valid_signals() if isinstance(one, signal.Signals)
    }

def status(*names):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return [line for line in lines if line.split(":")[0] in names]

aws.s3.Bucket
pulumi.log.info("to the engine")  # from cold the SDK's debug messages have opened that connection already
seen = {
    "environ": dict(os.environ),
    "path": sys.path,
    "argv": sys.argv,
    "main": [__name__, __file__, vars(sys.modules["__main__"]) is globals()],
    "cwd": os.getcwd(),
    "umask": oct(os.umask(os.umask(0o22))),
    "signals": signals(),
    "masks": status("SigBlk", "SigIgn", "SigCgt", "Threads", "CapEff", "NoNewPrivs"),
    "wakeup": signal.set_wakeup_fd(-1),
    "stdin": sys.stdin.read(),
    "encodings": [
        (one.encoding, one.errors, one.line_buffering, one.write_through, one.fileno())
        for one in (sys.stdin, sys.stdout, sys.stderr)
    ],
    "locale": [locale.getpreferredencoding(), locale.setlocale(locale.LC_ALL), sys.getfilesystemencoding()],
    "warnings": [[str(part) for part in one] for one in warnings.filters],
    "flags": str(sys.flags),
    "recursion": sys.getrecursionlimit(),
    "logging": [str(logging.root.handlers), logging.root.level, logging.getLogger("asyncio").level],
    "threads": [thread.name for thread in threading.enumerate()],
    "hooks": [str(sys.excepthook), str(sys.displayhook), str(threading.excepthook), str(sys.gettrace())],
    "gc": [gc.isenabled(), gc.get_threshold()],
    "limits": [resource.getrlimit(number) for number in range(16)],
    "prefix": [sys.prefix, sys.executable, sys.dont_write_bytecode, tempfile.gettempdir()],
    "descriptors": sorted(
        number(int(fd)) for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")
    ),
    "group": os.getpgrp() == os.getpid(),
    "terminal": os.access("/dev/tty", os.R_OK) and pathlib.Path("/proc/self/stat").read_text().split()[6],
    "ours": sorted(name for name in sys.modules if "runner" in name or "ahead" in name or name.startswith("harness")),
}
chance = [random.random(), str(uuid.uuid4()), str(uuid.uuid1()), tempfile.mktemp(), hash("x")]
"""
TOLD = """
pathlib.Path({path!r}).write_text(json.dumps([seen, chance, os.getppid()]))
"""


@dataclass
class Warm:
    """A project, and the host that has its SDK imported ahead."""

    project: object
    language: Language | None = None

    def start(self, *, fresh: bool = False, environ: dict[str, str] | None = None) -> Language:
        """Start the host, as a cell's process does."""
        directory = self.project.folder.parent / "cell"
        directory.mkdir(exist_ok=True)
        self.language = Language.start(load_program(self.project.folder), directory, fresh_after_up=fresh)
        self.language.live({**self.project.environ, "HARNESS_CELL": str(directory), **(environ or {})})
        return self.language

    @property
    def log(self) -> str:
        """What it and its programs printed."""
        return (self.project.folder.parent / "cell" / "cell.log").read_text(encoding="utf-8")

    @contextlib.contextmanager
    def attached(self, place: int = 0) -> Iterator[None]:
        """Engines that are started inside attach to it."""
        before = dict(self.project.environ)
        self.project.environ.update(self.language.attachment(place))
        try:
            yield
        finally:
            self.project.environ.clear()
            self.project.environ.update(before)

    @property
    def processes(self) -> list[psutil.Process]:
        """The host, its warm Pythons and their forks."""
        return carriers(str(self.project.folder.parent / "cell"))


def runners(warm: Warm) -> list[psutil.Process]:
    """The warm Pythons and their forks; what ends while we look is none."""
    found = []
    for process in warm.processes:
        with contextlib.suppress(psutil.Error):
            if "warm_runner" in " ".join(process.cmdline()):
                found.append(process)
    return found


def carriers(mark: str) -> list[psutil.Process]:
    """Living processes of a cell."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("HARNESS_CELL") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.fixture
def warm(plain_project) -> Iterator[Warm]:
    """Not yet started."""
    made = Warm(plain_project)
    yield made
    if made.language is not None:
        made.language.close()
    end_remnants(str(plain_project.folder.parent / "cell"))  # what a killed host lets go of is the cell's to end


def look(warm: Warm, path: Path, *args: str) -> list:
    """Run LOOK, and give what it told at `path`."""
    path.unlink(missing_ok=True)
    code, text = warm.project.call(*args)
    assert code == 0, text
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_fork_sees_what_a_program_from_cold_sees(warm, tmp_path, monkeypatch):
    """Environment, paths, streams, descriptors, signals, locale, limits; and chance is chance in every run."""
    told = tmp_path / "told"
    warm.project.write(LOOK + TOLD.format(path=str(told)), main="src")
    warm.project.environ.update(PYTHONDONTWRITEBYTECODE="1", HARNESS_CELL=str(tmp_path / "cell"), AWS_REGION="here")
    for name in ("LANG", "LC_ALL", "LC_CTYPE"):  # Python makes up for a missing locale while it starts
        monkeypatch.delenv(name, raising=False)
    cold = look(warm, told, "preview")
    warm.start(fresh=True)
    with warm.attached():
        preview = look(warm, told, "preview")
        up = look(warm, told, "up", "--yes", "--skip-preview")
        again = look(warm, told, "preview")
    for seen in (cold[0], preview[0], up[0], again[0]):
        seen["environ"].pop("PULUMI_LOG_OTLP_ENDPOINT", None)  # of the engine that started the host, if one did
    assert preview[0] == cold[0]
    assert up[0] == cold[0]
    assert again[0] == cold[0]
    parents = [run[2] for run in (cold, preview, up, again)]
    assert parents[1] == parents[2]  # forks of one
    assert len(set(parents)) == 3
    chances = list(zip(*(run[1][:-1] for run in (cold, preview, up, again)), strict=True))
    assert all(len(set(values)) == 4 for values in chances), chances
    hashes = [run[1][-1] for run in (preview, up, again)]
    assert hashes[0] == hashes[1] != hashes[2]  # the order of sets changes after `up`, as it would by tomorrow


ENDS = {
    "import os; os._exit(3)": "exited with code 3 before",
    "import sys; sys.exit('no such network')": "before it was done: no such network",
    "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)": "killed by signal 11 (SIGSEGV)",
    # gRPC's threads abort where their descriptors are gone, and may be faster.
    "import os; os.closerange(0, 256); os._exit(4)": "exited with code 4 before | killed by signal 6 (SIGABRT)",
    "import os; os.closerange(3, 256); raise ValueError('blind')": "exited with code 1 before",
    "raise ValueError('plain')": "ValueError: plain",
    "import os, signal, time\n"
    "for one in range(1, 60):\n    try: signal.signal(one, signal.SIG_IGN)\n    except OSError: ...\n"
    "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(600)\n    os._exit(0)\n": "",
}


@pytest.mark.campaign
def test_no_end_of_a_program_harms_the_next(warm):
    """Each is told as ever; forks go on, nothing runs on, no descriptor is left open, and words are logged once."""
    warm.start()
    with warm.attached():
        warm.project.write("print('begun')")
        assert warm.project.call("preview")[0] == 0
        before = {process.pid: process.num_fds() for process in warm.processes}
        for program, words in ENDS.items():
            warm.project.write(program)
            code, text = warm.project.call("preview")
            assert (code != 0) == bool(words), text
            assert any(one in text for one in words.split(" | ")), text
            assert "warm_runner" not in text
        assert warm.log.count("begun") == 1
        warm.project.write("import os, sys; os.write(1, (b'x' * 99 + b'\\n') * 30_000); sys.exit(5)")
        assert "exited with code 5" in warm.project.call("preview")[1]
    assert 1_000_000 <= warm.log.count("x") < 1_100_000  # its beginning and its end
    assert "a Python of its own" not in warm.log
    assert {process.pid: process.num_fds() for process in warm.processes} == before


def test_a_warm_python_that_is_gone_costs_time_only(warm):
    """Killed at rest: the next run starts from cold. Killed under a program: that is told, and the next one runs."""
    warm.project.write("import os, pulumi; print('parent', os.getppid())")
    warm.start()
    with warm.attached():
        assert warm.project.call("preview")[0] == 0
        [first] = [one for one in warm.processes if "warm_runner" in " ".join(one.cmdline())]
        assert f"parent {first.pid}" in warm.log
        first.suspend()
        first.kill()
        assert warm.project.call("preview")[0] == 0
    assert warm.log.count("parent ") == 2


def test_a_warm_python_killed_under_a_program_is_told(warm, eventually):
    """The program goes with it, and the host goes on."""
    warm.project.write("import time; time.sleep(600)")
    warm.start()
    with warm.attached():
        engine = warm.project.start("preview")
        eventually(lambda: len(runners(warm)) == 2)
        min(runners(warm), key=lambda one: one.pid).kill()
        text, _ = engine.communicate(timeout=30)
        assert "killed by signal 9" in text
        assert len(warm.processes) == 1
        warm.project.write("")
        assert warm.project.call("preview")[0] == 0


@pytest.mark.parametrize("name", cut(["json.py", "yaml/__init__.py", "pulumi_aws/__init__.py", "program_runner.py"], 1))
def test_a_module_beside_the_program_is_what_it_is_from_cold(warm, tmp_path, name):
    """Also where the installation has one of that name that is imported already. Nothing of the program's is ahead."""
    told, early = tmp_path / "told", tmp_path / "early"
    module = name.removesuffix(".py").removesuffix("/__init__")
    source = f"import pathlib, {module}; pathlib.Path({str(told)!r}).write_text(str({module}.__file__))\n"
    warm.project.write(source + "import pulumi_beside, pulumi_aws\n")
    (warm.project.folder / name).parent.mkdir(exist_ok=True)
    (warm.project.folder / name).write_text("")
    (warm.project.folder / "pulumi_beside.py").write_text(f"open({str(early)!r}, 'a').write('x')")
    assert warm.project.call("preview")[0] == 0
    cold = told.read_text()
    warm.start()
    with warm.attached():
        assert warm.project.call("preview")[0] == 0
    assert told.read_text() == cold
    assert early.read_text() == "xx"  # one for each run


SDKS = {
    "reads its configuration": "import pulumi\nREGION = pulumi.Config('old').get('region')",
    "starts a thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
    "is by hand": "",
}


@pytest.mark.parametrize("kind", SDKS)
def test_an_sdk_that_does_more_than_define_things_is_not_imported_ahead(warm, tmp_path, kind):
    """In the program's own virtual environment, whose interpreter it is that is warmed."""
    own, told = warm.project.folder / "own", tmp_path / "told"
    venv.create(own, with_pip=False, symlinks=True)
    packages = next(Path(path) for path in sys.path if (Path(path) / "pulumi").is_dir())
    library = next(own.glob("lib/python*/site-packages"))
    (library / "borrowed.pth").write_text(str(packages), encoding="utf-8")
    sdk = library / "pulumi_old"
    (sdk / "config").mkdir(parents=True)
    if kind != "is by hand":
        (sdk / "pulumi-plugin.json").write_text("{}")
    (sdk / "config" / "vars.py").write_text(SDKS[kind])
    (sdk / "config" / "__init__.py").write_text("from .vars import *")
    (sdk / "__init__.py").write_text("import os\nSEEN = os.environ.get('AWS_REGION')\nfrom . import config")
    warm.project.write(
        f"""
        import pathlib, sys, pulumi_old
        pathlib.Path({str(told)!r}).write_text(f"{{pulumi_old.SEEN}} {{sys.prefix}}")
        """,
        runtime={"name": "python", "options": {"virtualenv": "own"}},
    )
    warm.start(environ={"AWS_REGION": "of-the-run"})
    with warm.attached():
        code, text = warm.project.call("preview")
        assert code == 0, text
    assert told.read_text() == f"of-the-run {own}"
    assert ("own: importing" in warm.log) == (kind != "is by hand")


def test_two_engines_at_once_have_a_program_each(warm, tmp_path, eventually):
    """What is told goes to the engine that asked, and to stop one leaves the other's program alone."""
    flag = tmp_path / "flag"
    warm.project.write(
        f"""
        import pathlib, pulumi, time
        word = pulumi.Config().require("word")
        print("begun")
        while word == "first" or not pathlib.Path({str(flag)!r}).exists():
            time.sleep(0.05)
        raise RuntimeError(f"of the {{word}}")
        """
    )
    warm.start()
    engines = []
    for place, word in enumerate(("first", "second")):
        with warm.attached(place):
            engines.append(warm.project.start("preview", "--config", f"plain:word={word}"))
    eventually(lambda: warm.log.count("begun") == 2)
    assert len(warm.processes) == 4  # host, warm Python, and a program each
    engines[0].send_signal(signal.SIGINT)
    first, _ = engines[0].communicate(timeout=30)
    eventually(lambda: len(warm.processes) == 3, 5)
    flag.touch()
    second, _ = engines[1].communicate(timeout=30)
    assert "of the second" in second
    assert "of the" not in first


@pytest.mark.parametrize("way", ["closed", "killed", "before its environment"])
def test_nothing_is_left_of_a_host(warm, eventually, way):
    """Its owner closes it or dies, or it dies itself: programs and their daemons end with it."""
    warm.project.write("import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)")
    directory = warm.project.folder.parent / "cell"
    if way == "before its environment":
        directory.mkdir()
        language = Language.start(load_program(warm.project.folder), directory, fresh_after_up=True)
        eventually(lambda: len(warm.processes) == 2)
        language.close()
    else:
        warm.start()
        with warm.attached():
            engine = warm.project.start("preview")
        eventually(lambda: len(warm.processes) == 4)
        if way == "closed":
            began = time.monotonic()
            warm.language.close()
            assert time.monotonic() - began < 4
        else:
            min(warm.processes, key=lambda one: one.create_time()).kill()
        text, _ = engine.communicate(timeout=30)
        assert engine.returncode != 0, text
        assert warm.language.attachment() == {} if way == "killed" else True
    eventually(lambda: [one for one in warm.processes if one.name() != "sleep"] == [], 5)


def test_no_credential_reaches_the_warm_process(warm, monkeypatch):
    """It and what it is started by are clean of the caller's; programs get what the run gives them."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "real")
    warm.project.write("import os, subprocess; print('env', os.environ.get('AWS_SECRET_ACCESS_KEY'))")
    warm.start(environ={"AWS_SECRET_ACCESS_KEY": "given"})
    with warm.attached():
        assert warm.project.call("preview")[0] == 0
    assert "env given" in warm.log
    assert "given" not in str([one.environ() for one in warm.processes])
    assert "real" not in str([list(one.environ().values()) for one in warm.processes])
