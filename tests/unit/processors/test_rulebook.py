"""A rulebook says what :func:`schemas.rules.explain` says, whatever came first and however often it was asked."""

from typing import Any

from fold_kit import PLACE, RELAXED
from hypothesis import given
from hypothesis import strategies as st
from street_kit import bay, cover, kerb

from processors.detectors.common import pack, unpack
from processors.detectors.rulebook import Rulebook
from schemas.facility import Facility, FacilityClass, Policy
from schemas.registry import ClassConfigured, FacilityLeft, FacilityRegistered, ZoneConfigured, ZoneKind
from schemas.rules import explain

OURS = ("cover", "overstay", "no_stopping")
CLASSES = [FacilityClass.MANHOLE_COVER, FacilityClass.PARKING_BAY, FacilityClass.CURB_ZONE]
values = st.none() | st.dictionaries(
    st.sampled_from(["cover.tilt_deg", "overstay.clear_s", "no_stopping.dwell_s", "silence.intervals"]),
    st.sampled_from([1.0, 5.0, 30.0, 500.0]),
)
policies = st.builds(Policy, rules=values, clear_s=st.none() | st.just(9.0))
named = st.sampled_from(["a", "b"])


def registered(made: Facility, policy: Policy) -> FacilityRegistered:
    return FacilityRegistered(facility=made.model_copy(update={"policy": policy}))


events = st.one_of(
    st.builds(
        lambda make, name, policy: registered(make(name), policy), st.sampled_from([cover, bay, kerb]), named, policies
    ),
    st.builds(lambda name: FacilityLeft(facility=name, zone="segment:1"), named),
    st.builds(
        lambda policy: ZoneConfigured(zone="segment:1", kind=ZoneKind.STREET_SEGMENT, place=PLACE, policy=policy),
        policies,
    ),
    st.builds(lambda of, policy: ClassConfigured(facility_class=of, policy=policy), st.sampled_from(CLASSES), policies),
)


@RELAXED
@given(st.lists(events, max_size=20), st.booleans())
def test_it_says_what_applies(story: list[Any], restarting: bool) -> None:
    book = Rulebook(OURS)
    facilities: dict[str, Facility] = {}
    zone, classes = Policy(), dict[FacilityClass, Policy]()
    for event in story:
        before = {name: book.of(name, one.facility_class) for name, one in facilities.items()}
        changed = True
        match event:
            case FacilityRegistered(facility=facility):
                facilities[facility.facility] = facility
                book.register(facility)
            case FacilityLeft(facility=name):
                facilities.pop(name, None)
                book.forget(name)
            case ZoneConfigured(policy=policy):
                zone, changed = policy, book.configure(event)
            case ClassConfigured(facility_class=of, policy=policy):
                classes[of], changed = policy, book.configure(event)
        if restarting:
            data = pack(book)
            book = unpack(data, Rulebook)
            assert pack(book) == data
        for name, facility in facilities.items():
            told = explain(facility, zone, classes.get(facility.facility_class))
            expected = {name: value for name, value, _ in told if name.partition(".")[0] in OURS}
            applies = book.of(name, facility.facility_class)
            assert {name: applies[name] for name in expected} == expected
            if not changed:
                assert before[name] == applies


def test_what_nobody_said_is_resolved_once_for_all_of_a_class() -> None:
    book = Rulebook(OURS)
    for name in ("a", "b"):
        book.register(cover(name))
    book.register(cover("c", tilt_deg=5.0))
    a, b, c = (book.of(name, FacilityClass.MANHOLE_COVER) for name in "abc")
    assert a is b
    assert c["cover.tilt_deg"] == 5.0
    assert book.facilities == {"c": {"cover.tilt_deg": 5.0}}


def test_all_to_whom_the_same_was_said_share_what_applies_in_any_zone() -> None:
    books = [Rulebook(OURS) for _ in range(2)]
    for book, name in zip(books, "ab", strict=True):
        book.register(cover(name, tilt_deg=7.0))
    book.register(cover("c", tilt_deg=8.0))
    a, b, c = (of.of(name, FacilityClass.MANHOLE_COVER) for of, name in zip([books[0], book, book], "abc", strict=True))
    assert a is b
    assert (a["cover.tilt_deg"], c["cover.tilt_deg"]) == (7.0, 8.0)


def test_what_is_said_of_other_rules_is_not_kept() -> None:
    book = Rulebook(("cover",))
    book.register(bay("b-1", clear_s=5.0))
    assert not book.configure(ClassConfigured(facility_class=FacilityClass.MANHOLE_COVER, policy=Policy(clear_s=3.0)))
    assert pack(book) == pack(Rulebook(("cover",)))
