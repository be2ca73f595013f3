"""The directory that the engine is given as `--policy-pack`."""
