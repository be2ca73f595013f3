"""Leases, targets and the clock in; what nobody works with any more found, and on request destroyed, out."""
