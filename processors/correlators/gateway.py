"""A gateway that is down: one finding, not one for each device that it carries.

Devices fall silent together when what carries them fails. A device takes part in an outage that began when the last of
them was heard, if it would have been heard again by then: its interval (and some slack) after its own last word
reaches that far. Enough of them, and a large enough share of those that would be missed by now, make the finding; what
was dead before counts for nothing. Every silent device of it carries the finding as its cause, also those that are
missed later; who is still silent when the gateway is back is on its own again.

What a device is carried by says :class:`schemas.carrier.DeviceCarried`. No clock is needed: findings bring their times.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from processors.detectors.common import UNBOUND, Packed, span
from processors.engine.contract import QUIET, Clock, Outcome, Series, ZoneEvent
from schemas.anomaly import KINDS, Anomaly, AnomalyKind, Transition
from schemas.carrier import DeviceCarried, GatewaySite
from schemas.facility import FacilityClass
from schemas.identity import finding_id
from schemas.model import Model, from_ms, to_ms
from schemas.rules import resolve
from schemas.rules.found import rule_of

KIND: Final = AnomalyKind.GATEWAY_DOWN
_RULES: Final = ("gateway",)


class Raised(msgspec.Struct, frozen=True, array_like=True):
    """A finding as it was raised, a silent device's or our own."""

    since_ms: int
    said: bytes

    @classmethod
    def of(cls, finding: Anomaly) -> "Raised":
        """The finding, to be remembered."""
        return cls(to_ms(finding.since), finding.model_dump_json(by_alias=True).encode())

    @property
    def finding(self) -> Anomaly:
        """As it was said."""
        return Anomaly.model_validate_json(self.said)


class Carrier(msgspec.Struct, array_like=True):
    """A gateway, as far as this district hears through it."""

    site: bytes | None = None
    """Its facility (:class:`schemas.carrier.GatewaySite`), if it is one."""
    rules: dict[str, float] = {}
    devices: dict[str, int] = {}
    """To the interval in ms of those that are missed when they are silent."""
    opened: Raised | None = None
    """Its outage; since when the last device of it was heard."""
    missing: list[str] = []
    """The devices of the outage that are still silent."""
    most: int = 0
    """So many there were."""


class State(msgspec.Struct, array_like=True):
    """The gateways of a district, what they carry, and who is silent."""

    district: str
    carriers: dict[str, Carrier] = {}
    carried: dict[str, str] = {}
    """The gateway of each device."""
    silent: dict[str, Raised] = {}


class GatewayCorrelator(Packed[State]):
    """Finds what silent devices have in common."""

    state_type = State
    name: Final = "gateway"
    version: Final = 4
    hears_late: Final = False

    def initial(self, zone: str) -> State:
        """Nobody is carried by anybody; the zone is a district."""
        return State(zone)

    def wants(self, series: Series) -> bool:  # noqa: ARG002 - there are no readings in a fold over findings
        """None."""
        return False

    def fold(self, state: State, events: Sequence[ZoneEvent], clock: Clock) -> Outcome:  # noqa: ARG002 - findings bring their times
        """Take in who carries whom and who is silent."""
        said: list[Model] = []
        for event in events:
            if isinstance(event, DeviceCarried):
                said += self._on_carried(state, event)
            elif isinstance(event, Anomaly) and event.kind is AnomalyKind.DEVICE_SILENT:
                said += self._on_silent(state, event)
        return Outcome(said) if said else QUIET

    def _on_carried(self, state: State, event: DeviceCarried) -> Iterator[Anomaly]:
        device, gateway = event.device, event.gateway
        before = state.carried.pop(device, None)
        if before is not None and before != gateway:
            carrier = state.carriers[before]
            carrier.devices.pop(device, None)
            yield from self._back(state, before, device, event.time, None if gateway is not None else UNBOUND)
            if not carrier.devices and carrier.opened is None:
                del state.carriers[before]
        if gateway is None:
            return
        carrier = state.carriers.setdefault(gateway, Carrier())
        if event.site is not None:
            carrier.site, carrier.rules = event.site.model_dump_json().encode(), event.site.rules
        carrier.devices.pop(device, None)
        if event.interval_s is not None:
            carrier.devices[device] = round(event.interval_s * 1000)
        state.carried[device] = gateway
        if before != gateway and device in state.silent:
            yield from self._missed(state, gateway, device, state.silent[device].finding)

    def _on_silent(self, state: State, event: Anomaly) -> Iterator[Anomaly]:
        device = event.subject
        gateway = state.carried.get(device)
        if event.transition is Transition.RAISED:
            state.silent[device] = Raised.of(event)
            if gateway is not None:
                yield from self._missed(state, gateway, device, event)
        elif event.transition is Transition.UPDATED:
            yield from _as_is_now(state, gateway, event)
        else:
            known = state.silent.pop(device, None)
            if known is not None and gateway is not None:
                yield from self._back(state, gateway, device, event.at, event.reason)

    def _missed(self, state: State, gateway: str, device: str, event: Anomaly) -> Iterator[Anomaly]:
        carrier = state.carriers[gateway]
        values = resolve(_RULES, [carrier.rules])
        slack_ms = round(values["gateway.slack_s"] * 1000)
        if carrier.opened is not None:
            if device not in carrier.missing and _reaches(state, carrier, device, carrier.opened.since_ms - slack_ms):
                carrier.missing = sorted([*carrier.missing, device])
                carrier.most = max(carrier.most, len(carrier.missing))
                yield _explained(state.silent[device], carrier.opened)
            return
        silent = [name for name in sorted(carrier.devices) if name in state.silent]
        last_ms = max((state.silent[name].since_ms for name in silent), default=0)
        together = [name for name in silent if _reaches(state, carrier, name, last_ms - slack_ms)]
        if len(together) < values["gateway.devices"]:
            return
        slowest_ms = max(carrier.devices[name] for name in together)
        heard = sum(
            interval_ms <= slowest_ms and name not in state.silent for name, interval_ms in carrier.devices.items()
        )
        share = len(together) / (len(together) + heard)
        if share < values["gateway.share"]:
            return
        within_ms = last_ms - min(state.silent[name].since_ms for name in together)
        all_of = len(together) + heard
        summary = f"Gateway {gateway} is down: {len(together)} of {all_of} devices fell silent within {span(within_ms)}"
        zone = _lamps_of([state.silent[name].finding for name in together])
        if zone is not None:
            summary += f"; all are lamps of {zone}: perhaps it is their feeder that lost its power"
        numbers = {"silent": float(len(together)), "devices": float(all_of), "share": round(share, 3)}
        down = self._down(gateway, carrier, last_ms, event, summary, numbers)
        carrier.opened, carrier.missing, carrier.most = Raised.of(down), together, len(together)
        yield down
        for name in together:
            yield _explained(state.silent[name], carrier.opened)

    def _down(
        self, gateway: str, carrier: Carrier, last_ms: int, event: Anomaly, summary: str, numbers: dict[str, float]
    ) -> Anomaly:
        """On the gateway's own facility; where it is none, at the device that was missed last."""
        site = None if carrier.site is None else GatewaySite.model_validate_json(carrier.site)
        zone = event.zone if site is None else site.zone
        return Anomaly(
            id=finding_id(KIND, zone, gateway, str(last_ms)),
            transition=Transition.RAISED,
            kind=KIND,
            severity=KINDS[KIND].severity,
            zone=zone,
            subject=gateway,
            facility=None if site is None else site.facility,
            facility_class=None if site is None else site.facility_class,
            place=event.place if site is None else site.place,
            since=from_ms(last_ms),
            at=event.at,
            summary=summary,
            numbers=numbers,
            detector=self.name,
            detector_version=self.version,
            rule=rule_of(KIND, self.name),
        )

    def _back(self, state: State, gateway: str, device: str, at: datetime, reason: str | None) -> Iterator[Anomaly]:
        """A device is heard again, or is another gateway's; with a ``reason`` it is nobody's any more."""
        carrier = state.carriers[gateway]
        if carrier.opened is None or device not in carrier.missing:
            return
        carrier.missing = [name for name in carrier.missing if name != device]
        if reason is not None:
            carrier.most -= 1  # it is no part of the outage any more
        if device in state.silent:  # it is carried by another now, and still silent
            yield _explained(state.silent[device], None)
        values = resolve(_RULES, [carrier.rules])
        back = carrier.most - len(carrier.missing)
        if carrier.missing and (not back or back < values["gateway.back_share"] * carrier.most):
            return
        raised = carrier.opened.finding
        at = max(at, raised.at)  # findings of two zones come in the order in which they were published
        down_ms = to_ms(at) - carrier.opened.since_ms
        summary = f"Gateway {gateway} is back after {span(down_ms)}: {back} of {carrier.most} devices are heard again"
        if not back:
            summary = f"Gateway {gateway} is no longer watched: the last of its silent devices is gone"
        yield raised.model_copy(
            update={
                "transition": Transition.CLEARED,
                "at": at,
                "summary": summary,
                "numbers": {"down_s": down_ms / 1000, "back": float(back), "silent": float(len(carrier.missing))},
                "reason": None if back else reason,
            }
        )
        for name in carrier.missing:
            yield _explained(state.silent[name], None)
        carrier.opened, carrier.missing, carrier.most = None, [], 0


def _as_is_now(state: State, gateway: str | None, event: Anomaly) -> Iterator[Anomaly]:
    """Something else is said of a silent device's finding, such as that works are over; our own steps are no news."""
    if event.detector == GatewayCorrelator.name or event.subject not in state.silent:
        return
    state.silent[event.subject] = Raised.of(event)
    carrier = None if gateway is None else state.carriers[gateway]
    if carrier is not None and carrier.opened is not None and event.subject in carrier.missing:
        yield _explained(state.silent[event.subject], carrier.opened)


def _lamps_of(silent: Sequence[Anomaly]) -> str | None:
    """The zone, if all of these are lamps of one: they hang on one line as well as on one gateway."""
    zones = {one.zone for one in silent}
    are_lamps = all(one.facility_class is FacilityClass.STREET_LAMP for one in silent)
    return min(zones) if are_lamps and len(zones) == 1 else None


def _reaches(state: State, carrier: Carrier, device: str, at_ms: int) -> bool:
    """Whether a silent device would have been heard again by then, had nothing happened."""
    interval_ms = carrier.devices.get(device)
    return interval_ms is not None and state.silent[device].since_ms + interval_ms >= at_ms


def _explained(silent: Raised, cause: Raised | None) -> Anomaly:
    """A step of a silent device's finding: what explains it, or that nothing does any more.

    It stands at the time of that finding's newest step, so that it never comes behind its end, which we may not
    have heard of yet.
    """
    return silent.finding.model_copy(
        update={
            "transition": Transition.UPDATED,
            "caused_by": None if cause is None else cause.finding.id,
            "detector": GatewayCorrelator.name,
            "detector_version": GatewayCorrelator.version,
        }
    )
