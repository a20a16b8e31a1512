"""A series, its windows, what was said of it, and the scores, as an SVG of a few kilobytes."""

from collections.abc import Sequence
from html import escape
from typing import Final

from ops.score.nab.corpus import LabelledSeries
from processors.novelty import Verdict, explain
from schemas.model import from_ms

WIDTH: Final = 1_000
HEIGHT: Final = 360
LEFT: Final = 60
TOP: Final = 30
CURVE: Final = 230  # pixels of the curve of values
GAP: Final = 20
SCORES: Final = 50  # pixels of the scores below it
STYLE: Final = (
    "text{font:12px sans-serif;fill:#333}.value{fill:none;stroke:#1f5fa8;stroke-width:1}.window{fill:#f6d9a8}"
    ".score{stroke:#777;stroke-width:1}.alarm{fill:#c62828}.edge{stroke:#bbb;stroke-width:1}"
)


def plot(series: LabelledSeries, verdicts: Sequence[Verdict], threshold: float) -> str:
    """``threshold`` decides which readings are alarms; hovering over one tells what was said of it."""
    low, high = min(series.values), max(series.values)
    scale = (high - low) or 1.0
    per = (WIDTH - LEFT - 10) / max(len(series.values) - 1, 1)

    def x(number: int) -> float:
        return round(LEFT + number * per, 1)

    def y(value: float) -> float:
        return round(TOP + CURVE * (1.0 - (value - low) / scale), 1)

    base = TOP + CURVE + GAP + SCORES
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(series.name)}: values, labelled windows and alarms</title><style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="18">{escape(series.name)}: labelled windows shaded, alarms as dots, scores below</text>',
    ]
    parts += [
        f'<rect class="window" x="{x(first)}" y="{TOP}" width="{round(x(last) - x(first), 1)}" height="{base - TOP}"/>'
        for first, last in series.windows
    ]
    parts += [f'<text x="4" y="{y(value) + 4}">{value:.4g}</text>' for value in (low, high)]
    points = " ".join(f"{x(number)},{y(series.values[number])}" for number in _outline(series.values, per))
    parts.append(f'<polyline class="value" points="{points}"/>')
    parts.append(f'<line class="edge" x1="{LEFT}" x2="{WIDTH - 10}" y1="{base}" y2="{base}"/>')
    parts += [
        f'<line class="score" x1="{x(number)}" x2="{x(number)}" y1="{base}" y2="{base - SCORES * one.score:.1f}"/>'
        for number, one in enumerate(verdicts)
        if one.score >= threshold / 4
    ]
    parts += [
        _alarm(series, number, one, x(number), y(series.values[number]))
        for number, one in enumerate(verdicts)
        if one.score >= threshold
    ]
    for number in (0, len(series.values) - 1):
        anchor = "end" if number else "start"
        when = from_ms(series.times_ms[number])
        parts.append(f'<text x="{x(number)}" y="{base + 18}" text-anchor="{anchor}">{when:%Y-%m-%d}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _alarm(series: LabelledSeries, number: int, verdict: Verdict, x: float, y: float) -> str:
    at_ms, value = series.times_ms[number], series.values[number]
    said = f"{from_ms(at_ms):%Y-%m-%d %H:%M} score {verdict.score:.2f}: {explain(verdict, at_ms, value)}"
    return f'<circle class="alarm" cx="{x}" cy="{y}" r="4"><title>{escape(said)}</title></circle>'


def _outline(values: Sequence[float], per: float) -> list[int]:
    """Two readings for every pixel at most, its lowest and its highest: the curve looks the same."""
    step = max(int(1.0 / per), 1)
    if step == 1:
        return list(range(len(values)))
    kept: list[int] = []
    for begin in range(0, len(values), step):
        part = range(begin, min(begin + step, len(values)))
        kept += sorted({min(part, key=values.__getitem__), max(part, key=values.__getitem__)})
    return kept
