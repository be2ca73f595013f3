"""A policy pack's directory and a file's name in; the rules that the pack declares, as JSON in that file, out.

Runs in the pack's own interpreter: nothing but the standard library and pulumi-policy.
"""

import json
import runpy
import sys
from pathlib import Path
from typing import Any


class Declared(BaseException):
    """The pack has come to its end. Not an Exception, which it might catch."""


def main() -> None:
    """Run the pack until it would serve. A pack that does not come to that leaves no answer."""
    pack, answer = sys.argv[1:3]
    sys.path.remove(str(Path(__file__).resolve().parent))
    from pulumi_policy import policy as sdk

    def declare(
        _self: Any,
        name: str,
        policies: list[Any],
        enforcement_level: Any = None,
        initial_config: dict[str, Any] | None = None,
        *_more: Any,
        **_named: Any,
    ) -> None:
        default = enforcement_level or sdk.EnforcementLevel.ADVISORY
        rules = [describe(rule, default, initial_config or {}) for rule in policies]
        Path(answer).write_text(json.dumps({"name": name, "rules": rules}), encoding="utf-8")
        raise Declared

    sdk.PolicyPack.__init__ = declare  # type: ignore[assignment]  # in place of the server
    sys.argv = ["pulumi.policy", "", pack]
    try:
        runpy.run_path(pack, run_name="__main__")
    except Declared:
        return
    print("it never calls PolicyPack(name, policies)")


def describe(rule: Any, default: Any, initial: dict[str, Any]) -> dict[str, str]:
    """One rule; the pack's own initial configuration wins over what the rule says."""
    level = rule.enforcement_level or default
    for key in ("all", rule.name):
        given = initial.get(key)
        level = (given.get("enforcementLevel") if isinstance(given, dict) else given) or level
    return {
        "name": rule.name,
        "description": rule.description,
        "level": "mandatory" if level.value == "remediate" else level.value,
        "remedy": getattr(rule, "remediation_steps", None) or "",
    }


if __name__ == "__main__":
    main()
