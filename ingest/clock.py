"""The stack's clock as ingest sees it: the wall, or the feeder; and whether the wall was stepped."""

from typing import Annotated, Final

import msgspec
import structlog
from pydantic import ValidationError

from ingest.decoders.base import RefusedError
from ingest.decoders.own_terms import strict_json
from schemas.model import Model, Timestamp, to_ms
from schemas.quarantine import Reason

log: Final = structlog.get_logger()

STEP_MS: Final = 2_000


class StepDetector:
    """Compares the wall clock with the monotonic one, which nobody can set."""

    def __init__(self, wall_ms: int, monotonic_ms: int) -> None:
        self._wall_ms = wall_ms
        self._monotonic_ms = monotonic_ms

    def look(self, wall_ms: int, monotonic_ms: int) -> tuple[int, int] | None:
        """The wall time that was to be expected and the one found, if they are more than two seconds apart.

        Drift adds up slowly and is not a step: each look starts anew.
        """
        expected = self._wall_ms + monotonic_ms - self._monotonic_ms
        self._wall_ms, self._monotonic_ms = wall_ms, monotonic_ms
        return (expected, wall_ms) if abs(wall_ms - expected) > STEP_MS else None


class ClockMessage(Model):
    """What the feeder says on ``eyes/v1/_clock``."""

    time: Timestamp


class FeedClock:
    """The newest time the feeder published."""

    def __init__(self) -> None:
        self.now_ms: int | None = None
        """How late it is; None as long as nobody knows."""
        self._heard_ms: int | None = None
        self._complained = False

    def resume(self, now_ms: int) -> None:
        """It was so late when an earlier process wrote its last tick; what it heard and did not finish comes again."""
        self.now_ms = now_ms

    def forget(self) -> None:
        """What was heard last led to nothing and will be said again."""
        self._heard_ms = None

    def hear(self, payload: bytes) -> int | None:
        """The new time in ms; None when it does not advance (a repetition, or a feeder that began again).

        Raises:
            RefusedError: not a clock message.
        """
        strict_json(payload)
        try:
            time_ms = to_ms(ClockMessage.model_validate_json(payload).time)
        except ValidationError as error:
            first = error.errors()[0]
            raise RefusedError(Reason.SCHEMA, ".".join(map(str, first["loc"])) or None, first["msg"]) from None
        if time_ms < 0:
            raise RefusedError(Reason.SCHEMA, "time", "before 1970")
        if self._heard_ms is not None and time_ms <= self._heard_ms:
            if time_ms < self._heard_ms and not self._complained:
                self._complained = True
                log.warning("feed_clock_backwards", now_ms=self._heard_ms, heard_ms=time_ms)
            return None
        self._heard_ms = time_ms
        self.now_ms = max(time_ms, self.now_ms or 0)
        return time_ms


_Ms = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_000)]  # until the year 9999, as times in JSON


class Probe(msgspec.Struct, forbid_unknown_fields=True):
    """Ingest's message to itself and to every other ingest of the same stack.

    ``sent_ms`` is the clock time of sending, ``confirmed_ms`` how far this shard's Kafka-confirmed output reaches.
    ``stack`` keeps apart deployments that share a broker.
    """

    stack: str
    start: str
    number: int
    sent_ms: _Ms
    confirmed_ms: _Ms | None = None


_probe_decoder: Final = msgspec.json.Decoder(Probe)


def encode_probe(probe: Probe) -> bytes:
    """The payload of a probe."""
    return msgspec.json.encode(probe)


def decode_probe(payload: bytes) -> Probe:
    """Read a probe.

    Raises:
        RefusedError: not one.
    """
    try:
        return _probe_decoder.decode(payload)
    except (msgspec.MsgspecError, ValueError) as error:
        raise RefusedError(Reason.SCHEMA, None, str(error)) from None
