"""Rules for characters in, a string of cryptographic randomness out: `RandomString` and `RandomPassword`."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Final

from harness.providers.contract import UNKNOWN, CheckFailure
from harness.providers.random.declare import Adopted, Argument, Kind, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.providers.contract import Props

SPECIAL: Final = "!@#$%&*()-_=+[]{}<>:?"  # the documented default of `special` in pulumi-random
_BCRYPT_BYTES: Final = 72  # bcrypt reads no further; the documented behaviour is to hash the first 72 bytes
_BCRYPT_ROUNDS: Final = 10  # the cost that Go's bcrypt calls its default, 60 ms here

_ARGUMENTS: Final = {
    "keepers": Argument("map"),
    "length": Argument("integer", required=True, least=1),
    "lower": Argument("boolean", default=True),
    "minLower": Argument("integer", default=0, least=0),
    "minNumeric": Argument("integer", default=0, least=0),
    "minSpecial": Argument("integer", default=0, least=0),
    "minUpper": Argument("integer", default=0, least=0),
    "number": Argument("boolean", default=True),
    "numeric": Argument("boolean", default=True),
    "overrideSpecial": Argument("string"),
    "special": Argument("boolean", default=True),
    "upper": Argument("boolean", default=True),
}
_MINIMA: Final = ("minLower", "minNumeric", "minSpecial", "minUpper")


def problems(inputs: Props) -> Iterator[CheckFailure]:
    """Say what contradicts itself."""
    flags = [inputs[name] for name in ("lower", "upper", "numeric", "special")]
    if not any(flag is UNKNOWN or flag for flag in flags):
        yield CheckFailure("special", "at least one of special, upper, lower and numeric must be true")
    least = [inputs[name] for name in _MINIMA]
    length = inputs.get("length")
    if isinstance(length, int) and all(isinstance(count, int) for count in least) and length < sum(least):
        yield CheckFailure(
            "length", f"{length} is less than minUpper + minLower + minNumeric + minSpecial, which are {sum(least)}"
        )


def generate(inputs: Props) -> str:
    """Draw the string: first the minima, then the rest from all allowed characters, then shuffle."""
    special = inputs.get("overrideSpecial") or SPECIAL
    sets = {
        "lower": string.ascii_lowercase,
        "numeric": string.digits,
        "special": special,
        "upper": string.ascii_uppercase,
    }
    drawn = [
        secrets.choice(characters)
        for name, characters in sets.items()
        for _ in range(inputs[f"min{name.capitalize()}"])
    ]
    allowed = "".join(characters for name, characters in sets.items() if inputs[name])
    drawn += [secrets.choice(allowed) for _ in range(inputs["length"] - len(drawn))]
    secrets.SystemRandom().shuffle(drawn)
    return "".join(drawn)


def _string(text: str) -> Value:
    return Value(text, {"result": text})


def _password(text: str) -> Value:
    import bcrypt

    hashed = bcrypt.hashpw(text.encode()[:_BCRYPT_BYTES], bcrypt.gensalt(_BCRYPT_ROUNDS))
    return Value("none", {"result": text, "bcryptHash": hashed.decode()})  # the id is not secret, so it tells nothing


KINDS: Final = (
    Kind(
        "random:index/randomString:RandomString",
        _ARGUMENTS,
        ("result",),
        make=lambda inputs: _string(generate(inputs)),
        problems=problems,
        adopt=lambda text: Adopted({"length": len(text)}, _string(text)),
    ),
    Kind(
        "random:index/randomPassword:RandomPassword",
        _ARGUMENTS,
        ("result", "bcryptHash"),
        secret=frozenset({"result", "bcryptHash"}),
        make=lambda inputs: _password(generate(inputs)),
        problems=problems,
        adopt=lambda text: Adopted({"length": len(text)}, _password(text)),
    ),
)
