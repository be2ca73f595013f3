"""Protobuf Struct in, Python values out, and back: unknowns, secrets, assets, and numbers as the contract has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf import struct_pb2

from harness.providers.contract import UNKNOWN, Archive, Asset, Props, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The constants below are part of the engine's protocol: sdk/go/common/resource/plugin/rpc.go and resource/sig/sig.go.
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark of the protocol, not a secret
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWNS: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


def decode(struct: struct_pb2.Struct) -> Props:
    """Read a Struct. Nulls in objects are dropped: the SDKs send them for arguments that were not given."""
    return _object(struct)


def encode(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Write a Struct. None among the members of an object is left out; a value of another kind is a TypeError."""
    struct = struct_pb2.Struct()
    _fill(struct, values)
    return struct


def secrets(struct: struct_pb2.Struct) -> Iterator[Any]:
    """The values that carry the engine's mark of a secret, at any depth."""
    for value in struct.fields.values():
        yield from _secrets(value)


def _secrets(value: struct_pb2.Value) -> Iterator[Any]:
    if value.WhichOneof("kind") == "list_value":
        for item in value.list_value.values:
            yield from _secrets(item)
    elif value.WhichOneof("kind") == "struct_value":
        fields = value.struct_value.fields
        mark = fields[SIGNATURE].string_value if SIGNATURE in fields else ""
        if mark == SECRET or (mark == OUTPUT and "secret" in fields and fields["secret"].bool_value):
            yield _value(value)
        else:
            yield from secrets(value.struct_value)


def _object(struct: struct_pb2.Struct) -> Props:
    return {
        name: _value(value)
        for name, value in struct.fields.items()
        if value.WhichOneof("kind") not in {"null_value", None}
    }


def _value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value in UNKNOWNS else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_value(item) for item in value.list_value.values]
        case "struct_value":
            return _signed(value.struct_value)
        case _:
            return None


def _signed(struct: struct_pb2.Struct) -> Any:
    """Read an object that may be one of the engine's marked ones."""
    if SIGNATURE not in struct.fields:
        return _object(struct)
    mark = struct.fields[SIGNATURE].string_value
    if mark in {SECRET, OUTPUT}:  # an output without a value is not known yet
        return _value(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
    members = _object(struct)
    if mark == RESOURCE:
        return members.get("id") or members.get("urn", "")
    if mark == ASSET:
        return Asset(members.get("text"), members.get("path"), members.get("uri"), members.get("hash", ""))
    if mark == ARCHIVE:
        return Archive(members.get("assets"), members.get("path"), members.get("uri"), members.get("hash", ""))
    return members


def _fill(struct: struct_pb2.Struct, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if value is not None:
            _put(struct.fields[name], value)


def _put(into: struct_pb2.Value, value: Any) -> None:  # noqa: C901, PLR0912 - one case per kind of value, nothing nested
    match value:
        case None:
            into.null_value = struct_pb2.NULL_VALUE
        case bool():
            into.bool_value = value
        case int() | float():
            into.number_value = value
        case str():
            into.string_value = value
        case _ if value is UNKNOWN:
            into.string_value = UNKNOWN.value
        case Secret():
            _put(into, {SIGNATURE: SECRET, "value": value.value})
            if value.value is None:
                into.struct_value.fields["value"].null_value = struct_pb2.NULL_VALUE
        case Asset():
            marked = {"text": value.text, "path": value.path, "uri": value.uri, "hash": value.sha256 or None}
            _put(into, {SIGNATURE: ASSET, **marked})
        case Archive():
            marks = {"assets": value.assets, "path": value.path, "uri": value.uri, "hash": value.sha256 or None}
            _put(into, {SIGNATURE: ARCHIVE, **marks})
        case dict():
            into.struct_value.SetInParent()
            _fill(into.struct_value, value)
        case list() | tuple():
            into.list_value.SetInParent()
            for item in value:
                _put(into.list_value.values.add(), item)
        case _:
            raise TypeError(f"a value of type {type(value).__name__} cannot be sent to the engine")
