"""States in snapshots: each object as the list of its fields, in the order that they have always had."""

from typing import Any, Final

import msgspec

from processors.detectors.common import Evidence, Opened, Site
from processors.detectors.parking.cameras import Heard, Skew
from processors.detectors.parking.state import Lengths, Said, Source, Spot, State, Stay, Verdict, Watch


def _row(one: Any) -> Any:
    return one.row()


def _made(kind: type, row: Any) -> Any:
    if kind is Spot:
        return _spot(row)
    if kind is Heard or kind is Skew:
        return kind(*row)
    raise NotImplementedError(kind.__name__)


_encoder: Final = msgspec.msgpack.Encoder(order="sorted", enc_hook=_row)
_decoder: Final = msgspec.msgpack.Decoder(State, dec_hook=_made)


def write(state: State) -> bytes:
    """The state as sorted msgpack."""
    return _encoder.encode(state)


def read(data: bytes) -> State:
    """What :func:`write` wrote.

    Raises:
        ValueError: the bytes are no such state.
        TypeError: the same.
    """
    return _decoder.decode(data)


def _spot(row: list[Any]) -> Spot:
    site, activity, lengths, sources, stays, count, opened, watches, flags, said, objects, *rest = row
    spot = Spot(msgspec.convert(site, Site), activity)
    spot.lengths = Lengths(*lengths)
    spot.sources = {name: _source(one) for name, one in sources.items()}
    spot.stays = {number: _stay(one) for number, one in stays.items()}
    spot.count = count
    spot.opened = msgspec.convert(opened, Opened | None)
    spot.watches = msgspec.convert(watches, dict[str, Watch])
    spot.flags = flags
    spot.said = {key: Said(*one) for key, one in said.items()}
    spot.objects = {name: Said(*one) for name, one in objects.items()}
    spot.intervals, other, spot.cooling, left, passed, spot.coming, cameras, spot.devices, *now = rest
    spot.other = {device: tuple(one) for device, one in other.items()}
    spot.left = {plate: tuple(one) for plate, one in left.items()}
    spot.passed = {name: tuple(one) for name, one in passed.items()}
    spot.cameras = tuple(cameras)
    spot.shard, spot.behind_ms, spot.armed_ms, spot.due_ms = now
    return spot


def _source(row: list[Any]) -> Source:
    camera, taken, newest_ms, stay, box, put_off_ms, beat_ms, boot, seq, said = row
    return Source(camera, taken, newest_ms, stay, _box(box), put_off_ms, beat_ms, boot, seq, _said(said))


def _stay(row: list[Any]) -> Stay:
    since_ms, first, judged_ms, verdict, look_ms, camera, box, plate, tracks, overlap, last, *rest = row
    stay = Stay(since_ms, Said(*first), judged_ms, camera, _box(box))
    stay.verdict = msgspec.convert(verdict, Verdict | None)
    stay.look_ms, stay.plate, stay.tracks, stay.overlap = look_ms, plate, tracks, overlap
    stay.last = _said(last)
    stay.words, stay.words_needed, stay.said_ms, stay.every_ms, stay.fresh_ms, stay.resumed_ms, *rest = rest
    stay.waits, stay.doubted, stay.free_ms, freed, stay.lost, stay.left_ms, *rest = rest
    stay.freed = msgspec.convert(freed, Evidence | None)
    stay.quiet_ms, stay.offends, stay.epoch_ms = rest
    return stay


def _said(row: list[Any] | None) -> Said | None:
    return None if row is None else Said(*row)


def _box(box: list[float] | None) -> Any:
    return None if box is None else tuple(box)
