"""Benchmarks: the figures of the documentation, and what a change of a format is measured by, before and after."""
