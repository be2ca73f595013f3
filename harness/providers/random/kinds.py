"""Arguments in, random numbers, ids, names, orders and UUIDs out: the ten types of pulumi-random 4.21.

With a `seed` a value is always the same, but another one than the official provider's, whose generator is Go's.
"""

from __future__ import annotations

import base64
import random
import secrets
import time
import uuid
from typing import TYPE_CHECKING, Final

from harness.providers.contract import CheckFailure
from harness.providers.random import strings
from harness.providers.random.declare import Adopted, Argument, Kind, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.providers.contract import Props

_KEEPERS: Final = Argument("map")


def _generator(seed: str | None) -> random.Random:
    return random.Random(seed) if seed else secrets.SystemRandom()  # noqa: S311 - a seed asks to be predictable


def _bytes(raw: bytes) -> Value:
    # As with the password: nothing of the value may be in the id, which is not secret.
    return Value("none", {"base64": base64.b64encode(raw).decode(), "hex": raw.hex()})


def _adopt_bytes(text: str) -> Adopted:
    raw = base64.b64decode(text, validate=True)
    return Adopted({"length": len(raw)}, _bytes(raw))


def _id(raw: bytes, prefix: str) -> Value:
    url = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return Value(
        url,
        {
            "b64Std": prefix + base64.b64encode(raw).decode(),
            "b64Url": prefix + url,
            "dec": prefix + str(int.from_bytes(raw, "big")),
            "hex": prefix + raw.hex(),
        },
    )


def _adopt_id(text: str) -> Adopted:
    prefix, _, url = text.rpartition(",")
    raw = base64.b64decode(url + "=" * (-len(url) % 4), altchars=b"-_", validate=True)
    inputs: Props = {"byteLength": len(raw)}
    if prefix:
        inputs["prefix"] = prefix
    return Adopted(inputs, _id(raw, prefix))


def _integer(inputs: Props) -> Value:
    result = _generator(inputs.get("seed")).randint(inputs["min"], inputs["max"])
    return Value(str(result), {"result": result})


def _integer_problems(inputs: Props) -> Iterator[CheckFailure]:
    least, most = inputs.get("min"), inputs.get("max")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        yield CheckFailure("min", f"{least} is greater than max, which is {most}")


def _adopt_integer(text: str) -> Adopted:
    numbers, seed = text.split(",")[:3], text.split(",")[3:]
    result, least, most = (int(number) for number in numbers)
    if not least <= result <= most:
        raise ValueError(f"{result} is not between {least} and {most}")
    inputs: Props = {"min": least, "max": most}
    if seed:
        inputs["seed"] = ",".join(seed)
    return Adopted(inputs, Value(str(result), {"result": result}))


def _pet(inputs: Props) -> Value:
    from harness.providers.random.words import ADJECTIVES, ADVERBS, ANIMALS

    length = inputs["length"]
    words = [secrets.choice(ADVERBS) for _ in range(length - 2)]
    words += [secrets.choice(ADJECTIVES)] if length > 1 else []
    words.append(secrets.choice(ANIMALS))
    prefix = [inputs["prefix"]] if inputs.get("prefix") else []
    return Value(inputs["separator"].join([*prefix, *words]), {})


def _shuffle(inputs: Props) -> Value:
    items: list[str] = inputs["inputs"]
    count: int = inputs.get("resultCount", len(items))
    generator = _generator(inputs.get("seed"))
    results: list[str] = []
    while items and len(results) < count:  # more than there are: another shuffle after the first
        results += generator.sample(items, len(items))
    return Value("-", {"results": results[:count]})


def _uuid(text: str) -> Value:
    return Value(text, {"result": text})


def _uuid7() -> uuid.UUID:
    """Time-ordered UUID: 48 bits of milliseconds, then random bits (RFC 9562, section 5.7)."""
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def _adopt_uuid(version: int | None) -> Callable[[str], Adopted]:
    def adopt(text: str) -> Adopted:
        value = uuid.UUID(text)
        if version is not None and value.version != version:
            raise ValueError(f"it is not a UUID of version {version}")
        return Adopted({}, _uuid(str(value)))

    return adopt


def _uuid_kind(name: str, make: Callable[[], uuid.UUID], version: int | None) -> Kind:
    token = f"random:index/random{name}:Random{name}"
    return Kind(
        token, {"keepers": _KEEPERS}, ("result",), make=lambda _: _uuid(str(make())), adopt=_adopt_uuid(version)
    )


_DECLARED: Final = (
    *strings.KINDS,
    Kind(
        "random:index/randomBytes:RandomBytes",
        {"keepers": _KEEPERS, "length": Argument("integer", required=True, least=1)},
        ("base64", "hex"),
        secret=frozenset({"base64", "hex"}),
        make=lambda inputs: _bytes(secrets.token_bytes(inputs["length"])),
        adopt=_adopt_bytes,
    ),
    Kind(
        "random:index/randomId:RandomId",
        {
            "byteLength": Argument("integer", required=True, least=1),
            "keepers": _KEEPERS,
            "prefix": Argument("string"),
        },
        ("b64Std", "b64Url", "dec", "hex"),
        make=lambda inputs: _id(secrets.token_bytes(inputs["byteLength"]), inputs.get("prefix", "")),
        adopt=_adopt_id,
    ),
    Kind(
        "random:index/randomInteger:RandomInteger",
        {
            "keepers": _KEEPERS,
            "max": Argument("integer", required=True),
            "min": Argument("integer", required=True),
            "seed": Argument("string"),
        },
        ("result",),
        make=_integer,
        problems=_integer_problems,
        adopt=_adopt_integer,
    ),
    Kind(
        "random:index/randomPet:RandomPet",
        {
            "keepers": _KEEPERS,
            "length": Argument("integer", default=2, least=1),
            "prefix": Argument("string"),
            "separator": Argument("string", default="-"),
        },
        (),
        make=_pet,
    ),
    Kind(
        "random:index/randomShuffle:RandomShuffle",
        {
            "inputs": Argument("strings", required=True),
            "keepers": _KEEPERS,
            "resultCount": Argument("integer", least=0),
            "seed": Argument("string"),
        },
        ("results",),
        make=_shuffle,
    ),
    _uuid_kind("Uuid", uuid.uuid4, None),
    _uuid_kind("Uuid4", uuid.uuid4, 4),
    _uuid_kind("Uuid7", _uuid7, 7),
)

KINDS: Final = {kind.token: kind for kind in _DECLARED}
