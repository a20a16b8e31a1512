import re

import pytest

from ops.grafana.sre import PANELS
from ops.metrics_docs import FILE, PROCESSES, declared, document


def test_the_list_is_what_the_code_declares() -> None:
    assert FILE.read_text(encoding="utf-8") == document(), "run `python -m ops.metrics_docs` and look at what changed"


def test_the_promised_names_are_there() -> None:
    promised = {
        "eyes_ingest_messages_total",
        "eyes_ingest_readings_total",
        "eyes_ingest_bytes_total",
        "eyes_quarantined_total",
        "eyes_processor_events_total",
        "eyes_processor_lag_records",
        "eyes_processor_fold_seconds",
        "eyes_archive_rows_total",
        "eyes_end_to_end_seconds",
        "eyes_ingest_in_flight",
        "eyes_ingest_ack_age_seconds",
        "eyes_ingest_session_present",
        "eyes_ingest_ticks_total",
        "eyes_build_info",
    }
    assert promised <= all_names()


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_panel_asks_only_for_metrics_that_exist(panel: object) -> None:
    names = all_names()
    for expression in panel.promql.values():  # type: ignore[attr-defined]
        for name in re.findall(r"\beyes_\w+", expression):
            assert name in names or name.removesuffix("_bucket") in names, name


def all_names() -> set[str]:
    return {name for process in PROCESSES for name in declared(process)}
