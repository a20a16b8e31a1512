"""What the live view shows, and how the numbers are taken from the processes' own metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isinf
from typing import Final
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from ops.pipeline import NO_ANSWER
from schemas.anomaly import Anomaly

SCRAPE_TIMEOUT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A finding and the wall time at which the view heard of it."""

    finding: Anomaly
    heard_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One look at the running pipeline; a process that does not answer contributes nothing."""

    at: datetime
    clock: datetime | None
    messages: float = 0.0
    readings: float = 0.0
    readings_per_s: float = 0.0
    in_flight: float = 0.0
    quarantined: float = 0.0
    unregistered: float = 0.0
    rows: float = 0.0
    findings: int = 0
    lag: Mapping[str, float] = field(default_factory=dict)
    processes: Mapping[str, str] = field(default_factory=dict)
    newest: tuple[Seen, ...] = ()
    urls: Mapping[str, str] = field(default_factory=dict)
    feeding: str = ""


class Samples:
    """The samples of one scrape of one process."""

    def __init__(self, text: str) -> None:
        self._values: dict[str, list[tuple[Mapping[str, str], float]]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._values.setdefault(sample.name, []).append((sample.labels, sample.value))

    def __add__(self, other: "Samples") -> "Samples":
        """Both: the samples of several workers of one role."""
        both = Samples("")
        for one in (self, other):
            for name, values in one._values.items():
                both._values.setdefault(name, []).extend(values)
        return both

    def total(self, name: str, **labels: str) -> float:
        """The sum over all series that have these labels; 0 where there are none."""
        return sum(value for has, value in self._values.get(name, ()) if labels.items() <= has.items())

    def newest(self, name: str) -> float | None:
        """The largest over all labels; None where there are none."""
        return max((value for _, value in self._values.get(name, ())), default=None)

    def quantile(self, histogram: str, q: float, **labels: str) -> float | None:
        """The q-quantile of a histogram, interpolated within its bucket as Prometheus does; None where it is empty."""
        buckets = sorted(
            (float(has["le"]), value)
            for has, value in self._values.get(f"{histogram}_bucket", ())
            if labels.items() <= has.items()
        )
        if not buckets or not buckets[-1][1]:
            return None
        rank = q * buckets[-1][1]
        low, below = 0.0, 0.0
        for high, count in buckets:
            if count >= rank:
                return low if isinf(high) else low + (high - low) * (rank - below) / max(1e-9, count - below)
            low, below = high, count
        return None

    def __bool__(self) -> bool:
        """Whether the process answered."""
        return bool(self._values)


def scrape(url: str) -> Samples:
    """The samples of a process; empty when it does not answer."""
    try:
        with urlopen(url, timeout=SCRAPE_TIMEOUT_S) as answer:  # noqa: S310 - an http URL made by us
            return Samples(answer.read().decode())
    except NO_ANSWER:
        return Samples("")
