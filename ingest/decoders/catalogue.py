"""Which decoder takes a message: the route table first, then whoever recognises it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ingest.decoders.axis import Axis
from ingest.decoders.base import NO_OPTIONS, Decoder, Message, Options, RefusedError, Stateful
from ingest.decoders.chirpstack import ChirpStack
from ingest.decoders.dahua import Dahua
from ingest.decoders.frigate import Frigate
from ingest.decoders.hikvision import Hikvision
from ingest.decoders.home_assistant import HomeAssistant
from ingest.decoders.identify import device_id
from ingest.decoders.lorawan import NO_CODECS, Codecs
from ingest.decoders.onvif import Onvif
from ingest.decoders.openmqttgateway import OpenMqttGateway
from ingest.decoders.own_json import OwnJson
from ingest.decoders.senml.decoder import Senml
from ingest.decoders.sensorthings.decoder import SensorThings
from ingest.decoders.shelly_gen1 import ShellyGen1
from ingest.decoders.shelly_gen2 import ShellyGen2
from ingest.decoders.sparkplug.decoder import SparkplugB
from ingest.decoders.tasmota import Tasmota
from ingest.decoders.things_stack import ThingsStack
from ingest.decoders.zigbee2mqtt import Zigbee2Mqtt
from ingest.meaning.fields import Fields
from ingest.messages import Decoded, Refusal
from schemas.quarantine import Reason

_TOPIC_MAX: Final = 1024
_CACHED_MAX: Final = 200_000


class Route(NamedTuple):
    """Messages whose topic matches an MQTT topic filter are read by the decoder of this name."""

    topic_filter: str
    decoder: str
    options: Options = NO_OPTIONS


DEFAULT_ROUTES: Final = (
    Route("eyes/v1/#", "eyes"),
    *(Route("application/+/device/+/event/+", "chirpstack-v4"), Route("v3/+/devices/+/#", "ttn-v3")),
    *(Route("spBv1.0/#", "sparkplug-b"), Route("senml/#", "senml")),
    *(Route(f"{version}/{path}", "sensorthings") for version in ("v1.0", "v1.1") for path in ("+", "+/Observations")),
    *(Route("frigate/#", "frigate"), Route("axis/+/event/#", "axis-mqtt")),
    Route("zigbee2mqtt/#", "zigbee2mqtt"),
    *(Route("shellies/#", "shelly-gen1"), Route("+/events/rpc", "shelly-gen2")),
    *(Route(one, "tasmota") for one in ("tele/+/+", "stat/+/+", "tasmota/discovery/#")),
    *(Route(f"+/+/{one}toMQTT/#", "openmqttgateway") for one in ("BT", "LORA", "RTL_433", "CLIMA", "SYS")),
    Route("home/+/LWT", "openmqttgateway"),
    Route("homeassistant/#", "home-assistant"),
)
"""Behind those of the configuration."""
ALSO_HEARD: Final = ("+/online", "+/status/+", "axis/+/+", "STATE/+")
"""Topics that no route can promise to one format: who publishes there is recognised by shape."""


class Choice(NamedTuple):
    """Who reads a message, and why."""

    decoder: Decoder
    why: str
    options: Options = NO_OPTIONS


def make_decoders(codecs: Codecs = NO_CODECS, fields: Fields | None = None) -> tuple[Decoder, ...]:
    """One of each, in the order in which they are asked whether a message is theirs: the surest first.

    ``codecs`` and ``fields`` are for LoRaWAN: without them bytes stay undecoded, and the shipped table is used.
    """
    return (
        OwnJson(),
        *(ChirpStack(fields, codecs), ThingsStack(fields, codecs)),
        *(SparkplugB(), SensorThings(), Senml()),
        *(Hikvision(), Onvif(), Axis(), Dahua(), Frigate()),
        *(Zigbee2Mqtt(), ShellyGen1(), Tasmota(), ShellyGen2(), OpenMqttGateway(), HomeAssistant()),
    )


class Catalogue:
    """The decoders of one process, with what the stateful ones have learned."""

    def __init__(self, routes: Sequence[Route] = (), decoders: Iterable[Decoder] | None = None) -> None:
        """Make the table.

        Raises:
            ValueError: a route names a decoder that does not exist, or its filter is none.
        """
        self._decoders: Mapping[str, Decoder] = {one.name: one for one in decoders or make_decoders()}
        self._routes: list[tuple[list[str], Choice]] = []
        for route in (*routes, *DEFAULT_ROUTES):
            decoder = self._decoders.get(route.decoder)
            if decoder is None:
                known = ", ".join(sorted(self._decoders))
                raise ValueError(f"route {route.topic_filter!r}: no decoder {route.decoder!r}; there are: {known}")
            levels = split_filter(route.topic_filter)
            self._routes.append((levels, Choice(decoder, f"route {route.topic_filter}", route.options)))
        self._routed: dict[str, Choice | None] = {}
        self._filters: list[str] | None = None

    def choose(self, message: Message) -> Choice:
        """Who takes a message: the first route that matches its topic, else the first decoder that recognises it.

        Raises:
            RefusedError: nobody.
        """
        topic = message.topic
        if len(topic) > _TOPIC_MAX:
            raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", f"longer than {_TOPIC_MAX} characters")
        if topic in self._routed:
            routed = self._routed[topic]
        else:
            routed = next((choice for levels, choice in self._routes if matches(levels, message.levels)), None)
            if len(self._routed) >= _CACHED_MAX:
                self._routed.clear()
            self._routed[topic] = routed
        if routed is not None:
            return routed
        for decoder in self._decoders.values():
            why = decoder.recognise(message)
            if why is not None:
                return Choice(decoder, why)
        text = "no route takes this topic and no decoder recognises the message; see docs/devices.md"
        raise RefusedError(Reason.UNKNOWN_TOPIC, "topic", text)

    def decode(self, message: Message) -> Decoded:
        """What a message says; who cannot be understood is refused with the reason, nothing is raised for it."""
        try:
            choice = self.choose(message)
            message.decoder, message.why, message.options = choice.decoder.name, choice.why, choice.options
            decoded = choice.decoder.decode(message)
        except RefusedError as error:
            return Decoded(refusal=error.refusal, refused=1)
        if decoded.learned is not None:
            self._filters = None
        return _with_possible_devices(decoded)

    def filters(self, configured: Sequence[str] = ()) -> list[str]:
        """What to subscribe to: the configured filters, or else those of the routes; and what decoders learned to want.

        No filter is covered by another: a broker may send what two of them match twice.
        """
        if self._filters is None:
            self._filters = self._fresh_filters(configured)
        return self._filters

    def _fresh_filters(self, configured: Sequence[str]) -> list[str]:
        wanted = list(configured) or [*("/".join(levels) for levels, _ in self._routes), *ALSO_HEARD]
        for decoder in self._decoders.values():
            if isinstance(decoder, Stateful):
                wanted += decoder.topics()
        unique = list(dict.fromkeys(wanted))
        broad = [one for one in unique if "#" in one or "+" in one]
        return [one for one in unique if not any(other != one and covers(other, one) for other in broad)]

    def learn(self, decoder: str, message: Message) -> None:
        """Give a message back to the decoder that once learned from it."""
        one = self._decoders.get(decoder)
        if isinstance(one, Stateful):
            one.learn(message)
            self._filters = None


def _with_possible_devices(decoded: Decoded) -> Decoded:
    """Without the reports of devices whose ids the log cannot hold: those are refused."""
    kept = []
    refusal: Refusal | None = None
    for report in decoded.reports:
        try:
            device_id(report.device, "device")
            kept.append(report)
        except RefusedError as error:
            refusal = refusal or error.refusal
    if refusal is None:
        return decoded
    refused = decoded.refused + len(decoded.reports) - len(kept)
    return decoded._replace(reports=kept, refusal=decoded.refusal or refusal, refused=refused)


def split_filter(topic_filter: str) -> list[str]:
    """The levels of an MQTT topic filter (MQTT 5.0, section 4.7).

    Raises:
        ValueError: it is none.
    """
    levels = topic_filter.split("/")
    wrong = any("#" in level or ("+" in level and level != "+") for level in levels[:-1])
    last = levels[-1]
    if not topic_filter or wrong or ("#" in last and last != "#") or ("+" in last and last != "+"):
        raise ValueError(f"route {topic_filter!r}: not an MQTT topic filter: + and # stand alone, # stands last")
    return levels


def matches(levels: Sequence[str], topic: Sequence[str]) -> bool:
    """Whether a topic matches a filter, both as their levels."""
    if levels[-1] == "#":
        levels = levels[:-1]
        if len(topic) < len(levels):
            return False
    elif len(topic) != len(levels):
        return False
    return all(want in ("+", level) for want, level in zip(levels, topic, strict=False))


def covers(one: str, other: str) -> bool:
    """Whether every topic that matches the filter ``other`` matches the filter ``one``."""
    if other.endswith("#") and not one.endswith("#"):
        return False
    return matches(one.split("/"), other.split("/"))
