"""Requests of the engine in, resources at the target out: the bundled Pulumi providers, served by one process."""
