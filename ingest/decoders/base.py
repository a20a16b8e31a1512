"""The interface of a decoder, and how a topic chooses one."""

from typing import Final, NamedTuple, Protocol

from pydantic import TypeAdapter, ValidationError

from ingest.decoders import own_json
from ingest.messages import Decoded
from schemas.model import DeviceId


class Decoder(Protocol):
    """Makes sense of one payload. It never raises: what it cannot understand is in :attr:`Decoded.refusal`."""

    def __call__(self, payload: bytes) -> Decoded:
        """Read one message; good parts are taken even when others are refused."""


class Route(NamedTuple):
    """What a topic says: whose message it is and how to read it."""

    device: str
    decode: Decoder


class UnknownTopicError(ValueError):
    """No decoder takes this topic; the message says what is wrong with it."""


ROOT: Final = "eyes/v1/"
CLOCK_TOPIC: Final = ROOT + "_clock"
PROBE_ROOT: Final = ROOT + "_probe/"
SESSION_ROOT: Final = "eyes/_session/"
"""Below it each ingest keeps, retained, what its session is subscribed to."""

_CHANNELS: Final[dict[str, Decoder]] = {
    "observations": own_json.decode_observations,
    "camera": own_json.decode_sightings,
}
_PARTS: Final = 5
_device: Final = TypeAdapter(DeviceId)


def route(topic: str) -> Route:
    """Choose by topic.

    Raises:
        UnknownTopicError: not ``eyes/v1/{site}/{device}/{channel}``, an unknown channel, an impossible device name.
    """
    parts = topic.split("/")
    if not topic.startswith(ROOT) or len(parts) != _PARTS or not parts[2] or parts[2].startswith("_"):
        raise UnknownTopicError("not of the form eyes/v1/{site}/{device}/{channel}")
    decode = _CHANNELS.get(parts[4])
    if decode is None:
        raise UnknownTopicError(f"unknown channel {parts[4]!r}, known are {', '.join(_CHANNELS)}")
    try:
        device = _device.validate_python(parts[3])
    except ValidationError as error:
        raise UnknownTopicError(f"device {parts[3]!r}: {error.errors()[0]['msg']}") from None
    return Route(device, decode)
