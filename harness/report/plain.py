"""Text of any origin in; text that XML 1.0, HTML and Markdown can carry out. Nothing vanishes unseen."""

from __future__ import annotations

import re

_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")  # ECMA-48: CSI and OSC
# What is not a Char in https://www.w3.org/TR/xml/#charsets, and the C1 controls, which terminals obey.
_UNFIT = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    r"""The text with line ends as `\n`, without terminal colours; other controls and lone surrogates as `\x1b`."""
    text = _TERMINAL.sub("", text.replace("\r\n", "\n"))
    return _UNFIT.sub(_escape, text)


def shorten(text: str, longest: int) -> str:
    """At most `longest` characters, and how many were left out."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]} … ({len(text) - longest} more characters)"


def one_line(text: str, longest: int) -> str:
    """The first line that says something, shortened."""
    return shorten(next((line.strip() for line in printable(text).splitlines() if line.strip()), ""), longest)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - two hexadecimal digits
