"""The made-up street: everything its devices say, and everything that is wrong on purpose."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from heapq import merge
from typing import Final

from ops.simulate import layout
from ops.simulate.kerb import camera
from ops.simulate.model import DAY_MS, MINUTE_MS, Incident, Item
from ops.simulate.parking import bay
from ops.simulate.plan import BAYS, COVERS, LAMPS, Span, day_plan
from ops.simulate.steady import OPEN_NOTICE_MS, cover, cover_phase_ms, lamp, lamp_phase_ms, last_word_ms
from schemas.anomaly import AnomalyKind
from schemas.facility import Facility
from schemas.registry import ZoneConfigured

SLACK_MS: Final = 15 * MINUTE_MS  # on top of what a rule needs: readings that come late, ticks between


@dataclass(frozen=True)
class Street:
    """A street under a seed, from a moment on."""

    seed: int
    start_ms: int

    @cached_property
    def facilities(self) -> tuple[Facility, ...]:
        """What must be registered for it."""
        return layout.facilities()

    @cached_property
    def zones(self) -> tuple[ZoneConfigured, ...]:
        """What must be configured for it."""
        return layout.zones()

    def numbers(self, device: str) -> bool:
        """All but the lamps number their messages."""
        return not device.startswith("lamp-")

    def items(self) -> Iterator[Item]:
        """Everything the street says, for ever, in the order of time."""
        return merge(
            *(cover(self.seed, index, self.start_ms) for index in range(COVERS)),
            *(bay(self.seed, index, self.start_ms) for index in range(BAYS)),
            *(lamp(self.seed, index, self.start_ms) for index in range(LAMPS)),
            camera(self.seed, self.start_ms),
            key=lambda item: item.at_ms,
        )

    def incidents(self, until_ms: int) -> list[Incident]:
        """All that began up to then."""
        days = range((until_ms - self.start_ms) // DAY_MS + 1) if until_ms >= self.start_ms else range(0)
        found = [incident for day in days for incident in self._day(day)]
        return sorted((i for i in found if i.start_ms <= until_ms), key=lambda i: i.start_ms)

    def _day(self, day: int) -> Iterator[Incident]:
        plan = day_plan(self.seed, day)
        yield self._cover(AnomalyKind.COVER_TILTED, plan.tilted, after_min=2 * layout.COVER_INTERVAL_S // 60)
        yield self._cover(AnomalyKind.COVER_OPEN, plan.opened, after_min=layout.COVER_INTERVAL_S // 60)
        yield self._incident(
            AnomalyKind.PARKING_OVERSTAY,
            layout.bay_id(plan.overstay.index),
            layout.SEGMENTS[plan.overstay.index // (BAYS // 2)],
            (plan.overstay.start_ms, plan.overstay.end_ms),
            after_min=layout.MAX_STAY_S // 60,
        )
        for kind, span in (
            (AnomalyKind.NO_STOPPING, plan.no_stopping),
            (AnomalyKind.BUS_STOP_BLOCKED, plan.bus_stop),
        ):
            times = span.start_ms, span.end_ms
            kerb, segment = layout.KERBS[span.index], layout.SEGMENTS[span.index]
            yield self._incident(kind, kerb, segment, times, after_min=4)
        lamp_at = plan.silent_lamp.index
        yield self._silent(
            layout.lamp_device(lamp_at),
            layout.FEEDER,
            layout.LAMP_INTERVAL_S,
            lamp_phase_ms(self.seed, lamp_at),
            plan.silent_lamp,
        )
        cover_at = plan.silent_cover.index
        yield self._silent(
            layout.cover_device(cover_at),
            _cover_zone(cover_at),
            layout.COVER_INTERVAL_S,
            cover_phase_ms(self.seed, cover_at),
            plan.silent_cover,
        )

    def _cover(self, kind: AnomalyKind, span: Span, *, after_min: int) -> Incident:
        notice = OPEN_NOTICE_MS if kind is AnomalyKind.COVER_OPEN else 0
        times = span.start_ms + notice, span.end_ms + notice
        return self._incident(kind, layout.cover_id(span.index), _cover_zone(span.index), times, after_min=after_min)

    def _silent(self, device: str, zone: str, interval_s: int, phase_ms: int, span: Span) -> Incident:
        """A silence lasts from the device's last word to its next."""
        last = last_word_ms(self.start_ms, interval_s, phase_ms, self.start_ms + span.start_ms) - self.start_ms
        back = last_word_ms(self.start_ms, interval_s, phase_ms, self.start_ms + span.end_ms) - self.start_ms
        times = last, back + interval_s * 1000
        return self._incident(AnomalyKind.DEVICE_SILENT, device, zone, times, after_min=3 * interval_s // 60)

    def _incident(
        self, kind: AnomalyKind, subject: str, zone: str, times: tuple[int, int], *, after_min: int
    ) -> Incident:
        start_ms, end_ms = (self.start_ms + since for since in times)
        return Incident(kind, subject, zone, start_ms, end_ms, start_ms + after_min * MINUTE_MS + SLACK_MS)


def _cover_zone(index: int) -> str:
    return f"grid:{layout.GRIDS[index // (COVERS // 2)]}"
