"""This machine in; what it has and lacks for a run, and what helps, out. Installs nothing and leaves loopback alone."""
