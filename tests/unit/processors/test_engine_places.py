import pytest

from processors.engine.places import Places
from schemas.topics import ANOMALIES, EVENTS, TICKS


def test_of_one_topic_the_numbers_are_kafkas() -> None:
    places = Places((EVENTS,))
    assert len(places) == EVENTS.partitions
    assert [places.at(number) for number in range(len(places))] == [(EVENTS, n) for n in range(EVENTS.partitions)]


def test_several_topics_follow_each_other_and_every_number_leads_back() -> None:
    places = Places((ANOMALIES, TICKS, EVENTS))
    assert len(places) == ANOMALIES.partitions + TICKS.partitions + EVENTS.partitions
    assert places.at(ANOMALIES.partitions) == (TICKS, 0)
    for number in range(len(places)):
        topic, partition = places.at(number)
        assert places.number(topic.name, partition) == number


def test_a_partition_that_the_catalogue_does_not_know_is_an_error() -> None:
    with pytest.raises(KeyError):
        Places((TICKS,)).number(TICKS.name, TICKS.partitions)
