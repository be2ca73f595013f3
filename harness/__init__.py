"""A test harness for Pulumi programs: up in an ephemeral stack, looked at, destroyed, and proved gone."""

__version__ = "0.1.0"
