"""Policy: rules on what a program declares, a CrossGuard pack that applies them, its settings and its outcomes."""

from pathlib import Path

PACK_NAME = "harness"
PACK = Path(__file__).parent / "pack"
"""The pack's directory, as `pulumi preview --policy-pack` takes it."""
