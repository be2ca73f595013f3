"""Paths of reports in; a refusal of those that cannot be written out, while nothing was made yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ConfigError
from harness.report.files import STDOUT, check_writable


@dataclass(frozen=True, slots=True)
class Destinations:
    """Paths as they were given on the command line; None was not asked for. Only `json` may be `-`."""

    json: str | None = None
    junit: str | None = None
    html: str | None = None

    def asked(self) -> Iterator[tuple[str, str]]:
        """Flag and path of each report that is wanted."""
        for flag, path in (("--json", self.json), ("--junit", self.junit), ("--html", self.html)):
            if path is not None:
                yield flag, path

    def check(self) -> None:
        """Refuse paths that cannot be written, or that are one path twice. Raises ConfigError; nothing is written."""
        seen: dict[str, str] = {}
        for flag, path in self.asked():
            if path == STDOUT and flag != "--json":
                raise ConfigError(f"{flag} -: only --json writes to standard output", hint=f"{flag} FILE")
            try:
                check_writable(path)
            except ConfigError as error:
                raise ConfigError(f"{flag}: {error.message}", hint=error.hint) from error
            place = path if path == STDOUT else _place(path)
            if place in seen:
                raise ConfigError(f"{seen[place]} and {flag} name one file: {path}", hint="give each report its own")
            seen[place] = flag


def _place(path: str) -> str:
    """The same for two names of one file: links, `..` and hard links."""
    real = Path(path).resolve()
    if real.is_file():
        stat = real.stat()
        return f"{stat.st_dev}:{stat.st_ino}"
    return str(real)
