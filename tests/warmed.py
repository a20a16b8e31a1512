"""What our programs import, for processes that are forked from it (:mod:`tests.warm`); none of it has metrics."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

import schemas
from runtime.blas import one_thread

one_thread()  # before NumPy is read
for module in iter_modules(schemas.__path__, "schemas."):
    import_module(module.name)
HEAVY: Final = (
    *("kafka", "paho.mqtt.client", "prometheus_client", "psycopg", "pydantic_settings", "structlog", "typer"),
    *("rich.console", "rich.live", "rich.progress", "rich.table", "typer.rich_utils"),
    *("processors.detectors", "processors.engine.composed", "runtime.settings", "runtime.kafka", "runtime.logs"),
)
for name in HEAVY:
    import_module(name)
