"""The operators' dashboard: what is wrong in the city now, where, and since when.

Event times follow the stack's clock: on a feed clock, choose a time range around the "City time" shown.
"""

from typing import Any, Final

from ops.grafana.panels import Panel, dashboard

PANELS: Final = [
    Panel(
        title="Open findings",
        kind="stat",
        sql="SELECT severity AS metric, count(*) AS value FROM open_anomalies GROUP BY severity ORDER BY severity",
        width=8,
        height=5,
    ),
    Panel(
        title="City time",
        kind="stat",
        sql="SELECT max(time) AS time FROM ticks_latest",
        unit="dateTimeAsIso",
        width=4,
        height=5,
    ),
    Panel(
        title="Facilities watched",
        kind="stat",
        sql="SELECT count(*) AS facilities FROM facilities WHERE left_at IS NULL",
        width=4,
        height=5,
    ),
    Panel(
        title="Unknown devices",
        kind="stat",
        sql="SELECT count(DISTINCT device) AS devices FROM unregistered WHERE NOT released",
        width=4,
        height=5,
        about="Devices that send and that no facility claims: `eyes registry load` releases what they sent.",
    ),
    Panel(
        title="Refused in this time",
        kind="stat",
        sql="SELECT count(*) AS messages FROM quarantine WHERE $__timeFilter(arrival_time)",
        width=4,
        height=5,
    ),
    Panel(
        title="Where",
        kind="geomap",
        sql="SELECT lat, lon, kind, severity, summary, since FROM open_anomalies",
        width=10,
        height=14,
    ),
    Panel(
        title="Open findings, worst first",
        kind="table",
        sql="""
SELECT since, severity, kind, summary, coalesce(address, grid, zone) AS place, facility, district
FROM open_anomalies
ORDER BY array_position(ARRAY['critical', 'major', 'minor', 'warning'], severity), since
LIMIT 200
""",
        width=14,
        height=14,
    ),
    Panel(
        title="Findings raised per hour",
        sql="""
SELECT time_bucket('1 hour', at) AS time, kind AS metric, count(*) AS value
FROM anomaly_events
WHERE transition = 'raised' AND $__timeFilter(at)
GROUP BY 1, 2
ORDER BY 1
""",
        width=12,
    ),
    Panel(
        title="From evidence to row, seconds",
        sql="""
SELECT $__timeGroupAlias(stored_at, '1m'), percentile_cont(0.95) WITHIN GROUP (
    ORDER BY extract(epoch FROM stored_at - arrival_time)
) AS "95th percentile"
FROM anomaly_events
WHERE arrival_time IS NOT NULL AND $__timeFilter(stored_at)
GROUP BY 1
ORDER BY 1
""",
        unit="s",
        width=12,
    ),
    Panel(
        title="Inflow per water meter",
        sql="""
SELECT time_bucket('5 minutes', time) AS time, device AS metric, avg(result) AS value
FROM readings
WHERE observed_property = 'flow' AND $__timeFilter(time)
GROUP BY 1, 2
ORDER BY 1
""",
        unit="m3/h",
        width=12,
    ),
    Panel(
        title="Newest findings",
        kind="table",
        sql="""
SELECT at, transition, kind, summary, reason
FROM anomaly_events
ORDER BY at DESC
LIMIT 50
""",
        width=12,
    ),
]


def build() -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    return dashboard(uid="eyes-operators", title="Digital Eyes: city", panels=PANELS, refresh="5s", since="now-7d")
