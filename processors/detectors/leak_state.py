"""What the leak detector remembers of one zone, and its bytes."""

from typing import Final

import msgspec
import numpy as np

from processors.detectors.leak_model import Model
from processors.detectors.leak_night import Nights
from processors.detectors.leak_pairs import Pairs
from processors.detectors.leak_stats import decode, encode
from processors.detectors.leak_steps import Steps, ordered
from processors.detectors.leak_trust import Trust
from schemas.water import WaterRole


class Sensor(msgspec.Struct):
    """One series: a device's pressure, flow or level at a facility."""

    facility: str
    device: str
    observed_property: str
    present: int = 0
    """Steps with a value among the last ones, at most the length of the patience."""
    missing: int = 0
    """Steps without a value since the last one that had one."""


class Site(msgspec.Struct, frozen=True):
    """Where a facility stands and what people call it."""

    lon: float
    lat: float
    name: str
    is_flow_meter: bool = False


class Finding(msgspec.Struct):
    """A burst that is open."""

    cause: str
    since_ms: int
    pattern: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    change: np.ndarray
    flow: float
    published: float
    drop: float
    sensors: tuple[str, ...]
    """Keys of the pressures that fell most clearly."""
    score: float
    updates: int = 0


class Drift(msgspec.Struct):
    """Pressures that fell against the others: a leak that grows, or what a burst has left."""

    cause: int
    """The day that told of it."""
    since_ms: int
    key: str
    """Of the pressure that fell most clearly."""
    pattern: np.ndarray
    """[pressures] kPa beside what the others say."""
    drop: float
    published: float
    """kPa at that pressure."""
    weeks: int
    score: float
    said: bool
    """Whether there is a finding of it: what a burst or the night has told already is not told again."""
    grown: int
    """The day of which it is known that it grew."""
    updates: int = 0
    extra: float = 0.0
    """m3/h that the nights showed of it."""


class Watch(msgspec.Struct):
    """What is seen of pressures that drift against each other."""

    falls: float = 0.0
    rises: float = 0.0
    """Cumulative sums of what no single meter explains, beyond what is usual."""
    running: int = 0
    """Days in a row."""
    since: int = -1
    """The day from which on pressures fell."""
    changed: int = -1
    """The newest day in which a burst began or ended: it is still being measured what that changed."""
    wary: np.ndarray = msgspec.field(default_factory=lambda: np.zeros(0))
    """[pressures] kPa that changes which are known may leave."""
    alone: np.ndarray = msgspec.field(default_factory=lambda: np.zeros(0))
    """[pressures] days in a row in which it alone differed."""
    drifts: list[Drift] = []


class LeakState(msgspec.Struct):
    """Everything of one zone; its size depends on the number of sensors only."""

    zone: str
    name: str = ""
    place: str = ""
    """The configured :class:`schemas.facility.Place` as JSON."""
    sites: dict[str, Site] = {}
    sensors: dict[str, Sensor] = {}
    steps: Steps = msgspec.field(default_factory=Steps)
    layout: tuple[str, ...] = ()
    """Keys of the sensors the model is made of: pressures, then flows, then levels."""
    counts: tuple[int, int, int] = (0, 0, 0)
    model: Model | None = None
    last_ms: int = 0
    first_ms: int = 0
    settling: int = 0
    """Steps since a change whose size is not final yet; nothing new is looked for meanwhile. 0: none."""
    settling_cause: str = ""
    """The finding that change raised, if any."""
    findings: list[Finding] = []
    timer_ms: int | None = None
    nights: Nights = msgspec.field(default_factory=Nights)
    trust: Trust = msgspec.field(default_factory=Trust)
    roles: dict[str, WaterRole] = {}
    """What the meters are by a configuration without a model, by facility; empty: flow meters measure inflows."""
    cost: float | None = None
    currency: str | None = None
    """Of a lost cubic metre."""
    pairs: Pairs | None = None
    watch: Watch = msgspec.field(default_factory=Watch)
    located: bool = False
    """The network has a model, and :mod:`.pipe_leak` looks for its leaks: nothing is looked for here."""

    @property
    def is_heard(self) -> bool:
        """Whether anything is made of readings: without a flow meter nothing could be said of an area."""
        return not self.located and any(site.is_flow_meter for site in self.sites.values())


_encoder: Final = msgspec.msgpack.Encoder(enc_hook=encode)  # it can sort no integer keys: see _ordered
_decoder: Final = msgspec.msgpack.Decoder(LeakState, dec_hook=decode)


def to_bytes(state: LeakState) -> bytes:
    """Equal bytes for equal states, in whatever order they came to know what they know."""
    return _encoder.encode(_ordered(state))


def _ordered(state: LeakState) -> LeakState:
    return msgspec.structs.replace(
        state,
        sites=dict(sorted(state.sites.items())),
        sensors=dict(sorted(state.sensors.items())),
        steps=ordered(state.steps),
        roles=dict(sorted(state.roles.items())),
        trust=msgspec.structs.replace(
            state.trust,
            doubts=dict(sorted(state.trust.doubts.items())),
            odd=dict(sorted(state.trust.odd.items())),
        ),
        nights=msgspec.structs.replace(state.nights, tallies=dict(sorted(state.nights.tallies.items()))),
    )


def from_bytes(data: bytes) -> LeakState:
    """Read :func:`to_bytes`."""
    return _decoder.decode(data)
