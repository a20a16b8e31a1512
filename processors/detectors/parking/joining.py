"""From words of sensors and cameras to stays: who speaks of the same vehicle.

Ids of tracks are not stable: a track is lost when the light changes or a lorry passes, and its object is found again
under another id. A new track is the vehicle of a stay if its plate is that vehicle's; or if it is of the same camera
and their boxes overlap, while the other is there still or was lost, standing, shortly before. On a bay there is room
for one, so whatever is said is said of it; the same goes for sensors of one stretch of kerb, and for tracks of a camera
that tells no boxes.
"""

from typing import Final

from processors.detectors.parking.boxes import Box, overlap
from processors.detectors.parking.rules import judge, values_of
from processors.detectors.parking.state import Lengths, Said, Source, Spot, State, Stay
from schemas.facility import FacilityClass

SURE: Final = 1 << 40
"""Words: who leaves, or is lost, has stood there until then."""


class Word:
    """What one message says of one spot; times in ms."""

    __slots__ = (
        "box",
        "camera",
        "counts",
        "fresh_ms",
        "lost",
        "missing",
        "name",
        "plate",
        "rolled",
        "said",
        "since_ms",
        "still_ms",
        "sudden",
        "taken",
        "time_ms",
    )

    def __init__(self, name: str, camera: str, time_ms: int, said: Said, *, taken: bool, still_ms: int = 0) -> None:
        self.name = name  # of the sensor or the track
        self.camera = camera  # "" of a sensor
        self.time_ms = time_ms
        self.taken = taken
        self.said = said  # the message
        self.still_ms = still_ms  # for so long before
        self.since_ms = time_ms - still_ms  # from when on it speaks of what stands there
        self.box: Box | None = None
        self.plate: str | None = None
        self.lost = False  # it ended, and nobody said that it left
        self.fresh_ms: int | None = None  # how long it is good for; None: until it is taken back
        self.counts = 1  # for so many that say that something stands there, or stood there until now
        self.rolled = False  # it moved before it stood
        self.sudden = False  # of a sensor: it was not due, so something has just changed
        self.missing = False  # of a sensor: a word before it was lost that may have said something else

    def at(self, time_ms: int, still_ms: int, counts: int, *, taken: bool, lost: bool) -> "Word":
        """The same of another moment, or with another meaning."""
        word = Word(self.name, self.camera, time_ms, self.said, taken=taken, still_ms=still_ms)
        word.box, word.plate, word.lost, word.fresh_ms, word.counts = self.box, self.plate, lost, self.fresh_ms, counts
        word.rolled, word.sudden, word.missing = self.rolled, self.sudden, self.missing
        return word


def note(spot: Spot, stay: Stay, word: Word, words_needed: int) -> None:
    """A message that says that something stands there, or stood there until now."""
    stay.words_needed = 1 if word.box is None else words_needed
    # Who is seen leaving, or lost, was followed until then, however many words between were not heard.
    stay.fresh_ms = None if word.camera and word.counts and not word.taken else word.fresh_ms
    stay.words += word.counts
    if word.taken and word.camera and 0 < stay.said_ms < word.time_ms:
        stay.every_ms = word.time_ms - stay.said_ms
    if word.taken or (word.counts and not word.camera):
        if word.time_ms >= stay.said_ms:
            stay.last = word.said
        stay.said_ms = max(stay.said_ms, word.time_ms)
    if word.taken and word.box is not None:
        stay.box = word.box
    if word.plate is not None and stay.plate is None:
        stay.plate = word.plate
        recall(spot, stay, word.name)


def stay_of(state: State, spot: Spot, source: Source, word: Word, lengths: Lengths) -> Stay:
    """The stay of a word that says that something stands there; a new one where it is none of those known."""
    number = source.stay if source.stay in spot.stays else _found(state, spot, word, lengths) if spot.stays else ""
    if not number:
        spot.count += 1
        number = f"{spot.count:09d}"
        stay = spot.stays[number] = Stay(word.since_ms, word.said, word.since_ms, word.camera, word.box)
        stay.plate = word.plate
        stay.tracks = int(word.camera != "")
        recall(spot, stay, word.name)
        source.stay = number
        judge(state, spot, stay, word.since_ms)
        return stay
    stay = spot.stays[number]
    if stay.free_ms is not None:
        stay.resumed_ms = max(word.since_ms, stay.free_ms)
        stay.free_ms = stay.freed = None
        stay.lost = False
        stay.words %= SURE  # that it stood until it was lost says nothing of now
    if source.stay != number and word.camera:
        stay.tracks += 1
        if stay.camera == word.camera and stay.box is not None and word.box is not None:
            share = overlap(stay.box, word.box)
            stay.overlap = share if stay.overlap is None else min(stay.overlap, share)
        for other in spot.sources.values():
            if other.stay == number and other.camera == word.camera:
                other.taken = False  # what that id was called is called otherwise now
    source.stay = number
    if word.since_ms < stay.since_ms:
        began_earlier(state, spot, stay, word)
    return stay


def began_earlier(state: State, spot: Spot, stay: Stay, word: Word) -> None:
    """A message that came late, or one that tells for how long, moves the beginning of a stay."""
    if stay.offends or stay.epoch_ms:
        return
    if stay.judged_ms == stay.since_ms:
        stay.judged_ms = word.since_ms
    stay.since_ms = word.since_ms
    if word.time_ms < stay.first.time_ms:
        stay.first = word.said
    judge(state, spot, stay, stay.judged_ms)


def recall(spot: Spot, stay: Stay, name: str) -> None:
    """What is remembered of a vehicle that has been here before."""
    for key in (stay.plate, name):
        if key is not None and spot.cooling.get(key, 0) > stay.since_ms:
            stay.quiet_ms = spot.cooling[key]
    if stay.plate is not None and stay.plate in spot.left:
        stay.left_ms = spot.left[stay.plate][0]


def _found(state: State, spot: Spot, word: Word, lengths: Lengths) -> str:
    """The number of the stay that a new source speaks of; "" where it is none."""
    known = [(number, stay) for number, stay in spot.stays.items() if not _another(stay, word)]
    if spot.site.facility_class is FacilityClass.PARKING_BAY:
        return known[-1][0] if known else ""
    if word.plate is not None:
        for number, stay in known:
            if stay.plate == word.plate:
                return number
    best, found = values_of(state, spot)["tracks.join_overlap"], ""
    for number, stay in known:
        if stay.camera != word.camera or (stay.box is None) != (word.box is None):
            continue
        if word.box is None or stay.box is None:
            return number
        if word.rolled:
            continue
        there = stay.free_ms is None or (stay.lost and word.since_ms - stay.free_ms < lengths.join_gap)
        share = overlap(stay.box, word.box) if there else 0.0
        if share > best:
            best, found = share, number
    return found


def displaced(state: State, spot: Spot, word: Word) -> list[str]:
    """The stays of vehicles that must have gone, because another has come and stands in their place."""
    if word.box is None or spot.site.facility_class is FacilityClass.PARKING_BAY:
        return []
    share = values_of(state, spot)["tracks.join_overlap"]
    return [
        number
        for number, stay in spot.stays.items()
        if stay.camera == word.camera
        and stay.box is not None
        and (stay.free_ms is None or stay.lost)
        and (word.rolled or _is_stale(stay, word, spot.lengths))
        and not (stay.plate is not None and stay.plate == word.plate)
        and overlap(stay.box, word.box) > share
    ]


def _is_stale(stay: Stay, word: Word, lengths: Lengths) -> bool:
    """Whether nobody has spoken of it for so long that it may have left unheard before this one came.

    A camera that follows it still would have spoken, and one that lost it would have said so. What was found too long
    stands until somebody says that it is over.
    """
    return stay.free_ms is None and not stay.offends and word.since_ms - stay.said_ms > lengths.fresh


def _another(stay: Stay, word: Word) -> bool:
    """Whether plates say that it is another vehicle."""
    return None not in (stay.plate, word.plate) and stay.plate != word.plate
