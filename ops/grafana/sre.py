"""The SREs' dashboard: is everything flowing, how late, and what is refused."""

from typing import Any, Final

from ops.grafana.panels import Panel, dashboard

PANELS: Final = [
    Panel(
        title="Processes up",
        kind="stat",
        promql={"{{job}}": 'up{job=~"ingest|processors|sequencer|correlators|archive"}'},
        width=6,
        height=5,
    ),
    Panel(
        title="Messages/s",
        kind="stat",
        promql={"messages": "sum(rate(eyes_ingest_messages_total[1m]))"},
        width=6,
        height=5,
    ),
    Panel(title="MQTT session", kind="stat", promql={"{{instance}}": "eyes_ingest_connected"}, width=6, height=5),
    Panel(
        title="Time in the log",
        kind="stat",
        promql={"newest tick": "max(eyes_processor_watermark_seconds) * 1000"},
        unit="dateTimeAsIso",
        width=6,
        height=5,
    ),
    Panel(
        title="Throughput",
        promql={
            "messages in": "sum(rate(eyes_ingest_messages_total[1m]))",
            "readings in": "sum(rate(eyes_ingest_readings_total[1m]))",
            "events folded": "sum(rate(eyes_processor_events_total[1m]))",
            "rows stored": "sum(rate(eyes_archive_rows_total[1m]))",
        },
        unit="cps",
        width=12,
    ),
    Panel(
        title="Lag",
        promql={
            "{{processor}}": "sum by (processor) (eyes_processor_lag_records)",
            "sequencer {{topic}}": "sum by (topic) (eyes_sequencer_lag_records)",
            "archive {{topic}}": "sum by (topic) (eyes_archive_lag_records)",
        },
        width=12,
        about="Records written and not yet taken; growing for minutes means that a stage is too slow.",
    ),
    Panel(
        title="End to end, 95th percentile",
        promql={"{{stage}}": "histogram_quantile(0.95, sum by (le, stage) (rate(eyes_end_to_end_seconds_bucket[5m])))"},
        unit="s",
        width=12,
        about="From arrival at ingest to the row, and to the finding.",
    ),
    Panel(
        title="Snapshots of the folds",
        promql={
            "bytes written": "sum(rate(eyes_processor_snapshot_bytes_total[5m]))",
        },
        unit="Bps",
        width=6,
        about="States of the folds in Kafka, from which a worker that comes goes on.",
    ),
    Panel(
        title="Folds stood still for snapshots",
        promql={"longest": "max(eyes_processor_snapshot_longest_seconds)"},
        unit="s",
        width=6,
    ),
    Panel(
        title="Refused, per reason",
        promql={"{{reason}}": "sum by (reason) (rate(eyes_quarantined_total[5m]))"},
        unit="cps",
        width=12,
    ),
    Panel(
        title="In flight and oldest acknowledgement",
        promql={"in flight": "sum(eyes_ingest_in_flight)", "oldest, s": "max(eyes_ingest_ack_age_seconds)"},
    ),
    Panel(title="Ticks/s", promql={"ticks": "sum(rate(eyes_ingest_ticks_total[1m]))"}, unit="cps"),
    Panel(
        title="Fold, 95th percentile",
        promql={"fold": "histogram_quantile(0.95, sum by (le) (rate(eyes_processor_fold_seconds_bucket[5m])))"},
        unit="s",
    ),
    Panel(
        title="Batch sizes, median",
        promql={
            "ingest, readings": "histogram_quantile(0.5, sum by (le) (rate(eyes_ingest_batch_readings_bucket[5m])))",
            "archive, rows": "histogram_quantile(0.5, sum by (le) (rate(eyes_archive_batch_rows_bucket[5m])))",
        },
    ),
    Panel(
        title="Duplicates absorbed",
        promql={
            "in folds": "sum(rate(eyes_processor_duplicates_total[5m]))",
            "in the archive": "sum(rate(eyes_archive_duplicates_total[5m]))",
        },
        unit="cps",
    ),
    Panel(title="Poison", promql={"{{detector}}": "sum by (detector) (increase(eyes_processor_poison_total[10m]))"}),
]


def build() -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    return dashboard(uid="eyes-sre", title="Digital Eyes: pipeline", panels=PANELS, refresh="5s", since="now-15m")
