"""The few panel shapes our dashboards use, as Grafana's dashboard JSON (schema version 39, Grafana 11)."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

PROMETHEUS: Final = {"type": "prometheus", "uid": "eyes-prometheus"}
TIMESCALE: Final = {"type": "grafana-postgresql-datasource", "uid": "eyes-timescaledb"}

Kind = Literal["timeseries", "stat", "table", "geomap", "barchart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A panel with either ``promql`` (legend to expression) or ``sql``; sizes in Grafana's 24-column grid."""

    title: str
    kind: Kind = "timeseries"
    promql: dict[str, str] = field(default_factory=dict)
    sql: str = ""
    unit: str = "short"
    width: int = 8
    height: int = 8
    about: str = ""

    def __post_init__(self) -> None:
        assert bool(self.promql) != bool(self.sql), self.title

    def to_json(self, number: int, x: int, y: int) -> dict[str, Any]:
        """The panel as it stands in a dashboard, at a place in the grid."""
        return {
            "id": number,
            "title": self.title,
            "description": self.about,
            "type": self.kind,
            "datasource": TIMESCALE if self.sql else PROMETHEUS,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": {"unit": self.unit}, "overrides": []},
            "options": _OPTIONS.get(self.kind, {}),
            "targets": self._targets(),
        }

    def _targets(self) -> list[dict[str, Any]]:
        if self.sql:
            shape = "time_series" if self.kind == "timeseries" else "table"
            return [
                {"refId": "A", "datasource": TIMESCALE, "format": shape, "rawQuery": True, "rawSql": self.sql.strip()}
            ]
        return [
            {"refId": chr(ord("A") + i), "datasource": PROMETHEUS, "expr": expr, "legendFormat": legend}
            for i, (legend, expr) in enumerate(self.promql.items())
        ]


_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "geomap": {
        "view": {"id": "fit", "allLayers": True},
        "layers": [
            {
                "type": "markers",
                "name": "findings",
                "location": {"mode": "coords", "latitude": "lat", "longitude": "lon"},
                "tooltip": True,
            }
        ],
    },
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}},
}

GRID_COLUMNS: Final = 24


def dashboard(*, uid: str, title: str, panels: list[Panel], refresh: str, since: str) -> dict[str, Any]:
    """A whole dashboard; panels flow left to right."""
    placed, x, y, row_height = [], 0, 0, 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > GRID_COLUMNS:
            x, y, row_height = 0, y + row_height, 0
        placed.append(panel.to_json(number, x, y))
        x, row_height = x + panel.width, max(row_height, panel.height)
    return {
        "uid": uid,
        "title": title,
        "tags": ["digital-eyes"],
        "schemaVersion": 39,
        "timezone": "browser",
        "editable": False,
        "refresh": refresh,
        "time": {"from": since, "to": "now"},
        "templating": {"list": []},
        "panels": placed,
    }
