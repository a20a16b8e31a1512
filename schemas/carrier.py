"""Carriers: through which gateway a device is heard, as far as its messages or the registry say."""

from typing import Annotated, Final

from pydantic import Field

from schemas.facility import FacilityClass, Place
from schemas.model import DeviceId, Model, Timestamp, ZoneId

NO_DISTRICT: Final = "no-district"
"""The key of what stands in no district that anybody knows of."""

District = Annotated[str, Field(min_length=1, max_length=32)]


class GatewaySite(Model):
    """The facility that a gateway is in the registry, and what is configured of it."""

    facility: str
    facility_class: FacilityClass
    zone: ZoneId
    place: Place
    rules: Annotated[dict[str, float], Field(default_factory=dict)]
    """Parameters of the rule ``gateway``, by full name, that its facility, zone or class have of their own."""


class DeviceCarried(Model):
    """The gateway through which a registered device is heard from now on; the newest word in its district counts."""

    device: DeviceId
    gateway: DeviceId | None
    """None: through none that anybody knows of, or nobody claims the device in this district any more."""
    district: District
    """Of the first facility that it speaks for."""
    interval_s: Annotated[float | None, Field(gt=0)] = None
    """Seconds between two messages of a healthy device, as the registry has it."""
    site: GatewaySite | None = None
    """Of the gateway; None: it is no facility."""
    time: Timestamp

    @property
    def key(self) -> str:
        """In ``city.carriers.v1``."""
        return f"{self.district}/{self.device}"
