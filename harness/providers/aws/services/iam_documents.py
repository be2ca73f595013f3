"""IAM policy documents: statements as a program writes them in, the JSON that IAM reads out. AWS is not asked."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.failures import Refusal
from harness.providers.aws.registry import function
from harness.providers.aws.shapes import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.providers.aws.asking import Asking
    from harness.providers.contract import Props

_LISTS: Final = {
    "actions": "Action",
    "notActions": "NotAction",
    "resources": "Resource",
    "notResources": "NotResource",
}
_PRINCIPALS: Final = {"principals": "Principal", "notPrincipals": "NotPrincipal"}
_STATEMENT: Final = frozenset({*_LISTS, *_PRINCIPALS, "conditions", "effect", "sid"})
_LATEST: Final = "2012-10-17"  # the version of the policy language that has variables
_VERSIONS: Final = ("2008-10-17", _LATEST)


def _refuse(reason: str) -> Refusal:
    return Refusal(f"policy document: {reason}", "MalformedPolicyDocument")


def _known(block: Mapping[str, Any], valid: Iterable[str], path: str) -> None:
    for key in block:
        if key not in valid:
            hint = nearest(key, valid)
            raise _refuse(f"no argument `{path}.{key}`" + (f"; did you mean `{hint}`?" if hint else ""))


def _variables(value: str) -> str:
    """`&{aws:username}` is how a program writes a variable that is IAM's own."""
    return value.replace("&{", "${")


def _few(values: Iterable[Any]) -> Any:
    """One value stands alone, several are a list."""
    listed = [_variables(str(one)) for one in values]
    return listed[0] if len(listed) == 1 else sorted(set(listed), reverse=True)


def _principals(blocks: Iterable[Props], path: str) -> Any:
    kinds: dict[str, list[str]] = {}
    for block in blocks:
        _known(block, ("type", "identifiers"), path)
        kinds.setdefault(block["type"], []).extend(block["identifiers"])
    if set(kinds) == {"*"}:
        return "*"
    return {kind: _few(values) for kind, values in kinds.items()}


def _conditions(blocks: Iterable[Props], path: str) -> dict[str, Any]:
    tests: dict[str, dict[str, list[str]]] = {}
    for block in blocks:
        _known(block, ("test", "variable", "values"), path)
        tests.setdefault(block["test"], {}).setdefault(block["variable"], []).extend(block["values"])
    return {test: {name: _few(values) for name, values in names.items()} for test, names in tests.items()}


def _statement(block: Props, path: str) -> dict[str, Any]:
    _known(block, _STATEMENT, path)
    result: dict[str, Any] = {"Sid": block["sid"]} if block.get("sid") else {}
    result["Effect"] = block.get("effect") or "Allow"
    for name, member in _LISTS.items():
        if block.get(name):
            result[member] = _few(block[name])
    for name, member in _PRINCIPALS.items():
        if block.get(name):
            result[member] = _principals(block[name], f"{path}.{name}")
    if block.get("conditions"):
        result["Condition"] = _conditions(block["conditions"], f"{path}.conditions")
    return result


def _merge(into: list[dict[str, Any]], more: Iterable[dict[str, Any]]) -> None:
    """A statement takes the place of the one with its name; a nameless one is added."""
    for statement in more:
        sid = statement.get("Sid")
        places = [index for index, one in enumerate(into) if sid and one.get("Sid") == sid]
        if places:
            into[places[0]] = statement
        else:
            into.append(statement)


def _parsed(text: str, name: str) -> Props:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _refuse(f"`{name}` is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise _refuse(f"`{name}` is not a policy")
    statements = document.get("Statement") or []
    return {**document, "Statement": statements if isinstance(statements, list) else [statements]}


def _given(args: Props, one: str, several: str) -> list[Props]:
    """The documents of an old argument that took one and of the argument that takes several; empty ones say nothing."""
    texts = [
        (one, args.get(one)),
        *((f"{several}[{index}]", text) for index, text in enumerate(args.get(several) or [])),
    ]
    return [_parsed(text, name) for name, text in texts if text]


def _sources(args: Props) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = []
    for document in _given(args, "sourceJson", "sourcePolicyDocuments"):
        for statement in document["Statement"]:
            if statement.get("Sid") and statement["Sid"] in {one.get("Sid") for one in statements}:
                raise _refuse(f"two source documents have a statement `{statement['Sid']}`")
            statements.append(statement)
    return statements


def _own(args: Props) -> list[dict[str, Any]]:
    own = [_statement(one, f"statements[{index}]") for index, one in enumerate(args.get("statements") or [])]
    names = [one["Sid"] for one in own if "Sid" in one]
    for name in names:
        if names.count(name) > 1:
            raise _refuse(f"two statements are named `{name}`")
    return own


def document(args: Props) -> Props:
    """The policy: sources first, the program's statements over them, overrides over both. Raises Refusal."""
    statements = _sources(args)
    _merge(statements, _own(args))
    layers = [
        *_given(args, "sourceJson", "sourcePolicyDocuments"),
        {"Version": args.get("version"), "Id": args.get("policyId")},
        *_given(args, "overrideJson", "overridePolicyDocuments"),
    ]
    result: Props = {"Version": _LATEST}
    for layer in layers:
        result.update({key: layer[key] for key in ("Version", "Id") if layer.get(key)})
    for override in _given(args, "overrideJson", "overridePolicyDocuments"):
        _merge(statements, override["Statement"])
    if result["Version"] not in _VERSIONS:
        raise _refuse(f"version `{result['Version']}`; valid: {', '.join(_VERSIONS)}")
    return {**result, "Statement": statements} if statements else result


@function(
    "aws:iam/getPolicyDocument:getPolicyDocument",
    "overrideJson overridePolicyDocuments policyId sourceJson sourcePolicyDocuments statements version",
)
def get_policy_document(asking: Asking, args: Props) -> Props:
    """The JSON of a policy."""
    del asking
    made = document(args)
    text = json.dumps(made, indent=2)
    return {
        **args,
        "id": str(zlib.crc32(text.encode())),
        "json": text,
        "minifiedJson": json.dumps(made, separators=(",", ":")),
        "version": made["Version"],
    }
