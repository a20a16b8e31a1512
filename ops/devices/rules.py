"""Registration by rule: which unknown devices become which facilities, from what they say of themselves. Pure.

A file of rules is TOML; the first rule that fits a device makes its facility::

    [[rule]]
    decoder = "chirpstack-v4"        # every condition may be left out; * and ? as in file names, case does not count
    vendor = "milesight"
    model = "em400*"
    device = "24e124*"
    topic = "application/+/device/+/event/up"   # an MQTT topic filter
    tags = { site = "north" }
    located = true                   # only devices whose messages say where they are

    # {device}, {name}, {vendor}, {model}, {gateway}, {lon}, {lat} and {tag.KEY} are filled in
    [rule.facility]
    facility = "bin-{device}"
    facility_class = "waste_bin"
    zone = "nearest"                 # of the registered zones, within 500 m; or an id such as "segment:{tag.street}"
    lon = "{lon}"
    lat = "{lat}"
    name = "{name}"
    interval_s = 3600
    properties = ["fill_level", "distance"]
"""

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.decoders.catalogue import matches, split_filter
from runtime.errors import FatalError
from schemas.device import DeviceTwin
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place, Policy
from schemas.registry import ZoneConfigured

NEAREST: Final = "nearest"
NEAREST_M: Final = 500.0
_BLANK: Final = re.compile(r"\{([a-z.A-Z0-9_-]+)\}")
_EARTH_M: Final = 6_371_008.8


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Template(_Strict):
    """A facility with blanks."""

    facility: str
    facility_class: FacilityClass
    zone: str = NEAREST
    scheme: CodeScheme = CodeScheme.LOCAL
    lon: str | float = "{lon}"
    lat: str | float = "{lat}"
    name: str | None = None
    grid: str | None = None
    district: str | None = None
    address: str | None = None
    interval_s: float | None = None
    properties: tuple[str, ...] | None = None
    channel: str | None = None
    gateway: str | None = None
    policy: Policy = Policy()


class Rule(_Strict):
    """Conditions, all of which must hold, and the facility that follows."""

    decoder: str | None = None
    vendor: str | None = None
    model: str | None = None
    name: str | None = None
    device: str | None = None
    gateway: str | None = None
    topic: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    located: bool | None = None
    facility: Template

    def fits(self, twin: DeviceTwin) -> bool:
        """Whether this rule is about the device; never about one of which only others speak, such as a gateway."""
        if not twin.messages:
            return False
        for word in ("decoder", "vendor", "model", "name", "device", "gateway"):
            if not _like(getattr(self, word), getattr(twin, word)):
                return False
        if self.topic is not None and not matches(split_filter(self.topic), twin.mqtt_topic.split("/")):
            return False
        if self.located is not None and self.located is not (twin.lon is not None):
            return False
        return all(_like(value, twin.tags.get(key)) for key, value in self.tags.items())


class Rules(_Strict):
    """A file of rules."""

    rule: Annotated[tuple[Rule, ...], Field(min_length=1)]


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file.

    Raises:
        FatalError: it cannot be read, or something in it is wrong; the message says what and where.
    """
    try:
        rules = Rules.model_validate(tomllib.loads(path.read_text("utf-8"))).rule
        for rule in rules:
            if rule.topic is not None:
                split_filter(rule.topic)
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise FatalError("\n".join((f"{path} is wrong:", *lines))) from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise FatalError(f"{path} cannot be read as rules: {error}") from None
    return rules


class UnfilledError(ValueError):
    """A rule fits a device and cannot make a facility of it; says what is missing."""


def facility_of(rule: Rule, twin: DeviceTwin, zones: Iterable[ZoneConfigured]) -> Facility:
    """The facility that a rule makes of a device.

    Raises:
        UnfilledError: the device does not say what the rule needs, or what came out is no facility.
    """
    said = _words(twin)
    template = rule.facility
    try:
        lon, lat = (float(_filled(str(value), said)) for value in (template.lon, template.lat))
        optional = {
            key: None if value is None else _filled(value, said)
            for key, value in (("grid", template.grid), ("district", template.district), ("address", template.address))
        }
        place = Place(lon=lon, lat=lat, **optional)
        zone = _nearest(place, zones) if template.zone == NEAREST else _filled(template.zone, said)
        return Facility(
            facility=re.sub(r"[\s/+#]", "-", _filled(template.facility, said))[:64],
            scheme=template.scheme,
            facility_class=template.facility_class,
            name=None if template.name is None else _filled(template.name, said)[:128],
            zone=zone,
            place=place,
            devices=(
                DeviceBinding(
                    device=twin.device,
                    interval_s=template.interval_s or twin.interval_s,
                    properties=template.properties,
                    channel=template.channel,
                    gateway=None if template.gateway is None else _filled(template.gateway, said),
                ),
            ),
            policy=template.policy,
        )
    except UnfilledError:
        raise
    except ValidationError as error:
        first = error.errors()[0]
        raise UnfilledError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except ValueError as error:
        raise UnfilledError(str(error)) from None


def _like(pattern: str | None, text: str | None) -> bool:
    return pattern is None or (text is not None and fnmatchcase(text.lower(), pattern.lower()))


def _words(twin: DeviceTwin) -> dict[str, Any]:
    words: dict[str, Any] = {
        word: getattr(twin, word) for word in ("device", "vendor", "model", "gateway", "lon", "lat")
    }
    words["name"] = twin.name or twin.device
    return words | {f"tag.{key}": value for key, value in twin.tags.items()}


def _filled(template: str, words: Mapping[str, Any]) -> str:
    def fill(match: re.Match[str]) -> str:
        value = words.get(match[1])
        if value is None:
            raise UnfilledError(f"the device does not say its {match[1]}")
        return str(value)

    return _BLANK.sub(fill, template)


def _nearest(place: Place, zones: Iterable[ZoneConfigured]) -> str:
    distances = [(distance_m(place, zone.place), zone.zone) for zone in zones]
    near = [one for one in distances if one[0] <= NEAREST_M]
    if not near:
        raise UnfilledError(f"no zone is registered within {NEAREST_M:.0f} m")
    return min(near)[1]


def distance_m(one: Place, other: Place) -> float:
    """Metres along the great circle (haversine)."""
    north, south = math.radians(one.lat), math.radians(other.lat)
    half = math.sin((south - north) / 2) ** 2
    half += math.cos(north) * math.cos(south) * math.sin(math.radians(other.lon - one.lon) / 2) ** 2
    return 2 * _EARTH_M * math.asin(min(1.0, math.sqrt(half)))
