"""The bundled `random` package: Pulumi's verbs in, random values out; they exist nowhere but in the state."""

from harness.providers.random.package import RandomPackage

__all__ = ["RandomPackage"]
