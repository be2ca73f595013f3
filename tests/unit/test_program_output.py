"""A program's output is passed on as it comes, up to a bound, and its end is never lost."""

from __future__ import annotations

from harness.hosts.output import CUT, HEAD_BYTES, TAIL_BYTES, CappedOutput


def shown(*chunks: bytes) -> bytes:
    """What is passed on of these."""
    out = bytearray()
    capped = CappedOutput(out.extend)
    for chunk in chunks:
        capped.take(chunk)
    capped.close()
    capped.take(b"too late")
    capped.close()
    return bytes(out)


def test_what_fits_is_not_touched():
    """Up to head and tail together, byte by byte, without a word of ours."""
    whole = b"x" * (HEAD_BYTES - 1) + b"y" * (TAIL_BYTES + 1)
    assert shown(whole) == whole
    assert shown(b"a", b"", b"b\n") == b"ab\n"
    assert shown() == b""


def test_what_fits_is_passed_on_at_once():
    """A program that is slow is followed."""
    out = bytearray()
    CappedOutput(out.extend).take(b"first")
    assert out == b"first"


def test_beyond_it_the_beginning_and_whole_lines_of_the_end_are_shown():
    """With one line of ours between, on a line of its own."""
    line = b"0123456789\n"
    chunks = [line * 1000] * 200
    told = shown(*chunks)
    head, _, tail = told.partition(CUT.encode())
    assert head == (line * 200_000)[:HEAD_BYTES] + b"\n"
    assert TAIL_BYTES - len(line) < len(tail) <= TAIL_BYTES
    assert tail == line * (len(tail) // len(line))


def test_characters_are_not_cut():
    """Even where the end is one endless line."""
    told = shown("€".encode() * 1_000_000)
    tail = told.partition(CUT.encode())[2]
    assert tail.decode() == "€" * (TAIL_BYTES // 3)
