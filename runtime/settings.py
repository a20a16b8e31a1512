"""Configuration: one tree, read from defaults, the local stack, ``eyes.toml`` and ``EYES_...`` (last wins).

``EYES_KAFKA__BOOTSTRAP=host:9092`` sets ``kafka.bootstrap``; ``EYES_CONFIG`` names another file than
``eyes.toml``. Secrets are :class:`pydantic.SecretStr`, so no dump of the settings shows them.
"""

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

CONFIG_FILE = "eyes.toml"
STACK_CLIENT_FILE = "client.toml"  # written by `eyes stack up` with the addresses and secrets it made


class Section(BaseModel):
    """A table of ``eyes.toml``; an unknown key is an error that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StackSettings(Section):
    """The local stack of ``eyes stack``: where it lives and on which loopback ports."""

    dir: Path = Field(Path("var/stack"), description="data, logs and secrets; relative to eyes.toml")
    host: str = Field("127.0.0.1", description="address the servers bind to and are reached at")
    kafka_port: int = 19092
    kafka_controller_port: int = 19093
    mqtt_port: int = 11883
    postgres_port: int = 15432
    prometheus_port: int = 19090
    kafka_heap_mb: int = 512
    servers: tuple[Literal["kafka", "postgres", "mosquitto", "prometheus"], ...] = Field(
        ("kafka", "postgres", "mosquitto", "prometheus"), description="leave out those you run elsewhere"
    )

    @field_validator("host")
    @classmethod
    def _one_address(cls, host: str) -> str:
        if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - refused here
            raise ValueError("name one address: clients are told to come back to it")
        return host


class MetricsSettings(Section):
    """Where every process of ours serves ``/metrics`` and ``/healthz``; each has its own port."""

    host: str = Field("127.0.0.1", description="address of /metrics and /healthz; `0.0.0.0` for a Prometheus elsewhere")

    @property
    def local_host(self) -> str:
        """The address at which this machine itself reaches them."""
        return "127.0.0.1" if self.host in {"0.0.0.0", ""} else self.host  # noqa: S104 - compared, not bound


class ClockSettings(Section):
    """The clock of the stack; changing it needs a fresh stack or another topic prefix."""

    mode: Literal["wall", "feed"] = Field("wall", description="`feed`: the feeder publishes the time")
    tick_s: float = Field(1.0, gt=0, description="clock seconds between ticks")
    generation: int = Field(1, ge=1, description="raised when the clock of a stack is chosen anew")


class KafkaSettings(Section):
    """How to reach Kafka."""

    bootstrap: str = Field("127.0.0.1:19092", description="host:port[,host:port...]")
    topic_prefix: str = Field("", description="put before every topic name, e.g. `test1.`")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: Path | None = None
    replication_factor: int = Field(1, ge=1, description="for topics that are created")
    retention: Literal["unlimited", "catalogue"] = Field(
        "unlimited", description="of topics that are created: everything for ever, or what the catalogue says"
    )
    session_timeout_ms: int = Field(10_000, ge=6_000)
    transaction_timeout_ms: int = Field(10_000, ge=1_000)


class MqttSettings(Section):
    """How to reach the MQTT broker."""

    host: str = "127.0.0.1"
    port: int = 11883
    username: str | None = None
    password: SecretStr | None = None
    tls_cafile: Path | None = Field(None, description="turns TLS on")
    keepalive_s: int = 30


class DatabaseSettings(Section):
    """How to reach TimescaleDB."""

    dsn: str = Field(
        "host=127.0.0.1 port=15432 dbname=eyes user=eyes", description="libpq connection string, no password"
    )
    password: SecretStr | None = None

    @field_validator("dsn")
    @classmethod
    def _no_password_in_sight(cls, dsn: str) -> str:
        """A connection string is shown and logged."""
        if re.search(r"\bpassword\s*=|://[^/@]*:[^/@]*@", dsn):
            raise ValueError("holds a password, and it is shown in places: put that into EYES_DATABASE__PASSWORD")
        return dsn


class RouteSettings(Section):
    """Which decoder reads the messages of a topic filter; the first one that matches wins."""

    topic_filter: str = Field(description="MQTT topic filter, e.g. `plant/+/tele/#`", alias="filter")
    decoder: str = Field(description="name as in docs/devices.md, e.g. `tasmota`")
    timezone: str | None = Field(None, description="of local times without a zone, e.g. `Asia/Shanghai`")

    @field_validator("timezone")
    @classmethod
    def _exists(cls, name: str | None) -> str | None:
        try:
            return None if name is None else ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"no time zone {name!r}; one of the IANA database, e.g. Asia/Shanghai") from None


class IngestSettings(Section):
    """``eyes ingest``: the bridge from MQTT to Kafka."""

    client_id: str = Field("eyes-ingest-0", description="fixed MQTT client id = shard id: the session is kept under it")
    topic_filters: tuple[str, ...] = Field((), description="what to subscribe to; empty: the filters of all routes")
    routes: tuple[RouteSettings, ...] = Field(
        (), description="`[[ingest.routes]]` with filter, decoder, timezone: before the default ones"
    )
    codecs: Path | None = Field(
        None, description="folder of LoRaWAN vendors' JavaScript codecs, for uplinks that nobody decoded"
    )
    fields: Path | None = Field(
        None, description="what further fields of LoRaWAN devices mean, in the form of ingest/meaning/fields.toml"
    )
    session_expiry_s: int = Field(7 * 86_400, description="how long the broker keeps our session when away")
    receive_maximum: int = Field(2_000, ge=1, le=65_535)
    in_flight_max: int = Field(20_000, ge=1, description="messages received and not yet acknowledged")
    in_flight_max_mib: int = Field(64, ge=1, description="the same bound in bytes")
    message_max_kib: int = Field(256, ge=1, description="a larger payload is quarantined as `oversize`")
    linger_ms: int = Field(20, ge=0, description="how long a batch of readings waits for company")
    lateness_s: float = Field(86_400, gt=0, description="older readings are kept on arrival time, marked `late`")
    future_s: float = Field(300, gt=0, description="readings further ahead are kept on arrival time, marked so")
    unregistered_quota: int = Field(1_000, ge=0, description="messages kept per unknown device")
    twin_s: float = Field(60, ge=0, description="how old the written twin of a device may become while it talks")
    plate_key: SecretStr | None = Field(
        None, description="of the keyed hashes that stand for licence plates; without it plates go nowhere"
    )
    metrics_port: int = 19101


class WorkerSettings(Section):
    """A worker of a group that shares the partitions of what it reads."""

    instance: str = Field("0", description="stable name of this worker: group instance and transactional id")
    workers: int = Field(1, ge=1, le=64, description="processes of this kind on this machine, under `eyes up` too")
    commit_ms: int = Field(300, ge=10, description="longest time between two transactions under load")
    poll_records: int = Field(500, ge=1)
    stall_s: float = Field(60, gt=0, description="no progress for so long, with work to do: the process ends")
    accept_gap: bool = Field(
        default=False, description="for one start: where the log lost what comes next, go on with what it holds"
    )
    metrics_port: int = Field(ge=0, le=65_535)


class ProcessorSettings(WorkerSettings):
    """``eyes process``: the runner of the folds."""

    snapshot_s: float = Field(60, gt=0, description="how old the snapshot of a piece of the folds' state may become")
    snapshot_budget_ms: float = Field(
        15, ge=0, description="how long the folds may stand still for snapshots in each transaction"
    )
    metrics_port: int = 19111


class SequencerSettings(WorkerSettings):
    """``eyes sequence``: the one ordered input of cases."""

    metrics_port: int = 19131


class CorrelatorSettings(ProcessorSettings):
    """``eyes correlate``: the folds over findings."""

    metrics_port: int = 19141


class ArchiveSettings(Section):
    """``eyes archive``: Kafka to TimescaleDB."""

    instance: str = "0"
    batch_rows: int = Field(5_000, ge=1)
    batch_ms: int = Field(300, ge=1)
    stall_s: float = Field(300, gt=0, description="one batch that takes so long ends the process")
    metrics_port: int = 19121


class LogSettings(Section):
    """Structured logs on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = Field("auto", description="`auto`: console on a terminal")


class Settings(BaseSettings):
    """Everything that can be configured."""

    model_config = SettingsConfigDict(
        env_prefix="EYES_", env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    site: str = Field("xuchang", description="CloudEvents source: /{site}/{process}")
    stack: StackSettings = StackSettings()
    metrics: MetricsSettings = MetricsSettings()
    clock: ClockSettings = ClockSettings()
    kafka: KafkaSettings = KafkaSettings()
    mqtt: MqttSettings = MqttSettings()
    database: DatabaseSettings = DatabaseSettings()
    ingest: IngestSettings = IngestSettings()
    processors: ProcessorSettings = ProcessorSettings()
    sequencer: SequencerSettings = SequencerSettings()
    correlators: CorrelatorSettings = CorrelatorSettings()
    archive: ArchiveSettings = ArchiveSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings' signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, ``eyes.toml``, what the local stack wrote, defaults."""
        toml = TomlConfigSettingsSource(settings_cls, config_file())
        client = TomlConfigSettingsSource(settings_cls, _stack_client_file(env_settings, toml))
        return init_settings, env_settings, toml, client


def project_root() -> Path:
    """The directory of ``eyes.toml``: of ``EYES_CONFIG``, else the nearest upwards, else the working one."""
    if named := os.environ.get("EYES_CONFIG"):
        return Path(named).resolve().parent
    here = Path.cwd()
    return next((d for d in (here, *here.parents) if (d / CONFIG_FILE).is_file()), here)


def config_file() -> Path:
    """The configuration file that applies; it need not exist."""
    return Path(os.environ.get("EYES_CONFIG", project_root() / CONFIG_FILE))


def _stack_client_file(*sources: PydanticBaseSettingsSource) -> Path:
    """Where the local stack keeps the addresses and secrets it made for its clients."""
    for source in sources:
        named = source().get("stack", {}).get("dir")
        if named:
            return stack_dir(Path(named)) / STACK_CLIENT_FILE
    return stack_dir(StackSettings().dir) / STACK_CLIENT_FILE


def stack_dir(configured: Path) -> Path:
    """The stack's directory, absolute: a relative one starts at the directory of ``eyes.toml``."""
    return project_root() / configured


def settings_with(env: Mapping[str, str]) -> Settings:
    """What a child process with these variables beside our own will read."""
    before = dict(os.environ)
    os.environ.update(env)
    try:
        return Settings()
    finally:
        os.environ.clear()
        os.environ.update(before)


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        pydantic.ValidationError: naming the key that is wrong.
    """
    return Settings()
