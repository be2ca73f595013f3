"""The rules: a file per theme, found by being here; importing this imports them all."""

import importlib
import pkgutil

from harness.policy.rule import Rule, declared

for _module in sorted(found.name for found in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")

RULES: dict[str, Rule] = dict(sorted(declared().items()))
"""Every rule of the pack by its name."""
