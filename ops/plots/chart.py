"""Curves over time, one panel below the other, what was found as bars beneath: an SVG, the same bytes every time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

WIDTH: Final = 900
LEFT: Final = 74
RIGHT: Final = 14
PANEL: Final = 110
GAP: Final = 34
BAR: Final = 20
COLOURS: Final = ("#1f5fa8", "#c77700", "#2e7d32", "#7b1fa2", "#00838f")
STYLE: Final = (
    "text{font:12px sans-serif;fill:#333}.curve{fill:none;stroke-width:1.3}.frame{fill:#fafafa;stroke:#ddd}"
    ".limit{stroke:#999;stroke-dasharray:5 4}.shade{fill:#eef1f5}.small{font-size:11px;fill:#666}"
    ".bar{fill:#f3c6c6;stroke:#c62828}"
)
_TICKS: Final = (60, 300, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800)
_TICKS_MAX: Final = 9

Point = tuple[float, float]
"""Seconds since the beginning, and a value."""


@dataclass(frozen=True)
class Curve:
    """One line of a panel; ``stepped`` where a value holds until the next, ``dots`` where nothing is known between."""

    name: str
    points: Sequence[Point]
    stepped: bool = False
    dots: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves of one unit; ``limits`` are dashed lines with their names."""

    title: str
    curves: Sequence[Curve]
    limits: Sequence[tuple[str, float]] = ()
    span: tuple[float, float] | None = None
    """The lowest and the highest value shown; None: as the curves need it."""


@dataclass(frozen=True)
class Bar:
    """A finding from when it was raised until it was cleared, in seconds since the beginning; None: it is open."""

    label: str
    begin_s: float
    end_s: float | None
    said: str = ""


@dataclass(frozen=True)
class Chart:
    """A picture; ``from_s`` to ``to_s`` are shown, ``shades`` are spans such as nights."""

    title: str
    panels: Sequence[Panel]
    bars: Sequence[Bar]
    from_s: float
    to_s: float
    shades: Sequence[tuple[float, float]] = field(default=())
    clock_s: float = 0.0
    """Local time of day at 0, in seconds: what the axis shows."""

    def svg(self) -> str:
        """The picture."""
        base = 30 + len(self.panels) * (PANEL + GAP)
        height = base + len(self.bars) * (BAR + 6) + 26
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>{escape(self.title)}</title><style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            _text(LEFT, 17, self.title, bold=True),
        ]
        for number, panel in enumerate(self.panels):
            parts += self._panel(panel, 30 + number * (PANEL + GAP) + 14)
        for number, bar in enumerate(self.bars):
            parts += self._bar(bar, base + number * (BAR + 6))
        parts += self._axis(height - 10)
        return "\n".join([*parts, "</svg>", ""])

    def _x(self, at_s: float) -> float:
        share = (at_s - self.from_s) / (self.to_s - self.from_s)
        return round(LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 1)

    def _panel(self, panel: Panel, top: int) -> list[str]:
        shown = [
            value for curve in panel.curves for at_s, value in curve.points if self.from_s <= at_s <= self.to_s
        ] + [value for _, value in panel.limits]
        low, high = panel.span or (min(shown), max(shown))
        room = (high - low) * 0.08 or 1.0
        low, high = low - room, high + room

        def y(value: float) -> float:
            return round(top + PANEL * (1.0 - (value - low) / (high - low)), 1)

        parts = [
            f'<rect class="frame" x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{PANEL}"/>',
            *(self._shade(first_s, last_s, top) for first_s, last_s in self.shades),
            _text(LEFT, top - 4, panel.title),
            *(
                _text(LEFT - 6, y(value) + 4, f"{value:.4g}", "end", small=True)
                for value in sorted({low + room, high - room})
            ),
        ]
        for name, value in panel.limits:
            parts += [
                f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}"/>',
                _text(WIDTH - RIGHT - 4, y(value) - 3, name, "end", small=True),
            ]
        for number, curve in enumerate(panel.curves):
            colour = COLOURS[number % len(COLOURS)]
            parts += self._curve(curve, colour, y)
            if len(panel.curves) > 1:
                across = WIDTH - RIGHT - 90 * (len(panel.curves) - number)
                parts.append(_text(across, top - 4, curve.name, small=True, colour=colour))
        return parts

    def _shade(self, first_s: float, last_s: float, top: int) -> str:
        begin, end = self._x(first_s), self._x(last_s)
        return f'<rect class="shade" x="{begin}" y="{top}" width="{round(end - begin, 1)}" height="{PANEL}"/>'

    def _curve(self, curve: Curve, colour: str, y: Callable[[float], float]) -> list[str]:
        points = [(self._x(at_s), y(value)) for at_s, value in curve.points if self.from_s <= at_s <= self.to_s]
        if curve.dots:
            return [f'<circle cx="{x}" cy="{down}" r="2.2" fill="{colour}"/>' for x, down in points]
        if curve.stepped:
            points = [
                corner
                for before, (x, down) in zip([points[0], *points], points, strict=False)
                for corner in ((x, before[1]), (x, down))
            ]
        line = " ".join(f"{x},{down}" for x, down in points)
        return [f'<polyline class="curve" stroke="{colour}" points="{line}"/>']

    def _bar(self, bar: Bar, top: int) -> list[str]:
        begin, end = self._x(bar.begin_s), self._x(self.to_s if bar.end_s is None else bar.end_s)
        anchor, at = ("start", begin + 4) if begin < WIDTH / 2 else ("end", end - 4)
        if end - begin < 8 * len(bar.label):
            anchor, at = ("start", end + 6) if end < WIDTH / 2 else ("end", begin - 6)
        wide = round(max(end - begin, 2.0), 1)
        box = f'<rect class="bar" x="{begin}" y="{top}" width="{wide}" height="{BAR}">'
        return [f"{box}<title>{escape(bar.said)}</title></rect>", _text(at, top + 14, bar.label, anchor)]

    def _axis(self, down: int) -> list[str]:
        step = next((one for one in _TICKS if (self.to_s - self.from_s) / one <= _TICKS_MAX), _TICKS[-1])
        first = -(-(self.from_s + self.clock_s) // step) * step - self.clock_s
        count = int((self.to_s - first) // step) + 1
        return [
            _text(self._x(first + n * step), down, _clock(first + n * step + self.clock_s, step), "middle", small=True)
            for n in range(count)
        ]


def _text(
    x: float, y: float, text: str, anchor: str = "start", *, small: bool = False, bold: bool = False, colour: str = ""
) -> str:
    more = ' class="small"' if small else ""
    more += ' font-weight="bold"' if bold else ""
    more += f' style="fill:{colour}"' if colour else ""
    return f'<text{more} x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _clock(at_s: float, step_s: int) -> str:
    days, rest = divmod(round(at_s), 86_400)
    if step_s >= 86_400:  # noqa: PLR2004 - a day
        return f"day {days + 1}"
    return f"{rest // 3600:02d}:{rest % 3600 // 60:02d}"
