"""A resource's own policy in; what of it a service of AWS may not do by it, out.

IAM's simulation answers for roles and users only: what a policy says of a service has to be read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

# Conditions on who asks: a service that asks for itself has none of these.
_NOBODY: Final = {
    *("kms:calleraccount", "aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths"),
}
_COMPARED: Final = re.compile(r"(?:String|Arn)(Not)?(?:Equals|Like)(?:IgnoreCase)?")


@dataclass(frozen=True)
class Asked:
    """A service, the resource that it wants something of, and what is known of the request for conditions."""

    service: str
    resource: str
    known: Mapping[str, str]
    """Such as `aws:SourceAccount`; what is not here, nobody can judge."""


def refused(policy: str, asked: Asked, actions: Iterable[str]) -> list[str]:
    """Those of the actions that the policy does not let the service do."""
    statements = json.loads(policy).get("Statement", [])
    return [action for action in actions if not _allowed(_listed(statements), asked, action)]


def _allowed(statements: list[Any], asked: Asked, action: str) -> bool:
    """Where a condition cannot be judged, a permission is taken for one, and a refusal is not."""
    about = [one for one in statements if _is_about(one, asked, action)]
    denied = any(one["Effect"] == "Deny" and _holds(one, asked, unknown=False) for one in about)
    return not denied and any(one["Effect"] == "Allow" and _holds(one, asked, unknown=True) for one in about)


def _is_about(statement: Mapping[str, Any], asked: Asked, action: str) -> bool:
    return (
        _picked(statement, "Principal", lambda principal: _is(principal, asked.service))
        and _picked(statement, "Action", lambda given: _like(given, action, re.IGNORECASE))
        and _picked(statement, "Resource", lambda given: _like(given, asked.resource))
    )


def _picked(statement: Mapping[str, Any], element: str, fits: Any) -> bool:
    """By the element, or by its opposite; the resource of a statement may be left out where there is but one."""
    if f"Not{element}" in statement:
        return not fits(statement[f"Not{element}"])
    return bool(fits(statement.get(element, "*" if element == "Resource" else [])))


def _is(principal: Any, service: str) -> bool:
    """Everybody is the service, too; the account and its roles are not."""
    if not isinstance(principal, Mapping):
        return bool(principal == "*")
    return "*" in _listed(principal.get("AWS")) or service in _listed(principal.get("Service"))


def _holds(statement: Mapping[str, Any], asked: Asked, *, unknown: bool) -> bool:
    known = {key.lower(): value for key, value in asked.known.items()}
    return all(
        _met(operator, key.lower(), _listed(values), known, unknown=unknown)
        for operator, wanted in statement.get("Condition", {}).items()
        for key, values in wanted.items()
    )


def _met(operator: str, key: str, values: list[Any], known: Mapping[str, str], *, unknown: bool) -> bool:
    optional = operator.endswith("IfExists")
    compared = _COMPARED.fullmatch(operator.removesuffix("IfExists"))
    if compared is None or key not in known.keys() | _NOBODY:
        return unknown
    negated = compared[1] is not None
    if key not in known:
        return negated or optional
    return negated != _like(values, known[key])


def _like(patterns: Any, text: str, flags: int = 0) -> bool:
    """By AWS's own wildcards; other signs, such as brackets in the name of an alarm, stand for themselves."""
    return any(
        re.fullmatch(re.escape(str(one)).replace(r"\*", ".*").replace(r"\?", "."), text, flags)
        for one in _listed(patterns)
    )


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
