"""Where water leaks in a network whose pipes are known: pure numerics, no I/O and no clock.

Explained in docs/processors/pipe_leak.md.
"""
