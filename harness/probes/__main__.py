"""Nothing in, the documentation of every kind of declared probe out."""

from harness.probes.listing import listing

print(listing(), end="")
