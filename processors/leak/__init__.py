"""Where water leaks in a network whose pipes are known: no I/O, no clock (docs/processors/pipe_leak.md)."""
