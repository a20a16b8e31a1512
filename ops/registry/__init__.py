"""The registry: what stands where, read from files, compared with what is registered, written to the log."""

from ops.registry.configure import Scoped, configure
from ops.registry.files import RegistryFileError, read_registry_file
from ops.registry.load import LoadReport, load_demo_registry, load_registry, remove_facility, retire_ingest
from ops.registry.store import Registered, Registration, read_registered, read_standing
from ops.registry.works import cancel_works, plan_works

__all__ = [
    "LoadReport",
    "Registered",
    "Registration",
    "RegistryFileError",
    "Scoped",
    "cancel_works",
    "configure",
    "load_demo_registry",
    "load_registry",
    "plan_works",
    "read_registered",
    "read_registry_file",
    "read_standing",
    "remove_facility",
    "retire_ingest",
]
