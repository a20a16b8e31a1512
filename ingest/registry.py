"""What ingest knows of the registry: the fold of ``city.facilities.v1``, looked up by device."""

from collections.abc import Iterator

from schemas.columns import SeriesColumns
from schemas.facility import DeviceBinding, Facility, FacilityClass, Policy
from schemas.partitioning import partition_of
from schemas.properties import OF_DEVICE, PROPERTIES
from schemas.registry import (
    CITY_KEY,
    LOAD_KEY,
    RETIRED_KEY,
    WATER_KEY,
    CityWide,
    ClassConfigured,
    FacilityRegistered,
    ZoneConfigured,
)
from schemas.water import WaterNetworkConfigured
from schemas.works import MaintenancePlanned

OfZone = ZoneConfigured | WaterNetworkConfigured
"""What is known of a zone as a whole."""
Planned = CityWide | MaintenancePlanned
"""What says something of no single facility or zone as it is."""
Standing = Planned | OfZone | FacilityRegistered
"""What the daily rewrite repeats."""

_CACHED_MAX = 500_000
_ZONE_KEYS = ("zone:", WATER_KEY)
"""Beginnings of keys behind which a zone stands."""


class Target:
    """Where a reading goes: its series and the partition of the series' zone. Compared by identity, which is fast."""

    __slots__ = ("partition", "series")

    def __init__(self, partition: int, series: SeriesColumns) -> None:
        self.partition = partition
        self.series = series


class View:
    """A facility as a camera sees it: in a zone of its own, or in a polygon of ours; neither is the whole picture."""

    __slots__ = ("camera_zone", "facility", "homography", "partition", "polygon")

    def __init__(self, partition: int, facility: Facility, binding: DeviceBinding) -> None:
        self.partition = partition
        self.facility = facility
        self.camera_zone = binding.camera_zone
        self.polygon = binding.polygon
        self.homography = binding.homography


class Registry:
    """Facilities, zones, and which device speaks for what."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._facilities: dict[str, Facility] = {}
        self._revisions: dict[str, int] = {}
        self._zones: dict[str, OfZone] = {}  # by key
        self._devices: dict[str, dict[str, tuple[DeviceBinding, ...]]] = {}
        self._targets: dict[tuple[str, str, str], tuple[Target, ...]] = {}
        self._views: dict[str, tuple[View, ...]] = {}
        self._zone_keys: list[set[str]] = [set() for _ in range(partitions)]
        self._facility_keys: list[set[str]] = [set() for _ in range(partitions)]
        self._plans: dict[str, Planned] = {}
        self._loads: dict[str, int] = {}
        self.retired: set[str] = set()
        """The ingests that will not come back."""

    def __len__(self) -> int:
        return len(self._facilities)

    def apply(self, key: str, data: FacilityRegistered | OfZone | None) -> set[str]:
        """Fold one record of the topic (None is a tombstone); returns the devices whose bindings may have changed."""
        beginning = next((one for one in _ZONE_KEYS if key.startswith(one)), None)
        if beginning is not None:
            keys = self._zone_keys[partition_of(key.removeprefix(beginning), self._partitions)]
            if isinstance(data, OfZone):
                self._zones[key] = data
                keys.add(key)
            else:
                self._zones.pop(key, None)
                keys.discard(key)
            return set()
        changed = self._unbind(key)
        if isinstance(data, FacilityRegistered):
            changed |= self._bind(data.facility)
            self._revisions[key] = data.revision
        self._targets.clear()  # rare: the registry changes by the hour, readings come by the thousand a second
        self._views.clear()
        return changed

    def _unbind(self, facility_id: str) -> set[str]:
        facility = self._facilities.pop(facility_id, None)
        self._revisions.pop(facility_id, None)
        if facility is None:
            return set()
        self._facility_keys[partition_of(facility.zone, self._partitions)].discard(facility_id)
        devices = {binding.device for binding in facility.devices}
        for device in devices:
            bound = self._devices[device]
            del bound[facility_id]
            if not bound:
                del self._devices[device]
        return devices

    def _bind(self, facility: Facility) -> set[str]:
        self._facilities[facility.facility] = facility
        self._facility_keys[partition_of(facility.zone, self._partitions)].add(facility.facility)
        devices = {binding.device for binding in facility.devices}
        for device in devices:
            bindings = tuple(binding for binding in facility.devices if binding.device == device)
            self._devices.setdefault(device, {})[facility.facility] = bindings
        return devices

    def knows(self, device: str) -> bool:
        """Whether any facility claims anything of this device."""
        return device in self._devices

    def speakers(self, device: str) -> frozenset[str]:
        """The gateways that may speak for it; empty where the registry names none: then any may."""
        bindings = (one for bound in self._devices.get(device, {}).values() for one in bound)
        return frozenset(one.gateway for one in bindings if one.gateway is not None)

    def home(self, device: str) -> tuple[Facility, float | None] | None:
        """The first facility that a device speaks for, and the shortest interval in s that any expects of it."""
        bound = self._devices.get(device)
        if not bound:
            return None
        intervals = [one.interval_s for bindings in bound.values() for one in bindings if one.interval_s is not None]
        return self._facilities[min(bound)], min(intervals, default=None)

    def of_zone(self, zone: str) -> Policy | None:
        """What is configured of a zone."""
        known = self._zones.get(f"zone:{zone}")
        return known.policy if isinstance(known, ZoneConfigured) else None

    def of_class(self, facility_class: FacilityClass) -> Policy | None:
        """What is configured of all facilities of a class."""
        known = self._plans.get(f"{CITY_KEY}class/{facility_class.value}")
        return known.policy if isinstance(known, ClassConfigured) else None

    def targets(self, device: str, observed_property: str, channel: str = "") -> tuple[Target, ...]:
        """Every series this reading belongs to; empty when no facility claims it."""
        found = self._targets.get((device, observed_property, channel))
        if found is None:
            found = tuple(self._look_up(device, observed_property, channel))
            if len(self._targets) >= _CACHED_MAX:  # unknown devices must not fill the memory
                self._targets.clear()
            self._targets[device, observed_property, channel] = found
        return found

    def _look_up(self, device: str, observed_property: str, channel: str) -> Iterator[Target]:
        bound = sorted(self._devices.get(device, {}).items())
        claiming = [
            known for known, bindings in bound if any(_claims(one, observed_property, channel) for one in bindings)
        ]
        if not claiming and observed_property in OF_DEVICE:
            claiming = [known for known, _ in bound[:1]]
        for facility_id in claiming:
            yield self._target(device, observed_property, self._facilities[facility_id])

    def _target(self, device: str, observed_property: str, facility: Facility) -> Target:
        series = SeriesColumns(
            device=device,
            observed_property=observed_property,
            unit=PROPERTIES[observed_property].unit,
            facility=facility.facility,
            facility_class=facility.facility_class,
            zone=facility.zone,
        )
        return Target(partition_of(facility.zone, self._partitions), series)

    def views(self, device: str) -> tuple[View, ...]:
        """Every facility this camera watches; empty when nobody registered it."""
        found = self._views.get(device)
        if found is None:
            found = tuple(
                View(partition_of(facility.zone, self._partitions), facility, binding)
                for facility_id, bindings in sorted(self._devices.get(device, {}).items())
                for facility in (self._facilities[facility_id],)
                for binding in bindings
            )
            if len(self._views) >= _CACHED_MAX:
                self._views.clear()
            self._views[device] = found
        return found

    def apply_plan(self, key: str, data: Planned | None) -> None:
        """Fold one record of the topic about the whole city or planned works (None is a tombstone)."""
        if data is None:
            self._plans.pop(key, None)
        else:
            self._plans[key] = data

    def _concerns(self, plan: Planned, partition: int) -> bool:
        return isinstance(plan, CityWide) or partition_of(plan.zone, self._partitions) == partition

    def keys(self, partition: int) -> list[str]:
        """The keys of all that stands in this partition of the events: the city, works, zones, networks, facilities."""
        plans = sorted(key for key, plan in self._plans.items() if self._concerns(plan, partition))
        zones = sorted(self._zone_keys[partition], key=lambda key: (key.startswith(WATER_KEY), key))
        return plans + zones + sorted(self._facility_keys[partition])

    def standing(self, key: str, partition: int) -> Standing | None:
        """What is known under this key by now; None when it is gone or stands in another partition."""
        plan = self._plans.get(key)
        if plan is not None and self._concerns(plan, partition):
            return plan
        if key in self._zone_keys[partition]:
            return self._zones[key]
        if key in self._facility_keys[partition]:
            return FacilityRegistered(facility=self._facilities[key], revision=self._revisions[key])
        return None

    def note(self, key: str, *, stands: bool, wall_ms: int) -> None:
        """Fold a record of the topic that is about no facility and no zone: said at this time, or taken back."""
        if key.startswith(RETIRED_KEY):
            (self.retired.add if stands else self.retired.discard)(key.removeprefix(RETIRED_KEY))
        elif key.startswith(LOAD_KEY) and stands:
            self._loads[key] = wall_ms
        elif key.startswith(LOAD_KEY):
            self._loads.pop(key, None)

    def loading(self, since_ms: int) -> bool:
        """Whether a load of the registry that began after this time has not come to its end."""
        return any(began_ms > since_ms for began_ms in self._loads.values())


def _claims(binding: DeviceBinding, observed_property: str, channel: str) -> bool:
    return (binding.properties is None or observed_property in binding.properties) and binding.channel in (
        None,
        channel,
    )
