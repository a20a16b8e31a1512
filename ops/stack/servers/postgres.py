"""PostgreSQL with TimescaleDB."""

import signal
from pathlib import Path
from typing import ClassVar

import psycopg

from ops.stack.client import database_dsn
from ops.stack.files import write_private
from ops.stack.provision import provision
from ops.stack.servers.base import Context, Server, installed_version, run_tool
from ops.stack.unprivileged import Identity, identity_for
from ops.supervise import NotReadyError, ProcessSpec
from runtime.settings import StackSettings

CHECK_TIMEOUT_S = 3


def render_postgres(settings: StackSettings) -> str:
    """``postgresql.conf``: safe (fsync on), and sized for a laptop."""
    values = {
        "listen_addresses": f"'{settings.host}'",
        "port": settings.postgres_port,
        "unix_socket_directories": "''",  # its path would have to be short, and nobody needs it
        "max_connections": 60,
        "password_encryption": "'scram-sha-256'",
        "shared_preload_libraries": "'timescaledb'",
        "timescaledb.telemetry_level": "off",
        # The edition that Debian may ship has no background jobs; without workers no database waits for one.
        "timescaledb.max_background_workers": 0,
        "jit": "off",
        "shared_buffers": "'256MB'",
        "work_mem": "'16MB'",
        "maintenance_work_mem": "'128MB'",
        "effective_cache_size": "'1GB'",
        "random_page_cost": 1.1,
        "fsync": "on",
        "wal_compression": "on",
        "max_wal_size": "'1GB'",
        "min_wal_size": "'128MB'",
        "checkpoint_timeout": "'10min'",
        "log_checkpoints": "off",
        "log_line_prefix": "'%m [%p] %q%u@%d %a '",
        "log_lock_waits": "on",
        "log_timezone": "'UTC'",
        "timezone": "'UTC'",
        "client_connection_check_interval": "'5s'",  # a killed client's statement ends soon
        "tcp_keepalives_idle": 30,
    }
    return "".join(f"{name} = {value}\n" for name, value in values.items())


class Postgres(Server):
    """The database server."""

    name: ClassVar[str] = "postgres"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._provisioned = False

    def ports(self) -> tuple[int, ...]:
        """The database port."""
        return (self.settings.postgres_port,)

    def version(self) -> str:
        """PostgreSQL's and TimescaleDB's."""
        layout = self.context.layout
        timescale = installed_version(layout, "postgresql-17-timescaledb")
        return f"{installed_version(layout, 'postgresql-17')} + TimescaleDB {timescale}"

    @property
    def _bin(self) -> Path:
        return self.context.layout.servers / "usr" / "lib" / "postgresql" / "17" / "bin"

    @property
    def _conf(self) -> Path:
        return self.paths.conf / "postgresql.conf"

    def _identity(self) -> Identity:
        return identity_for(self._bin / "postgres", self.paths.root)

    def prepare(self) -> None:
        """Write the configuration, and make the cluster the first time.

        Raises:
            StackError: Root has no way to run it here, or ``initdb`` failed.
        """
        identity = self._identity()
        write_private(self._conf, render_postgres(self.settings))
        identity.give(self._conf)
        if not (self.data / "PG_VERSION").exists():
            self._initdb(identity)
        elif identity.owner is not None and self.data.stat().st_uid != identity.owner:
            identity.give(self.data)  # the way to run it has changed since the last time

    def _initdb(self, identity: Identity) -> None:
        """Make the cluster aside and move it into place, so that an interrupted one is never used."""
        temporary = self.paths.data / "postgres.new"
        run_tool(("rm", "-rf", temporary, self.data), what="clearing a half-made database")
        temporary.mkdir(mode=0o700)
        password = self.paths.conf / "initdb.password"
        write_private(password, self.context.secrets.postgres_superuser)
        identity.give(temporary)
        identity.give(password)
        run_tool(
            identity.argv(
                *(str(self._bin / "initdb"), "--username=postgres", f"--pwfile={password}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin"),
                *("--no-instructions", "--no-sync", "-D", str(temporary)),
            ),
            what="making the database cluster (initdb)",
        )
        password.unlink()
        temporary.rename(self.data)

    def spec(self) -> ProcessSpec:
        """The postmaster, checked by ``SELECT 1``; the first check also makes roles and databases."""
        identity = self._identity()
        return ProcessSpec(
            name=self.name,
            argv=(*identity.prefix, str(self._bin / "postgres"), "-D", str(self.data), *self._options()),
            wrapper=identity.wrapper,
            cwd=self.data,
            log_file=self.paths.log(self.name),
            ready=self._check,
            health_interval_s=10,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            stop_timeout_s=20,
            death_signal=signal.SIGQUIT,  # "immediate": ends at once with all its processes, recovers at the start
        )

    def _options(self) -> tuple[str, ...]:
        return ("-c", f"config_file={self._conf}", "-c", f"hba_file={self.data / 'pg_hba.conf'}")

    def _check(self) -> None:
        try:
            with psycopg.connect(
                database_dsn(self.settings, "postgres", "postgres"),
                password=self.context.secrets.postgres_superuser,
                connect_timeout=CHECK_TIMEOUT_S,
                options=f"-c statement_timeout={CHECK_TIMEOUT_S}s" if self._provisioned else "",
                application_name="eyes-stack-check",
                autocommit=True,
            ) as connection:
                connection.execute("SELECT 1")
                if not self._provisioned:
                    provision(connection, self.settings, self.context.secrets)
                    self._provisioned = True
        except psycopg.OperationalError as error:
            raise NotReadyError(str(error).strip().splitlines()[-1]) from error
