"""The messages of a simulated city: the same from the same seed, each facility on its own, in order, understood."""

import json
from collections import Counter, defaultdict
from itertools import islice

import pytest

from ops.score.street.ears import Ears
from ops.simulate.city.channel import Message
from ops.simulate.city.city import City
from schemas.columns import BatchColumns
from schemas.facility import FacilityClass

SMALL = frozenset({"cover", "bin", "tank"})


def messages(city: City) -> list[Message]:
    return list(city.messages())


def frames(city: City) -> dict[str, list[int]]:
    """By device, the counters of the uplinks that arrived, in order of arrival."""
    out: dict[str, list[int]] = defaultdict(list)
    for message in city.messages():
        said = json.loads(message.payload)
        out[said["deviceInfo"]["devEui"]].append(said["fCnt"])
    return out


def test_one_seed_is_one_city() -> None:
    assert messages(City(5, 100, only=SMALL)) == messages(City(5, 100, only=SMALL))


def test_another_seed_is_another_city() -> None:
    assert messages(City(5, 100, only=SMALL)) != messages(City(6, 100, only=SMALL))


@pytest.mark.parametrize(
    "family",
    [
        "cover",
        "bay",
        "lamp",
        "feeder",
        "bin",
        "drain",
        "road",
        "tank",
        "gas",
        "air",
        "noise",
        "traffic",
        "camera",
        "timed",
    ],
)
def test_what_a_facility_does_depends_on_no_other(family: str) -> None:
    alone, among = City(7, 100, only=frozenset({family})), City(7, 300)
    thing = alone.things[0]
    same = next(one for one in among.things if one.device == thing.device)
    assert same == thing
    assert list(alone.messages_of(thing)) == list(among.messages_of(same))
    assert alone.matters(thing) == among.matters(same)


def test_a_larger_city_is_the_smaller_one_and_more() -> None:
    small, large = City(7, 200), City(7, 400)
    assert large.facilities[: len(small.facilities)] == small.facilities
    assert len(large.facilities) == 2 * len(small.facilities)


def test_more_days_begin_with_the_same_days() -> None:
    one, two = City(7, 100, days=1, only=SMALL), City(7, 100, days=2, only=SMALL)
    until = one.end_ms - 60_000
    assert [m for m in one.messages() if m.at_ms < until] == [m for m in two.messages() if m.at_ms < until]


def test_messages_come_in_the_order_of_their_arrival() -> None:
    times = [message.at_ms for message in City(3, 100, only=SMALL).messages()]
    assert times == sorted(times)


def test_the_first_message_does_not_wait_for_the_last() -> None:
    city = City(3, 200, days=366, only=SMALL)  # made as a whole this would take minutes
    assert len(list(islice(city.messages(), 5))) == 5


def test_a_perfect_world_loses_and_repeats_nothing() -> None:
    for numbers in frames(City(3, 100, noise=0, only=frozenset({"cover"}))).values():
        assert numbers == list(range(len(numbers)))


def test_losses_and_copies_are_as_many_as_promised() -> None:
    counts = Counter[str]()
    for numbers in frames(City(3, 500, only=frozenset({"cover"}))).values():
        counts["sent"] += max(numbers) + 1
        counts["arrived"] += len(set(numbers))
        counts["copies"] += len(numbers) - len(set(numbers))
    assert 0.01 < 1 - counts["arrived"] / counts["sent"] < 0.05  # 2 % and what gateways missed
    assert 0.005 < counts["copies"] / counts["sent"] < 0.02


def test_twice_the_noise_is_twice_the_loss() -> None:
    lost = []
    for noise in (1.0, 2.0):
        numbers = frames(City(3, 500, noise=noise, only=frozenset({"cover"}))).values()
        lost.append(sum(max(one) + 1 - len(set(one)) for one in numbers))
    assert lost[1] > 1.5 * lost[0]


def test_everything_is_understood_and_of_somebody_who_is_registered() -> None:
    city = City(4, 100)
    ears = Ears(city.facilities)
    series: set[tuple[FacilityClass, str]] = set()
    for message in islice(city.messages(), 4_000):
        ears.hear(message)
    for event in ears.taken():
        if isinstance(event, BatchColumns):
            series |= {(one.facility_class, one.observed_property) for one in event.series}
    assert (ears.refused, ears.unknown) == (0, 0), ears.example
    assert series >= {
        (FacilityClass.MANHOLE_COVER, "tilt_angle"),
        (FacilityClass.MANHOLE_COVER, "contact_open"),
        (FacilityClass.PARKING_BAY, "occupied"),
        (FacilityClass.STREET_LAMP, "power"),
        (FacilityClass.STREET_LAMP, "switch_on"),
        (FacilityClass.WASTE_BIN, "fill_level"),
        (FacilityClass.DRAIN, "water_level"),
        (FacilityClass.ROAD_SECTION, "surface_area"),
        (FacilityClass.WATER_TANK, "water_level"),
        (FacilityClass.CAMERA, "fault"),
    }
