"""Water networks: what a folder says of one, checked, its model made, and both written to the log."""

from ops.water.configure import Configuration, Configured, configure, plan, plan_of

__all__ = ["Configuration", "Configured", "configure", "plan", "plan_of"]
