"""``eyes ingest``: the bridge from MQTT to Kafka."""

from typing import Annotated

import typer

from ops.cli.member import overridden, run_member
from runtime.settings import load_settings


def ingest(
    client_id: Annotated[
        str | None,
        typer.Option(help="MQTT client id and shard id; two processes must never share one", show_default=False),
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="port of /metrics and /healthz; 0 takes a free one", show_default=False)
    ] = None,
) -> None:
    """Take what devices publish over MQTT into Kafka, until SIGTERM or Ctrl-C.

    A message is acknowledged to the broker only when everything it led to stands in Kafka. Kafka or the broker may be
    away for any length of time; nothing is lost and nobody has to help.

    Examples:
    - `eyes ingest`
    - `eyes ingest --client-id eyes-ingest-north --metrics-port 19102`
    - `EYES_INGEST__TOPIC_FILTERS='["eyes/v1/north/#"]' eyes ingest --client-id eyes-ingest-north`
    - `curl -s http://127.0.0.1:19101/healthz`
    """
    from ingest.service import run  # noqa: PLC0415 - its metrics belong to its process alone

    settings = overridden(load_settings(), "ingest", client_id=client_id, metrics_port=metrics_port)
    chosen = settings.ingest
    run_member(run, settings, job="ingest", instance=chosen.client_id, port=chosen.metrics_port)
