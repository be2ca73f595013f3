"""A logical name and the engine's seed in, a physical name within the service's rules out."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from harness.providers.contract import UNKNOWN

if TYPE_CHECKING:
    from harness.providers.aws.declare import Naming
    from harness.providers.contract import Props

_DIGITS: Final = 7  # as the official provider: enough to tell names apart, short enough for tight limits


def automatic(naming: Naming, logical: str, inputs: Props, seed: bytes) -> str:
    """Name for a resource that the program did not name. The same seed gives the same name."""
    end = naming.end(inputs) if naming.end else ""
    prefix = inputs.get(naming.prefix) if naming.prefix else None
    digits = hashlib.blake2b(seed or logical.encode(), digest_size=16).hexdigest()
    if isinstance(prefix, str) and prefix:
        return f"{prefix}{digits[: _DIGITS + 1]}{end}"[: naming.limit]
    room = naming.limit - len(end) - len(naming.start) - _DIGITS - 1
    return f"{naming.start}{_base(naming, logical)[:room]}-{digits[:_DIGITS]}{end}"


def is_automatic(naming: Naming, logical: str, inputs: Props, name: Any) -> bool:
    """Whether we made this name for this resource, rather than the program."""
    if not isinstance(name, str):
        return False
    end = re.escape(naming.end(inputs) if naming.end else "")
    prefix = inputs.get(naming.prefix) if naming.prefix else None
    if isinstance(prefix, str) and prefix:
        return bool(re.fullmatch(re.escape(prefix) + rf"[0-9a-f]{{{_DIGITS + 1}}}{end}", name))
    room = naming.limit - len(end) - len(naming.start) - _DIGITS - 1
    base = re.escape(naming.start + _base(naming, logical)[:room])
    return bool(re.fullmatch(rf"{base}-[0-9a-f]{{{_DIGITS}}}{end}", name))


def named(naming: Naming, logical: str, inputs: Props, old: Props, seed: bytes) -> Any:
    """The program's own name, else the automatic one that it already has, else a new one."""
    own = inputs.get(naming.property)
    if own is UNKNOWN or own:
        return own
    before = old.get(naming.property)
    if before and is_automatic(naming, logical, inputs, before):
        return before
    return automatic(naming, logical, inputs, seed)


def _base(naming: Naming, logical: str) -> str:
    text = logical.lower() if naming.lower else logical
    return re.sub(f"[^{naming.allowed}]", "-", text)
