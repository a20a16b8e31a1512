"""One MQTT message to be sent, and the lines of the sent file that stand for it."""

from typing import Any, NamedTuple

import msgspec

from ops.simulate.model import Sample, Sighting, Source
from schemas.identity import numbered, timed
from schemas.model import format_rfc3339, from_ms
from schemas.properties import PROPERTIES
from schemas.units import UNITS, to_canonical

_encode = msgspec.json.Encoder().encode


class Publication(NamedTuple):
    """A message: when it is to be sent (feed clock), where to, what, and its lines for the sent file without ``n``."""

    due_ms: int
    topic: str
    payload: bytes
    lines: tuple[dict[str, Any], ...]


class Packer:
    """Puts what devices measured into messages of our own format, and numbers them as the devices would."""

    def __init__(self, source: Source, *, site: str, boot: str) -> None:
        self._numbers = source.numbers
        self._site = site
        self._boot = boot
        self._seqs: dict[str, int] = {}

    def sample(self, sample: Sample) -> Publication:
        """A reading, or several of one device and moment as an array under one number."""
        stamp = {"time": format_rfc3339(from_ms(sample.at_ms))} | self._number(sample.device)
        bodies, lines = [], []
        for name, value, unit in sample.values:
            body = {"property": name, "value": value} | ({"unit": unit} if unit else {}) | stamp
            meant = canonical(float(value), unit)
            bodies.append(body)
            lines.append(
                {
                    "kind": "reading",
                    "device": sample.device,
                    "property": name,
                    "identity": self._identity(stamp, sample.at_ms, meant),
                    "value": meant,
                }
            )
        payload = _encode(bodies if len(bodies) > 1 else bodies[0])
        return Publication(sample.at_ms, self.topic(sample.device, "observations"), payload, tuple(lines))

    def conflict(self, sample: Sample, original: Publication) -> Publication | None:
        """Another value under the number of the first numeric reading; None where there is none to contradict."""
        for (name, value, unit), line in zip(sample.values, original.lines, strict=True):
            if isinstance(value, bool) or not line["identity"].startswith("a:"):
                continue
            other = _another(name, value, unit)
            boot, seq = line["identity"].removeprefix("a:").rsplit(":", 1)
            stamp = {"time": format_rfc3339(from_ms(sample.at_ms)), "boot": boot, "seq": int(seq)}
            body = {"property": name, "value": other} | ({"unit": unit} if unit else {}) | stamp
            return Publication(
                original.due_ms, original.topic, _encode(body), ({**line, "value": canonical(other, unit)},)
            )
        return None

    def sighting(self, seen: Sighting) -> Publication:
        """What a camera saw."""
        number = self._number(seen.device)
        body = {
            "phase": seen.phase.value,
            "track": seen.track,
            "label": seen.label,
            "time": format_rfc3339(from_ms(seen.at_ms)),
            "zones": seen.zones,
            "stationary": seen.stationary,
            "confidence": seen.confidence,
        } | number
        identity = (
            numbered(number["boot"], number["seq"]) if number else f"b:{seen.at_ms}:{seen.phase.value}:{seen.track}"
        )
        line = {"kind": "camera", "device": seen.device, "identity": identity}
        return Publication(seen.at_ms, self.topic(seen.device, "camera"), _encode(body), (line,))

    def topic(self, device: str, channel: str) -> str:
        """Where a device publishes."""
        return f"eyes/v1/{self._site}/{device}/{channel}"

    def _number(self, device: str) -> dict[str, Any]:
        if not self._numbers(device):
            return {}
        seq = self._seqs.get(device, -1) + 1
        self._seqs[device] = seq
        return {"boot": self._boot, "seq": seq}

    @staticmethod
    def _identity(stamp: dict[str, Any], at_ms: int, meant: float) -> str:
        return numbered(stamp["boot"], stamp["seq"]) if "seq" in stamp else timed(at_ms, meant)


def canonical(value: float, unit: str | None) -> float:
    """The value as it will be stored; minus zero is zero, or one value would have two identities."""
    return (value if unit is None else to_canonical(value, unit)) + 0.0


def _another(name: str, value: float, unit: str | None) -> float:
    """A value near to this one, and like it within the property's bounds."""
    prop = PROPERTIES[name]
    known = UNITS[unit or prop.unit]
    low, high = ((bound - known.offset) / known.factor for bound in (prop.low, prop.high))
    to_middle = (low + high) / 2 - value
    return value + 0.1 * (to_middle if abs(to_middle) > (high - low) / 100 else high - low)
