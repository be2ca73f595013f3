"""WITH WHAT: the only door to the outside: engine, hosts, emulator, target, stacks, leases."""
