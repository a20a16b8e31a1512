"""What a decoder collects of one device on its way to a :class:`~ingest.messages.Report`."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from ingest.meaning.values import amount, flag, ucum
from ingest.messages import NOTHING_ABOUT, About, Happening, Kind, Measurement, Named, Numbering, Report, Unmapped
from schemas.camera import CameraObservation
from schemas.properties import PROPERTIES
from schemas.units import to_canonical

CHANNEL_MAX: Final = 64
"""As many signs of a channel the registry can name."""
_UNMAPPED_MAX: Final = 256


@lru_cache(maxsize=4096)
def _convert(observed_property: str, unit: str | None) -> tuple[float, float, str | None] | None:
    """Bounds of a property and the unit to convert from; None when the unit is not one of this property."""
    prop = PROPERTIES[observed_property]
    code = prop.unit if unit is None else ucum(unit)
    if code is None or not prop.accepts(code):
        return None
    return prop.low, prop.high, None if code == prop.unit or code in prop.also else code


class Draft:
    """Measurements of one device, converted and checked; whatever cannot be believed becomes an unmapped field."""

    __slots__ = ("device", "measurements", "time_ms", "unmapped")

    def __init__(self, device: str, time_ms: int | None = None) -> None:
        """``time_ms`` is given to every measurement without a time of its own; None: it is timed on arrival."""
        self.device = device
        self.time_ms = time_ms
        self.measurements: list[Measurement] = []
        self.unmapped: list[Unmapped] = []

    def number(
        self,
        observed_property: str,
        value: Any,
        unit: str | None = None,
        *,
        channel: str = "",
        time_ms: int | None = None,
        field: str = "",
    ) -> bool:
        """Take a number, or text with a number; returns whether it became a measurement.

        Args:
            observed_property: one of :mod:`schemas.properties` that is no flag.
            value: as JSON has it; None is no reading and leaves no trace.
            unit: UCUM or a common spelling, of a value that has none written behind it; None: canonical.
            channel: which of several sensors.
            time_ms: when, where it is not the message's time.
            field: what the device calls it, for what is set aside.
        """
        if value is None:
            return False
        name = field or observed_property
        said = amount(value)
        if said is None:
            self.unknown(name, value, f"no number for {observed_property}")
            return False
        terms = _convert(observed_property, said.unit if said.unit is not None else unit)
        if terms is None:
            self.unknown(name, value, f"no unit of {observed_property}")
            return False
        low, high, convert = terms
        canonical = (said.value if convert is None else to_canonical(said.value, convert)) + 0.0
        if not low <= canonical <= high:
            self.unknown(name, value, f"outside of what {observed_property} can be")
            return False
        self._add(observed_property, canonical, channel, time_ms)
        return True

    def flag(
        self,
        observed_property: str,
        value: Any,
        *,
        true: Sequence[str] = (),
        false: Sequence[str] = (),
        invert: bool = False,
        channel: str = "",
        time_ms: int | None = None,
        field: str = "",
    ) -> bool:
        """Take a flag as devices spell it; ``true`` and ``false`` are further words in lower case."""
        if value is None:
            return False
        found = flag(value, frozenset(true), frozenset(false))
        if found is None:
            self.unknown(field or observed_property, value, f"neither true nor false for {observed_property}")
            return False
        self._add(observed_property, float(found is not invert), channel, time_ms)
        return True

    def _add(self, observed_property: str, value: float, channel: str, time_ms: int | None) -> None:
        when = self.time_ms if time_ms is None else time_ms
        self.measurements.append(Measurement(observed_property, value, when, "", None, channel[:CHANNEL_MAX]))

    def unknown(self, name: str, value: Any, why: str = "") -> None:
        """Keep a field that became no measurement."""
        if len(self.unmapped) < _UNMAPPED_MAX:
            self.unmapped.append(Unmapped(name, value, why))

    def report(
        self,
        kind: Kind | None = None,
        *,
        sightings: Sequence[CameraObservation] = (),
        happening: Happening | None = None,
        online: bool | None = None,
        about: About = NOTHING_ABOUT,
        named: Sequence[Named] = (),
        numbering: Numbering | None = None,
    ) -> Report:
        """What came together; without ``kind``, telemetry when something was measured and diagnostic otherwise."""
        if kind is None:
            kind = Kind.TELEMETRY if self.measurements or named else Kind.DIAGNOSTIC
        if about.uptime_s is not None and self.measurements:  # a restart shows in the events, too
            self.number("uptime", about.uptime_s)
        return Report(
            self.device,
            kind,
            self.time_ms,
            self.measurements,
            sightings,
            happening,
            online,
            about,
            self.unmapped,
            named,
            numbering,
        )
