"""The kinds of declared probes: one decorated function and one model of its keys each, a file per theme."""
