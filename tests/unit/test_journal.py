"""Whatever dies, the journal tells what may exist at the target."""

import os
import resource
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.providers.journal import JournalError, JournalWriter, read_journal


def _intend(writer, name="n", id=None):  # noqa: A002 - Pulumi's word
    return writer.intent(urn=f"urn:{name}", type="aws:sqs/queue:Queue", name=name, region="eu-west-1", id=id)


@pytest.fixture
def path(tmp_path):
    """Where the journal is."""
    return tmp_path / "journal.jsonl"


@pytest.fixture
def writer(path):
    """A writer on it."""
    writer = JournalWriter(path)
    yield writer
    writer.close()


def test_an_intent_is_on_disk_before_anything_is_made(path, writer):
    """As soon as `intent` returns, another reader sees it, without an outcome."""
    _intend(writer, "a", "known-id")
    [intent] = read_journal(path).open_intents()
    assert (intent.urn, intent.name, intent.region, intent.id) == ("urn:a", "a", "eu-west-1", "known-id")


def test_outcomes_close_intents(path, writer):
    """Created, partial and refused are outcomes; only what was made is listed as made."""
    for name in ("created", "partial", "refused", "lost"):
        seq = _intend(writer, name)
        if name == "refused":
            writer.refused(seq)
        elif name != "lost":
            getattr(writer, name)(seq, f"id-{name}")
    journal = read_journal(path)
    assert [intent.name for intent in journal.open_intents()] == ["lost"]
    assert [(made.id, made.partial) for made in journal.created()] == [("id-created", False), ("id-partial", True)]


def test_what_was_deleted_stands_no_longer_until_it_is_made_again(path, writer):
    """A deletion counts for what was made before it, in the same region, and not for a later one of the same name."""
    writer.created(_intend(writer), "q")
    writer.deleted("aws:sqs/queue:Queue", "q", "us-east-1")
    assert len(read_journal(path).standing()) == 1
    writer.deleted("aws:sqs/queue:Queue", "q", "eu-west-1")
    assert read_journal(path).standing() == ()
    writer.created(_intend(writer), "q")
    assert len(read_journal(path).standing()) == 1
    assert len(read_journal(path).created()) == 2


def test_a_torn_last_line_is_left_out_and_told(path):
    """A process that died while writing, or half of a file: what was whole is read, a successor goes on counting."""
    first = JournalWriter(path)
    _intend(first, "a")
    first.close()
    with path.open("ab") as file:
        file.write(b'{"event":"intent","seq":2,"ur')
    before = read_journal(path)
    assert ([intent.seq for intent in before.intents], before.damaged) == ([1], 1)
    second = JournalWriter(path)
    assert _intend(second, "b") == 3
    second.close()
    after = read_journal(path)
    assert ([intent.name for intent in after.intents], after.damaged) == (["a", "b"], 1)


def test_a_torn_line_that_cannot_be_taken_back_spoils_no_other(path, writer, monkeypatch):
    """A disk that was full and does not even shorten a file: the next create is written on a line of its own."""

    def fails(*_):
        raise OSError("no")

    def half(descriptor, data, real=os.write):
        real(descriptor, bytes(data)[:10])
        fails()

    with monkeypatch.context() as broken:
        broken.setattr(os, "ftruncate", fails)
        broken.setattr(os, "write", half)
        with pytest.raises(JournalError):
            _intend(writer, "refused")
    _intend(writer, "after")
    journal = read_journal(path)
    assert ([intent.name for intent in journal.intents], journal.damaged) == (["after"], 1)


def test_no_file_is_an_empty_journal(path):
    """A cell that made nothing has nothing to tell."""
    journal = read_journal(path)
    assert journal.open_intents() == journal.created() == ()


@pytest.mark.parametrize(
    "bad",
    [
        b"not json",
        b'{"event":"inte',
        b"\xff\xfe\x00",
        b"[]",
        b"3",
        b"{}",
        b'{"event":"intent","seq":7}',
        b'{"event":"intent","seq":7,"urn":1,"type":[],"name":"n","region":"r","id":null,"time":1}',
        b'{"event":"intent","seq":7,"urn":"u","type":"t","name":"n","region":"r","id":null,"time":"noon"}',
        b'{"event":"created","seq":99,"id":"x"}',
        b'{"event":"created","seq":1}',
        b'{"event":"refused"}',
        b'{"event":"refused","seq":[]}',
        b'{"event":"deleted","type":"t"}',
        b'{"event":"something else"}',
        b"[" * 100000,
    ],
)
def test_a_line_that_cannot_be_read_is_skipped_and_counted(path, bad):
    """The rest is still evidence; that something is missing is told; a successor writes on, with fresh numbers."""
    first = JournalWriter(path)
    first.created(_intend(first, "a"), "one")
    first.close()
    whole = path.read_bytes()
    path.write_bytes(bad + b"\n" + whole + bad + b"\n")
    second = JournalWriter(path)
    assert _intend(second, "b") > 1
    second.close()
    journal = read_journal(path)
    assert journal.damaged == 2
    assert [made.id for made in journal.standing()] == ["one"]
    assert [intent.name for intent in journal.open_intents()] == ["b"]


def test_a_whole_journal_is_not_damaged(path, writer):
    """Nothing skipped, nothing counted."""
    _intend(writer)
    assert read_journal(path).damaged == 0


def test_a_number_is_never_given_twice_though_its_line_is_damaged(path):
    """An intent that was cut in half keeps its number: a later outcome must not be taken for its own."""
    path.write_bytes(b'{"event":"intent","seq":41,"urn":"urn:x","ty\n')
    writer = JournalWriter(path)
    assert _intend(writer) == 42
    writer.close()


def test_creates_that_start_together_share_a_sync(path, writer, monkeypatch):
    """64 creates at once cost two syncs: the first one's own, and one for all who came meanwhile."""
    syncs, real, all_in = [], os.fsync, threading.Event()

    def slow_sync(descriptor):
        syncs.append(descriptor)
        while len(syncs) == 1 and writer._added < 64:
            all_in.wait(0.001)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", slow_sync)
    with ThreadPoolExecutor(64) as pool:
        numbers = list(pool.map(lambda n: _intend(writer, str(n)), range(64)))
    assert sorted(numbers) == list(range(1, 65))
    assert len(syncs) == 2
    assert len(read_journal(path).open_intents()) == 64


def test_a_full_disk_refuses_the_create_and_leaves_the_journal_whole(path, writer):
    """What cannot be written down must not be made; the lines before and after stay readable."""
    _intend(writer, "before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, limits[1]))
    try:
        with pytest.raises(JournalError, match=r"nothing was made: the journal .* cannot be written: File too large"):
            _intend(writer, "refused")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    _intend(writer, "after")
    assert [intent.name for intent in read_journal(path).intents] == ["before", "after"]


def test_an_outcome_that_cannot_be_written_leaves_the_intent_open_and_is_told(path, writer, capsys):
    """It is too late to refuse, so the leak check will ask; stderr says why."""
    seq = _intend(writer)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, limits[1]))
    try:
        writer.created(seq, "q")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(read_journal(path).open_intents()) == 1
    assert "created was not written" in capsys.readouterr().err


def test_a_second_writer_waits_for_the_first_to_end(path):
    """Two processes never mix their numbers: the successor goes on where its predecessor stopped."""
    program = (
        "import sys, pathlib; from harness.providers.journal import JournalWriter;"
        "w = JournalWriter(pathlib.Path(sys.argv[1]));"
        "w.intent(urn='u', type='t', name='n', region='r', id=None); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"held\n"
        release = threading.Timer(0.1, other.stdin.close)
        release.start()
        mine = JournalWriter(path)
        assert _intend(mine) == 2
        mine.close()
        release.join()


def test_a_journal_that_cannot_be_opened_is_an_error(tmp_path):
    """A missing directory is told with the path."""
    with pytest.raises(JournalError, match="absent"):
        JournalWriter(tmp_path / "absent" / "journal.jsonl")
