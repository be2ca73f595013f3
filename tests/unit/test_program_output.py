"""A program's output is passed on line by line, up to a bound, and its end is never lost."""

from __future__ import annotations

import pytest

from harness.hosts.output import CUT, CUT_OFF, HEAD_BYTES, LINE_BYTES, TAIL_BYTES, TOO_LONG, CappedOutput


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
    whole = b"x" * (HEAD_BYTES - 1) + b"\n" + b"y" * TAIL_BYTES
    assert shown(whole) == whole
    assert shown(b"a", b"", b"b\n") == b"ab\n"
    assert shown() == b""


def test_a_line_is_passed_on_at_once_when_it_ends():
    """A program that is slow is followed; `print` with Python's -u writes each word alone, and a line stays one."""
    told: list[bytes] = []
    capped = CappedOutput(told.append)
    for word in (b"it is", b" ", b"a secret", b"\n", b"10 %\r", b"and one that "):
        capped.take(word)
    assert told == [b"it is a secret\n", b"10 %\r"]
    capped.close()
    assert told == [b"it is a secret\n", b"10 %\r", b"and one that "]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_of_a_line_that_is_too_long_nothing_is_shown(end: bytes) -> None:
    """Neither its beginning nor its end, each of which might hold half a secret: that there was one; and the next."""
    told = shown(b"before\n", *[b"x" * (LINE_BYTES // 4)] * 9, b"x" * 9 + end, b"" if not end else b"after\nthat\n")
    assert told == b"before\n" + TOO_LONG.encode() + (b"after\nthat\n" if end else b"")


def test_a_line_that_does_not_end_is_not_held_for_good() -> None:
    """It takes no more room than one that just fits."""
    capped = CappedOutput(lambda _line: None)
    for _ in range(9):
        capped.take(b"x" * LINE_BYTES)
        assert len(capped._line) <= LINE_BYTES


def test_beyond_it_whole_lines_of_the_beginning_and_of_the_end_are_shown():
    """With one line of ours between; a secret that would be cut in two at either bound is not shown at all."""
    line = b"0123456789\n"
    chunks = [line * 1000] * 200
    told = shown(*chunks)
    head, _, tail = told.partition(CUT.encode())
    assert head == line * (HEAD_BYTES // len(line))
    assert TAIL_BYTES - len(line) < len(tail) <= TAIL_BYTES
    assert tail == line * (len(tail) // len(line))


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_line_is_cut_at_neither_bound(end: bytes) -> None:
    """Line by line, as they come; what is left of the first megabyte would hold a part of one only."""
    line = b"0123456789abc" + end
    told = shown(*[line] * 90_000)
    head, _, tail = told.partition(CUT.encode())
    assert head.removesuffix(b"\n") == (line * (HEAD_BYTES // len(line))).removesuffix(b"\n")
    assert tail == line * (TAIL_BYTES // len(line))


def test_of_a_last_line_that_does_not_fit_nothing_is_shown() -> None:
    """It is longer than what is kept of the end; a bound in the middle of it might stand in a secret."""
    line = b"0123456789\n"
    told = shown(line * (HEAD_BYTES // len(line)), line, "€".encode() * TAIL_BYTES)
    assert told == line * (HEAD_BYTES // len(line)) + CUT_OFF.encode()
