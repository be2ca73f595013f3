"""A home in, a Pulumi engine of one pinned version out: from PATH, the cache, the official release, or its source."""

from harness.world.engine.ensure import ensure_engine, find_engine
from harness.world.engine.model import ENGINE_VERSION, Engine, Origin

__all__ = ["ENGINE_VERSION", "Engine", "Origin", "ensure_engine", "find_engine"]
