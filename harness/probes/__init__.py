"""Probes in, results out: what a program's own functions say about the resources that `up` made."""
