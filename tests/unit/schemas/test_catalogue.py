from schemas.envelope import EVENT_TYPES
from schemas.topics import CATALOGUE


def test_every_event_type_has_a_topic_and_every_topic_only_event_types() -> None:
    in_topics = {model for topic in CATALOGUE for model in topic.values}
    assert in_topics == set(EVENT_TYPES.values())


def test_names_are_unique_and_versioned() -> None:
    names = [topic.name for topic in CATALOGUE]
    assert len(set(names)) == len(names)
    assert all(name.startswith("city.") and name.endswith(".v1") for name in names)
