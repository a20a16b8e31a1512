"""``client.toml``: how our own processes reach this stack; ``runtime.settings`` reads it below ``eyes.toml``."""

from json import dumps

from ops.stack.secrets import StackSecrets
from runtime.settings import StackSettings


def render_client(settings: StackSettings, secrets: StackSecrets) -> str:
    """The file's text: a table for each server that this stack runs."""
    tables: list[tuple[str, dict[str, str | int]]] = []
    if "kafka" in settings.servers:
        tables.append(("kafka", {"bootstrap": f"{settings.host}:{settings.kafka_port}"}))
    if "mosquitto" in settings.servers:
        address: dict[str, str | int] = {"host": settings.host, "port": settings.mqtt_port}
        tables.append(("mqtt", {**address, "username": "ingest", "password": secrets.mqtt_ingest}))
    if "postgres" in settings.servers:
        tables.append(("database", {"dsn": database_dsn(settings), "password": secrets.postgres_eyes}))
    lines = ["# Written by `eyes stack up`; eyes.toml and EYES_... override it."]
    for name, values in tables:
        # A JSON string is a TOML basic string too, and so is a number.
        lines += ["", f"[{name}]", *(f"{key} = {dumps(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def database_dsn(settings: StackSettings, dbname: str = "eyes", user: str = "eyes") -> str:
    """The libpq connection string of a database of this stack, without the password."""
    return f"host={settings.host} port={settings.postgres_port} dbname={dbname} user={user}"
