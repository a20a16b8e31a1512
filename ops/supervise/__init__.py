"""Keeps processes running: starts them in order, watches them, restarts them, stops them in order.

Used by the local stack for its servers and by ``eyes up`` for the pipeline's own processes.
"""

from ops.supervise.child import bound_to_us
from ops.supervise.policy import CrashHistory, RestartPolicy, Verdict, after_crash
from ops.supervise.spec import NotReadyError, ProcessSpec, ProcessStatus, State
from ops.supervise.supervisor import Supervisor

__all__ = [
    "CrashHistory",
    "NotReadyError",
    "ProcessSpec",
    "ProcessStatus",
    "RestartPolicy",
    "State",
    "Supervisor",
    "Verdict",
    "after_crash",
    "bound_to_us",
]
