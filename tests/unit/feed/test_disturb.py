"""What goes wrong on the way from a device: as often as asked, the same by seed, and never where it would matter."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from ingest.decoders.own_json import decode_observations
from ops.feed.disturb import COPY_WITHIN_MS, DELAY_MS, UNDELAYED_BETWEEN, Disturbances, Disturber
from ops.feed.publication import Packer, Publication
from ops.feed.sources import Devices
from ops.simulate.model import Item, Sample, Value
from ops.simulate.street import Street

START = 1_783_267_200_000
MESSAGES = 12_000
OVERSIZE = 4_096
SHARE = 0.05
TOLERANCE = 0.01  # five standard deviations at this share and number of messages


class Meters:
    """Twenty meters that report every minute; every tenth report must not be moved."""

    start_ms = START
    facilities = ()
    zones = ()

    def numbers(self, device: str) -> bool:
        return True

    def items(self) -> Iterator[Item]:
        for number in range(MESSAGES):
            device, minute = number % 20, number // 20
            value = Value("pressure", 300.0 + number % 13, "kPa")
            yield Sample(START + minute * 60_000, f"m-{device}", (value,), movable=minute % 10 != 0)

    def incidents(self, until_ms: int) -> list[Any]:
        return []


def feed(seed: int = 7, **rates: float) -> list[Publication]:
    return list(disturber(seed, **rates).publications(Meters().items()))


def disturber(seed: int = 7, **rates: float) -> Disturber:
    packer = Packer(Meters(), site="s", boot="b")
    return Disturber(Disturbances(**rates), packer, seed=seed, oversize_bytes=OVERSIZE)


def line(publication: Publication) -> dict[str, Any]:
    (only,) = publication.lines
    return only


@pytest.fixture(scope="module")
def plain() -> list[Publication]:
    return feed()


def test_without_disturbances_everything_comes_once_and_in_order(plain: list[Publication]) -> None:
    assert len(plain) == MESSAGES
    assert [p.due_ms for p in plain] == [item.at_ms for item in Meters().items()]
    assert len({(line(p)["device"], line(p)["identity"]) for p in plain}) == MESSAGES


def test_the_same_seed_is_the_same_feed_and_another_is_not() -> None:
    rates = {"duplicates": SHARE, "conflicts": SHARE, "reordered": SHARE, "garbage": SHARE, "unregistered": SHARE}
    first = feed(**rates)
    assert first == feed(**rates)
    assert first != feed(seed=8, **rates)


def test_duplicates_are_the_same_bytes_a_little_later(plain: list[Publication]) -> None:
    sent = Counter((p.topic, p.payload) for p in feed(duplicates=SHARE))
    assert set(sent) == {(p.topic, p.payload) for p in plain}
    assert set(sent.values()) == {1, 2}
    twice = sum(count == 2 for count in sent.values())
    assert twice / MESSAGES == pytest.approx(SHARE, abs=TOLERANCE)

    first: dict[tuple[str, bytes], tuple[int, Publication]] = {}
    between = []
    for number, publication in enumerate(feed(duplicates=SHARE)):
        place, original = first.setdefault((publication.topic, publication.payload), (number, publication))
        assert original.due_ms <= publication.due_ms <= original.due_ms + COPY_WITHIN_MS
        assert original.lines == publication.lines
        if place < number:
            between.append(number - place - 1)
    assert sum(others > 0 for others in between) > len(between) / 2


def test_conflicts_carry_another_value_under_the_same_number_and_time() -> None:
    values: dict[tuple[str, str], list[Publication]] = defaultdict(list)
    for publication in feed(conflicts=SHARE):
        values[line(publication)["device"], line(publication)["identity"]].append(publication)
    contradicted = [group for group in values.values() if len(group) > 1]
    assert len(contradicted) / MESSAGES == pytest.approx(SHARE, abs=TOLERANCE)
    for original, other in contradicted:
        assert line(original)["value"] != line(other)["value"]
        (one,), (two,) = (decode_observations(p.payload).measurements for p in (original, other))
        assert one.value != two.value
        assert one._replace(value=0) == two._replace(value=0)


def test_a_source_without_numbers_cannot_be_contradicted() -> None:
    class Unnumbered(Meters):
        def numbers(self, device: str) -> bool:
            return False

    packer = Packer(Unnumbered(), site="s", boot="b")
    chaos = Disturber(Disturbances(conflicts=1.0), packer, seed=1, oversize_bytes=OVERSIZE)
    assert len(list(chaos.publications(Unnumbered().items()))) == MESSAGES


def test_only_what_is_movable_is_delayed_and_never_so_often_that_a_device_seems_silent(
    plain: list[Publication],
) -> None:
    movable = {p.payload: item.movable for p, item in zip(plain, Meters().items(), strict=True)}  # type: ignore[union-attr]
    measured = {(p.topic, p.payload): p.due_ms for p in plain}
    moved = feed(reordered=0.5)
    assert {(p.topic, p.payload) for p in moved} == set(measured)
    assert len(moved) == MESSAGES
    order: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    delayed = 0
    for publication in moved:
        late_ms = publication.due_ms - measured[publication.topic, publication.payload]
        assert late_ms == 0 or DELAY_MS[0] <= late_ms <= DELAY_MS[1]
        if late_ms:
            delayed += 1
            assert movable[publication.payload]
        order[publication.topic].append((measured[publication.topic, publication.payload], late_ms > 0))
    assert delayed > MESSAGES / 10
    for reports in order.values():
        since = UNDELAYED_BETWEEN
        for _, late in sorted(reports):
            assert not late or since >= UNDELAYED_BETWEEN
            since = 0 if late else since + 1


def test_delays_come_as_often_as_asked() -> None:
    measured = {(p.topic, p.payload): p.due_ms for p in feed()}
    rare = sum(p.due_ms != measured[p.topic, p.payload] for p in feed(reordered=SHARE))
    # a tenth must not be moved, and three reports after each delayed one are not either
    assert rare / MESSAGES == pytest.approx(SHARE * 0.9 * 0.87, abs=TOLERANCE)


def test_everything_goes_out_in_the_order_it_is_due_whatever_goes_wrong() -> None:
    sent = feed(duplicates=0.2, conflicts=0.2, reordered=0.2, garbage=0.2, unregistered=0.2)
    assert [p.due_ms for p in sent] == sorted(p.due_ms for p in sent)


def test_garbage_is_refused_by_ingest_and_no_two_pieces_are_alike(plain: list[Publication]) -> None:
    sent = feed(garbage=SHARE)
    rubbish = [p for p in sent if line(p)["kind"] == "garbage"]
    assert [p for p in sent if line(p)["kind"] != "garbage"] == plain
    assert len(rubbish) / MESSAGES == pytest.approx(SHARE, abs=TOLERANCE)
    assert len({p.payload for p in rubbish}) == len({line(p)["sha256"] for p in rubbish}) == len(rubbish)
    too_large = [p for p in rubbish if len(p.payload) > OVERSIZE]
    assert len(too_large) == len(rubbish) // 8
    for publication in rubbish:
        if len(publication.payload) <= OVERSIZE:
            decoded = decode_observations(publication.payload)
            assert decoded.refusal is not None
            assert decoded.measurements == []


def test_strangers_are_of_devices_nobody_registered_and_change_often(plain: list[Publication]) -> None:
    sent = feed(unregistered=SHARE)
    strange = [p for p in sent if line(p)["device"].startswith("stray-")]
    assert [p for p in sent if p not in strange] == plain
    assert len(strange) / MESSAGES == pytest.approx(SHARE, abs=TOLERANCE)
    assert max(Counter(p.topic for p in strange).values()) <= 200
    assert all(decode_observations(p.payload).measurements for p in strange)


def test_what_was_held_back_when_the_feed_ends_early_is_not_lost() -> None:
    chaos = disturber(reordered=1.0, duplicates=1.0)
    begun = list(islice(chaos.publications(Meters().items()), 100))
    rest = list(chaos.leftovers())
    assert rest
    assert [p.due_ms for p in rest] == sorted(p.due_ms for p in rest)
    assert list(chaos.leftovers()) == []
    told = {(line(p)["device"], line(p)["identity"]) for p in begun + rest}
    last = max(json.loads(p.payload)["seq"] for p in begun)
    assert {(f"m-{d}", f"a:b:{seq}") for d in range(20) for seq in range(last)} <= told


def test_devices_number_from_a_boot_that_follows_from_seed_and_start() -> None:
    def first(seed: int, start_ms: int) -> dict[str, Any]:
        devices = Devices(Street(1, start_ms), site="s", seed=seed)
        assert devices.start_ms == start_ms
        bodies = (json.loads(p.payload) for p in devices.publications())
        return next(body for body in bodies if isinstance(body, dict) and "boot" in body)

    assert first(1, START)["boot"] == first(1, START)["boot"]
    assert len({first(1, START)["boot"], first(2, START)["boot"], first(1, START + 86_400_000)["boot"]}) == 3
