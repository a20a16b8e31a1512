"""Prometheus: scrapes our processes and evaluates the alert rules of the checkout."""

import http.client
from collections.abc import Sequence
from json import dumps
from pathlib import Path
from typing import ClassVar

from ops.stack.files import write_private
from ops.stack.servers.base import Server, installed_version
from ops.supervise import NotReadyError, ProcessSpec
from runtime.settings import StackSettings

CHECK_TIMEOUT_S = 3.0
HTTP_OK = 200


def render_prometheus(settings: StackSettings, *, targets: Path, rules: Sequence[Path]) -> str:
    """``prometheus.yml``, as JSON, which is YAML too and leaves nothing to quote.

    Every process registers itself with its job's name as a label, so a new kind of process needs no change.
    """
    config = {
        "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "2s"},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [
            {
                "job_name": "eyes",
                "file_sd_configs": [{"files": [str(targets / "*.json")], "refresh_interval": "5s"}],
            },
            {
                "job_name": "prometheus",
                "static_configs": [{"targets": [f"{settings.host}:{settings.prometheus_port}"]}],
            },
        ],
    }
    return dumps(config, indent=2) + "\n"


class Prometheus(Server):
    """The metrics server."""

    name: ClassVar[str] = "prometheus"
    after: ClassVar[tuple[str, ...]] = ("kafka", "postgres", "mosquitto")

    def ports(self) -> tuple[int, ...]:
        """The web port."""
        return (self.settings.prometheus_port,)

    def version(self) -> str:
        """The package's."""
        return installed_version(self.context.layout, "prometheus")

    def prepare(self) -> None:
        """Write the configuration; rule files are those of the checkout as they are now."""
        self.data.mkdir(exist_ok=True)
        rules = sorted((self.context.layout.checkout / "ops" / "prometheus").glob("*.rules.yml"))
        text = render_prometheus(self.settings, targets=self.paths.targets, rules=rules)
        write_private(self.paths.conf / "prometheus.yml", text)

    def spec(self) -> ProcessSpec:
        """Prometheus itself, checked by its own readiness page."""
        return ProcessSpec(
            name=self.name,
            argv=(
                str(self.context.layout.servers / "usr" / "bin" / "prometheus"),
                f"--config.file={self.paths.conf / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.data}",
                "--storage.tsdb.retention.time=3d",
                "--storage.tsdb.retention.size=1GB",
                f"--web.listen-address={self.settings.host}:{self.settings.prometheus_port}",
                "--log.level=warn",
            ),
            env={"GOMAXPROCS": "2"},
            cwd=self.data,
            log_file=self.paths.log(self.name),
            after=tuple(name for name in self.after if name in self.settings.servers),
            ready=self._check,
            health_interval_s=10,
            stop_timeout_s=10,
        )

    def _check(self) -> None:
        address = f"{self.settings.host}:{self.settings.prometheus_port}"
        connection = http.client.HTTPConnection(address, timeout=CHECK_TIMEOUT_S)
        try:
            connection.request("GET", "/-/ready")
            status = connection.getresponse().status
        except OSError as error:
            raise NotReadyError(f"no answer on {address} yet") from error
        finally:
            connection.close()
        if status != HTTP_OK:
            raise NotReadyError(f"{address} is not ready yet (HTTP {status})")
