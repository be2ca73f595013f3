"""Settings in, settings out: what a bundled provider inherits from the cell it serves, as one JSON document."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ambient:
    """The target and the marks of one cell. Travels to the provider process on its stdin, never in argv or env."""

    endpoint: str | None = None
    """URL of the emulator; None is AWS itself."""
    region: str = "us-east-1"
    """The region of a provider that names none."""
    access_key: str | None = field(default=None, repr=False)
    """None leaves credentials to boto3's own chain."""
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    tags: dict[str, str] = field(default_factory=dict)
    """Laid on every taggable resource, under the program's own default tags."""
    run_tag: tuple[str, str] | None = None
    """The one tag (key, value) that marks what this run made."""

    def to_json(self) -> str:
        """Write as one JSON document; it holds secrets."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Ambient:
        """Read what `to_json` wrote. An unknown or missing name raises ValueError."""
        document: Any = json.loads(text)
        if not isinstance(document, dict):
            raise ValueError("the settings are not a JSON object")  # noqa: TRY004 - one type for every bad document
        known = set(cls.__dataclass_fields__)
        if unknown := sorted(set(document) - known):
            raise ValueError(f"unknown settings: {', '.join(unknown)}")
        if document.get("run_tag") is not None:
            key, value = document["run_tag"]
            document["run_tag"] = (str(key), str(value))
        return cls(**document)
