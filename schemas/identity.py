"""Identity: what makes two copies of a reading the same reading, and how ids are derived from it.

Three tiers, best first (DESIGN.md, "Identity"), written as text so that a person can read them in the database:

- ``a:<boot>:<seq>``: the device numbers its messages;
- ``b:<device time, ms>:<value>``: it does not, but says when it measured;
- ``c:<arrival, ms>:<payload hash>:<n>``: neither; given by ingest on arrival, and recognised again only by payload.

And ``d:<end, ms>:<beginning, ms>:<property>`` for what no device sent: derived by a fold from what the same device said
of another property at these two event times.

The value is part of (b), so two values of one instant are two readings; under (a) they are a conflict. Where a device
measures one property on several channels, ``@<channel>`` stands behind the boot in (a) and at the end of the others.
An identity is unique within its series (device and property), so one message may carry several properties under one
number.
"""

from hashlib import blake2b, sha1
from typing import Final, NamedTuple
from uuid import UUID

NAMESPACE: Final = UUID("6f1d3a52-8a3c-5b0e-9d57-0d2f2f4a7c11")
_IN_NAMESPACE: Final = sha1(NAMESPACE.bytes, usedforsecurity=False)


def numbered(boot: str, seq: int, channel: str = "") -> str:
    """Tier (a)."""
    return f"a:{boot}@{channel}:{seq}" if channel else f"a:{boot}:{seq}"


def timed(device_time_ms: int, value: float, channel: str = "") -> str:
    """Tier (b); the value as Python's shortest round-trip text, in the canonical unit."""
    return f"b:{device_time_ms}:{value!r}@{channel}" if channel else f"b:{device_time_ms}:{value!r}"


def arrived(arrival_ms: int, payload_hash: str, index: int, channel: str = "") -> str:
    """Tier (c); ``index`` tells readings of one message apart, ``channel`` whose they are."""
    given = f"c:{arrival_ms}:{payload_hash}:{index}"
    return f"{given}@{channel}" if channel else given


class Derivation(NamedTuple):
    """What a derived reading was made from: its device's ``observed_property`` at these event times."""

    time_ms: int
    since_ms: int
    observed_property: str
    channel: str


def derived(derivation: Derivation) -> str:
    """Tier (d): the same for the same span of the same counter, whatever was made of it."""
    time_ms, since_ms, name, channel = derivation
    return f"d:{time_ms}:{since_ms}:{name}@{channel}" if channel else f"d:{time_ms}:{since_ms}:{name}"


def derivation(identity: str) -> Derivation | None:
    """What :func:`derived` was given; None for the identity of what a device sent."""
    if not identity.startswith("d:"):
        return None
    _, time_ms, since_ms, source = identity.split(":", 3)
    name, _, channel = source.partition("@")
    return Derivation(int(time_ms), int(since_ms), name, channel)


def boot_and_channel(identity: str) -> tuple[str, str]:
    """What an identity says of the device's boot (tier (a) only) and of the channel; empty where it says nothing."""
    match tier(identity):
        case "a":
            boot, _, channel = identity[2:].rpartition(":")[0].partition("@")
            return boot, channel
        case "b":
            return "", identity.split(":", 2)[2].partition("@")[2]
        case _:
            return "", identity.partition("@")[2]


def payload_hash(topic: str, payload: bytes) -> str:
    """Sixteen hex digits that stand for a message's topic and bytes."""
    digest = blake2b(topic.encode(), digest_size=8)
    digest.update(b"\0")
    digest.update(payload)
    return digest.hexdigest()


def tier(identity: str) -> str:
    """``a``, ``b``, ``c`` or ``d``."""
    return identity[0]


def reading_id(device: str, observed_property: str, identity: str) -> UUID:
    """The id of a reading, the same wherever it is computed."""
    return _named(f"reading|{device}|{observed_property}|{identity}")


def finding_id(kind: str, zone: str, subject: str, opening_cause: str) -> UUID:
    """The id of a finding: without the detector's version, so a new version adopts what is open."""
    return _named(f"finding|{kind}|{zone}|{subject}|{opening_cause}")


def event_id(*parts: object) -> UUID:
    """The id of any other event that is derived from what caused it."""
    return _named("event|" + "|".join(map(str, parts)))


def _named(name: str) -> UUID:
    """``uuid5(NAMESPACE, name)`` in half the time: every stay of a vehicle begins with one."""
    digest = _IN_NAMESPACE.copy()
    digest.update(name.encode())
    return UUID(bytes=digest.digest()[:16], version=5)
