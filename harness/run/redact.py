"""Secret texts in; what takes them out of texts, documents and files, however they are written there, out."""

from __future__ import annotations

import base64
import contextlib
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_origin
from urllib.parse import quote, quote_plus

from pydantic import BaseModel

from harness.world.checkpoint import SECRET_TEXT

SHORTEST = 4  # characters; shorter ones would tear words apart, and guard nothing
SHORTEST_LINE = 8  # characters of one line of a secret that has several
SHORTEST_PART = 6  # characters of base64 that stand for a secret inside a longer text
IDENTITY = frozenset({"cell", "program", "stack", "suffix", "region", "account", "log", "type", "op", "command"})
"""Fields of the result by which things are found: what they hold is no secret, whatever else is called so."""

_MARK = SECRET_TEXT.encode()
Model = TypeVar("Model", bound=BaseModel)


class Redactor:
    """Replaces every known secret by `[secret]`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        wanted = {secret for secret in secrets if len(secret) >= SHORTEST and secret != SECRET_TEXT}
        self._forms = tuple({form for secret in wanted for form in forms(secret)})

    def data(self, data: bytes) -> bytes:
        """The same bytes without secrets. Where secrets overlap, one mark stands for all of them."""
        return b"".join(self._pieces(data, lambda _length: _MARK))

    def text(self, text: str) -> str:
        """The same text without secrets."""
        raw = text.encode("utf-8", "surrogatepass")
        clean = self.data(raw)
        return text if clean == raw else clean.decode("utf-8", "replace")

    def value(self, value: Any) -> Any:
        """The same document without secrets: models, mappings, lists and texts at any depth."""
        match value:
            case BaseModel():
                return self.model(value)
            case Mapping():
                return {self.value(key): self.value(one) for key, one in value.items()}
            case list() | tuple():
                return type(value)(self.value(one) for one in value)
            case str() if type(value) is str:  # not one of our own enumerations
                return self.text(value)
            case _:
                return value

    def model(self, model: Model) -> Model:
        """A copy of a model without secrets; fields that can hold only certain words are left alone."""
        fields = type(model).model_fields
        free = [name for name in fields if name not in IDENTITY and get_origin(fields[name].annotation) is not Literal]
        return model.model_copy(update={name: self.value(getattr(model, name)) for name in free})

    def file(self, path: Path) -> bool:
        """Rewrite a file that nobody writes to any more, whole or not at all. Says whether there were secrets in it.

        Where there is no room for a second copy, the secrets are overwritten in place.

        Raises:
            OSError: the file cannot be read or written.
        """
        before = path.read_bytes()
        after = self.data(before)
        if after == before:
            return False
        partial = path.with_name(f".{path.name}.partial")
        try:
            partial.touch(mode=0o600)
            partial.write_bytes(after)
            partial.chmod(path.stat().st_mode & 0o7777)
            partial.replace(path)
        except OSError:
            with contextlib.suppress(OSError):  # whatever stands in the way of the copy does not stand in this one's
                partial.unlink()
            self.overwrite(path)
        return True

    def overwrite(self, path: Path) -> None:
        """Blank secrets in a file that somebody still appends to: each as long as it was. Raises OSError."""
        with path.open("r+b") as file:
            before, at = file.read(), 0
            for piece in self._pieces(before, lambda length: _MARK[:length].ljust(length, b"*")):
                if before[at : at + len(piece)] != piece:
                    file.seek(at)
                    file.write(piece)
                at += len(piece)

    def _pieces(self, data: bytes, mark: Callable[[int], bytes]) -> Iterator[bytes]:
        end = 0
        for first, last in self._spans(data):
            yield data[end:first]
            yield mark(last - first)
            end = last
        yield data[end:]

    def _spans(self, data: bytes) -> list[tuple[int, int]]:
        """Where secrets stand, in order, joined where they overlap."""
        found = [span for form in self._forms for span in _occurrences(data, form)]
        if not found:
            return []
        joined: list[tuple[int, int]] = []
        for first, last in sorted([*found, *_occurrences(data, _MARK)]):  # a secret may be the word in our own mark
            if joined and first < joined[-1][1]:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        return joined


def forms(secret: str) -> Iterator[bytes]:
    """How a secret may be written: as it is, escaped as JSON (Python's, Go's, twice), URL, XML or repr, as base64."""
    for part in {secret, *(line.strip() for line in secret.splitlines() if len(line.strip()) >= SHORTEST_LINE)}:
        for text in _written(part):
            yield text.encode("utf-8", "surrogatepass")
    yield from _encoded(secret.encode("utf-8", "surrogatepass"))


def _written(text: str) -> set[str]:
    once = set(_in_json(text))
    twice = {again for form in once for again in _in_json(form)}
    printed = {repr(text)[1:-1], text.replace("'", "\\'"), html.escape(text), html.escape(text, quote=False)}
    printed.add(html.escape(text).replace("&#x27;", "&apos;"))
    safe = text.encode("utf-8", "replace")
    urls = {quote(safe, safe=""), quote(safe), quote_plus(safe)}
    lower = {re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), url) for url in urls}
    return {text} | once | twice | printed | urls | lower


def _in_json(text: str) -> Iterator[str]:
    """Python escapes what is not ASCII, or not; Go escapes what HTML has a meaning for."""
    for escaped in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _encoded(secret: bytes) -> Iterator[bytes]:
    """Base64 of the secret alone, and what of it stays the same inside a longer text, wherever it begins there."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(secret)
        yield whole
        yield whole.rstrip(b"=")
        for shift, skip in enumerate((0, 2, 3)):  # characters that also hold bits of what stands before
            length = (shift + len(secret)) * 8 // 6  # what comes after is mixed with what follows the secret
            part = encode(b"\0" * shift + secret)[skip:length]
            if len(part) >= SHORTEST_PART:
                yield part


def _occurrences(data: bytes, form: bytes) -> Iterator[tuple[int, int]]:
    at = data.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = data.find(form, at + 1)
