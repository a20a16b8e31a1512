"""From a folder to a network that the folds know: read, check, make the model, write it, then say so.

The order is the promise (docs/decisions/0025-models-by-hash.md): the model is acknowledged before the event that names
it is written.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from ops.explained import kafka_explained
from ops.registry import LoadReport, Registered, load_registry, read_registered
from ops.water.geo import Origin, ToPosition, to_position
from ops.water.inp import Network, read_network
from ops.water.model import build_model, is_written, write_model
from ops.water.sensors import OF_WATER, Meter, Sensors, problems, read_sensors, wrong
from runtime.errors import FatalError
from runtime.settings import Settings
from schemas.chunks import digest_of
from schemas.facility import Facility, Place
from schemas.registry import ZoneConfigured, ZoneKind
from schemas.water import WaterNetworkConfigured, WaterRole

SENSORS: Final = "sensors.toml"

Build = Callable[[], bytes]


@dataclass(frozen=True)
class Configuration:
    """What a folder says, checked against itself."""

    network: WaterNetworkConfigured
    """Without its model, which is made last."""
    facilities: tuple[Facility, ...]
    """Of the sensors, at the places of their elements; only where they are to be registered."""
    zone: ZoneConfigured | None
    """The same."""
    build: Build | None
    """Makes the model; None: there is none."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Configured:
    """What was done, or would be."""

    registry: LoadReport
    model: str | None = None
    model_bytes: int = 0
    chunks: int = 0
    """Of the model that were written; 0: it stood in the log already."""


def find_inp(folder: Path) -> Path | None:
    """The EPANET input file of a folder; None where there is none.

    Raises:
        FatalError: the folder is none, or there are several.
    """
    if not folder.is_dir():
        raise FatalError(f"{folder} is no folder: DIR holds an EPANET file (.inp) and {SENSORS}")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".inp")
    if len(found) > 1:
        raise FatalError(
            f"{folder} holds {len(found)} input files ({', '.join(path.name for path in found)}): leave one"
        )
    return found[0] if found else None


def plan(folder: Path, *, origin: Origin | None = None, register: bool = False, model: bool = True) -> Configuration:
    """Read and check a folder; nothing is written and no model made.

    Args:
        folder: with an EPANET file and the file of sensors; without the first leaks are looked for without a model.
        origin: lon and lat of the point (0, 0), instead of what the file of sensors says.
        register: also register the facilities of the sensors and the zone; those that are registered stay as they are.
        model: whether to make a model where there is a file to make it from.

    Raises:
        FatalError: something is wrong; the message says what and where.
    """
    path = folder / SENSORS
    sensors = read_sensors(path)
    if origin is not None:
        sensors = sensors.model_copy(update={"origin": origin})
    inp = find_inp(folder)
    return plan_of(sensors, inp, read_network(inp) if inp else None, path, register=register, model=model)


def plan_of(
    sensors: Sensors, inp: Path | None, network: Network | None, path: Path, *, register: bool, model: bool = True
) -> Configuration:
    """As :func:`plan`, of a file of sensors and a network that were read; ``path`` is what errors name."""
    if network is not None and (found := list(problems(sensors, network))):
        raise FatalError("\n".join((f"{path} does not fit {inp}:", *(f"  {one}" for one in found))))
    try:
        event = WaterNetworkConfigured(
            zone=sensors.zone,
            name=sensors.name,
            sensors=tuple(meter.sensor for meter in sensors.sensor),
            cost_per_m3=sensors.cost_per_m3,
            currency=sensors.currency,
        )
        facilities, zone = _registrations(sensors, network) if register else ((), None)
    except ValidationError as error:
        raise wrong(path, error) from None
    build: Build | None = None
    if network is not None and inp is not None and model:
        # What is wrong with coordinates is said now; the model is made when all is checked.
        build = partial(build_model, inp, event.sensors, _positions(network, sensors))
    return Configuration(event, facilities, zone, build, tuple(_warnings(sensors, modelled=build is not None)))


def _positions(network: Network, sensors: Sensors) -> ToPosition:
    return to_position(network.coordinates.values(), sensors.origin)


def _registrations(sensors: Sensors, network: Network | None) -> tuple[tuple[Facility, ...], ZoneConfigured]:
    if network is None or not network.coordinates:
        raise FatalError("the places of the sensors are in no file: register them with `eyes registry load`")
    position = _positions(network, sensors)
    middle = _middle(network.coordinates.values())

    def place(meter: Meter) -> Place:
        lon, lat = position(*((meter.element and network.at(meter.element)) or middle))
        return Place(lon=round(lon, 6), lat=round(lat, 6))

    by_name: dict[str, Facility] = {}
    for meter in sensors.sensor:
        made = meter.facility_at(sensors.zone, place(meter), sensors.interval_s)
        known = by_name.get(made.facility)
        by_name[made.facility] = made if known is None else _merged(known, made)
    lon, lat = position(*middle)
    zone = ZoneConfigured(
        zone=sensors.zone, kind=ZoneKind.DMA, name=sensors.name, place=Place(lon=round(lon, 6), lat=round(lat, 6))
    )
    return tuple(by_name.values()), zone


def _merged(one: Facility, two: Facility) -> Facility:
    """A facility with two sensors: that of the first, with the devices of both."""
    merged = {binding.device: binding for binding in one.devices}
    for binding in two.devices:
        before = merged.get(binding.device)
        if before is not None:
            both = tuple(dict.fromkeys((*(before.properties or ()), *(binding.properties or ()))))
            binding = before.model_copy(update={"properties": both})  # noqa: PLW2901 - one device speaks for both
        merged[binding.device] = binding
    return one.model_copy(update={"devices": tuple(merged.values())})


def _middle(points: Iterable[tuple[float, float]]) -> tuple[float, float]:
    xs, ys = zip(*points, strict=True)
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def _warnings(sensors: Sensors, *, modelled: bool) -> Iterable[str]:
    roles = {meter.role for meter in sensors.sensor}
    if WaterRole.INLET not in roles:
        yield "no sensor of role inlet: no balance can be drawn, growing leaks will be missed"
    if modelled and WaterRole.PRESSURE not in roles:
        yield "no sensor of role pressure: leaks are found in the balance, but not placed"
    for number, meter in enumerate(sensors.sensor):
        if modelled and meter.element is None and meter.role is not WaterRole.CONSUMPTION:
            yield f"sensor.{number} ({meter.facility}) has no element: the model makes no use of it"


def configure(
    settings: Settings,
    wanted: Configuration,
    *,
    dry_run: bool = False,
    building: Callable[[], None] = lambda: None,
) -> Configured:
    """Make the model, write it, and tell the folds of the network; again, it changes nothing.

    Args:
        settings: where the log is.
        wanted: as :func:`plan` gave it.
        dry_run: make the model and say what would change.
        building: called before the model is made, which takes its time.

    Raises:
        FatalError: a sensor is not registered, or Kafka cannot be reached; nothing was written.
    """
    with kafka_explained(settings.kafka):
        current = read_registered(settings.kafka)
    found = list(unregistered(wanted, current))
    if found:
        raise FatalError(
            "\n".join(("the registry does not have what the sensors name:", *(f"  {one}" for one in found)))
        )
    data = b""
    if wanted.build is not None:
        building()
        data = wanted.build()
    digest = digest_of(data) if data else None
    chunks = 0
    with kafka_explained(settings.kafka):
        missing = digest is not None and not is_written(settings, digest)
        if missing and not dry_run:
            chunks = write_model(settings, data)
    report = load_registry(
        settings,
        [one for one in wanted.facilities if one.facility not in current.facilities],
        _zones(wanted, current),
        networks=(wanted.network.model_copy(update={"model": digest}),),
        again=missing,  # folds that could not find it know the event already
        dry_run=dry_run,
    )
    return Configured(report, digest, len(data), chunks)


def _zones(wanted: Configuration, current: Registered) -> tuple[ZoneConfigured, ...]:
    """The zone, unless somebody configured it already: he knows better."""
    return () if wanted.zone is None or wanted.zone.zone in current.zones else (wanted.zone,)


def unregistered(wanted: Configuration, current: Registered) -> Iterable[str]:
    """What would be missing: the zone, and facilities in it whose devices speak of what the sensors measure."""
    zone = wanted.network.zone
    if zone not in current.zones and wanted.zone is None:
        yield f"zone {zone} is not configured: a row of class `zone` in eyes registry load, or --register"
    facilities = {one.facility: one for one in wanted.facilities} | current.facilities
    for sensor in wanted.network.sensors:
        facility = facilities.get(sensor.facility)
        if facility is None:
            yield f"facility {sensor.facility} is not registered: eyes registry load, or --register"
        elif facility.zone != zone:
            yield f"facility {sensor.facility} is in zone {facility.zone}, not in {zone}"
        elif facility.facility_class not in OF_WATER:
            yield f"facility {sensor.facility} is a {facility.facility_class.value}, which measures no water"
        elif not any(
            binding.properties is None or sensor.observed_property in binding.properties for binding in facility.devices
        ):
            yield f"no device of facility {sensor.facility} speaks of {sensor.observed_property}"
