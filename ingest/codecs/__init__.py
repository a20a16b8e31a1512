"""Vendors' JavaScript codecs: found by make, run in a process of their own that can reach nothing."""
