"""A version on trial hears all and tells nobody; promoted, it takes over what is open, and makes no case twice."""

from collections import defaultdict
from uuid import UUID

from fold_kit import NOW, Scribe, batch, briefs, row, scribe, tick
from state_kit import restored
from street_kit import cover, records

from processors.detectors.cover import CoverDetector
from processors.engine.composed import PartitionFold
from processors.engine.driver import PipelineTestDriver
from processors.engine.openings import SUPERSEDED, Openings, Steps
from processors.engine.outputs import outgoing
from processors.engine.snapshot import SHARDS
from schemas.anomaly import Anomaly, AnomalyKind, Severity, Transition
from schemas.facility import Place, Policy
from schemas.model import from_ms
from schemas.registry import FacilityRegistered
from schemas.shadow import ShadowBegun, ShadowEnded, ShadowPromoted
from schemas.topics import SHADOWS
from schemas.whatif import WhatIf

STRICT = WhatIf.read({"override": [{"facility_class": "manhole_cover", "policy": {"tilt_deg": 5.0}}]})
LAX = WhatIf.read({"override": [{"facility_class": "manhole_cover", "policy": {"tilt_deg": 30.0}}]})


class Newer(CoverDetector):
    """Another version of the same."""

    version = 99  # type: ignore[misc,assignment]


def street(covers: int = 1) -> PipelineTestDriver:
    driver = PipelineTestDriver(CoverDetector(), candidates=(Newer(),), tick_s=10.0)
    driver.register(*(cover(f"cover-{n}") for n in range(covers)))
    return driver


def tilt(driver: PipelineTestDriver, number: int, degrees: float, times: int = 2) -> None:
    for _ in range(times):
        driver.read(f"cover-{number}", "tilt_angle", degrees)
        driver.advance(10)


def lives(driver: PipelineTestDriver) -> dict[str, list[tuple[Transition, str | None]]]:
    """What operators were told of each finding."""
    steps = defaultdict(list)
    for one in driver.findings:
        steps[str(one.id)].append((one.transition, one.reason))
    return dict(steps)


RAISED, CLEARED = Transition.RAISED, Transition.CLEARED


def test_it_speaks_beside_the_live_one_where_no_operator_hears_it() -> None:
    driver = street()
    driver.begin_shadow("cover", 99, STRICT)
    tilt(driver, 0, 7.0)
    assert driver.findings == []
    (said,) = driver.shadow_findings
    assert (said.kind, said.detector_version) == (AnomalyKind.COVER_TILTED, 99)
    topics = {outgoing(output, "/test").topic for output in driver.outputs}
    assert topics == {SHADOWS.name}
    tilt(driver, 0, 17.0)
    assert [one.detector_version for one in driver.findings] == [CoverDetector.version]


def test_it_begins_with_nothing_known_and_learns_the_registry() -> None:
    driver = street()
    tilt(driver, 0, 17.0)
    driver.begin_shadow("cover", 99)
    assert driver.shadow_findings == []
    tilt(driver, 0, 17.0)
    assert len(driver.shadow_findings) == 1


def test_promoted_it_goes_on_under_the_id_that_is_known() -> None:
    driver = street()
    tilt(driver, 0, 17.0)
    shadow = driver.begin_shadow("cover", 99)
    tilt(driver, 0, 17.0)
    (raised,), (again,) = driver.findings, driver.shadow_findings
    assert raised.id != again.id  # it was opened by another reading
    driver.write(ShadowPromoted(shadow=shadow))
    driver.fold = restored(driver.fold)
    tilt(driver, 0, 0.0)
    assert lives(driver) == {str(raised.id): [(RAISED, None), (CLEARED, None)]}
    assert driver.findings[-1].detector_version == 99
    tilt(driver, 0, 17.0)
    assert driver.findings[-1].id not in {raised.id, again.id}


def test_what_it_does_not_find_is_cleared_and_what_it_finds_more_is_raised() -> None:
    driver = street(2)
    tilt(driver, 0, 17.0)
    shadow = driver.begin_shadow("cover", 99, LAX)
    tilt(driver, 0, 17.0)
    tilt(driver, 1, 45.0)
    driver.write(ShadowPromoted(shadow=shadow))
    cleared = driver.findings[-1]
    assert (cleared.subject, cleared.transition, cleared.reason) == ("cover-0", CLEARED, SUPERSEDED)
    assert [one.subject for one in driver.open] == ["cover-1"]

    driver = street(2)
    shadow = driver.begin_shadow("cover", 99, STRICT)
    tilt(driver, 1, 7.0)
    assert driver.findings == []
    driver.write(ShadowPromoted(shadow=shadow))
    (raised,) = driver.findings
    assert (raised.subject, raised.transition) == ("cover-1", RAISED)
    driver.register(cover("cover-0"))  # the policies stay those of the trial
    tilt(driver, 0, 7.0)
    assert [one.subject for one in driver.open] == ["cover-1", "cover-0"]


def test_no_step_of_a_finding_goes_back_in_time() -> None:
    # Readers keep the newest step by event time: one that went back would stay open in the archive for ever.
    driver = street(2)
    for number in range(2):
        driver.read("cover-0", "tilt_angle", 17.0, at_ms=driver.now_ms + 4_000 + number)  # ahead of the newest tick
    shadow = driver.begin_shadow("cover", 99, LAX)
    for number in range(2):
        driver.read("cover-1", "tilt_angle", 45.0, at_ms=driver.now_ms + 4_000 + number)
    driver.write(ShadowPromoted(shadow=shadow))
    cleared = driver.findings[-1]
    assert (cleared.transition, cleared.reason) == (CLEARED, SUPERSEDED)
    assert cleared.at == driver.findings[0].at
    assert (driver.open[0].subject, len(driver.open)) == ("cover-1", 1)

    driver = street(1)
    shadow = driver.begin_shadow("cover", 99, STRICT)
    tilt(driver, 0, 7.0)
    at_ms = driver.now_ms
    driver.advance(600)
    driver.write(ShadowPromoted(shadow=shadow))
    for number in range(2):
        driver.read("cover-0", "tilt_angle", 0.0, at_ms=at_ms + number)  # late, but not too late
    raised, cleared = driver.findings
    assert (raised.transition, cleared.transition) == (RAISED, CLEARED)
    assert raised.at < cleared.at


def test_the_policies_of_a_trial_change_what_was_written_down_and_nothing_else() -> None:
    driver = street()
    leaning = cover("cover-0").model_copy(update={"policy": Policy(install_angle_deg=30.0)})
    driver.register(leaning)
    driver.begin_shadow("cover", 99, STRICT)
    tilt(driver, 0, 31.0)
    assert driver.shadow_findings == []
    tilt(driver, 0, 37.0)
    assert len(driver.shadow_findings) == 1


def test_a_hundred_open_findings_leave_no_orphan_and_make_no_second_case() -> None:
    driver = street(120)
    for n in range(100):
        tilt(driver, n, 12.0 + n % 30)
    assert len(driver.open) == 100
    shadow = driver.begin_shadow("cover", 99, LAX)
    for n in range(110):
        tilt(driver, n, 12.0 + n % 30 if n < 100 else 40.0)
    before = {one.subject: one.id for one in driver.open}
    driver.write(ShadowPromoted(shadow=shadow))
    after = {one.subject: one.id for one in driver.open}
    stay = {f"cover-{n}" for n in range(100) if 12.0 + n % 30 > 30.0} | {f"cover-{n}" for n in range(100, 110)}
    assert set(after) == stay
    assert all(after[subject] == before[subject] for subject in after)  # adopted: nobody hears of a new one
    cleared = [one for one in driver.findings if one.reason == SUPERSEDED]
    assert {one.subject for one in cleared} == before.keys() - stay
    driver.fold = restored(driver.fold)
    for n in range(120):
        tilt(driver, n, 0.0)
    assert driver.open == []
    for steps in lives(driver).values():
        assert [step for step, _ in steps] == [RAISED, CLEARED]


def test_several_open_findings_of_one_kind_and_subject_are_paired_by_age() -> None:
    def raised(number: int, minute: int) -> Anomaly:
        return said(number, minute, Transition.RAISED)

    def said(number: int, minute: int, transition: Transition) -> Anomaly:
        at = from_ms(60_000 * minute)
        return Anomaly(
            id=UUID(int=number), transition=transition, kind=AnomalyKind.WATER_BURST, severity=Severity.CRITICAL,
            zone="dma:1", subject="dma:1", place=Place(lon=113.8, lat=34.0), since=at, at=at, summary="a leak",
            detector="leak", detector_version=2,
        )  # fmt: skip

    old, new = Openings(), Openings()
    for one in (raised(1, 10), raised(2, 20), raised(3, 30)):
        old.said(one)
    for one in (raised(12, 21), raised(11, 11)):
        new.said(one)
    told = list(new.succeed(old, Steps(3, from_ms(0))))
    assert [(one.id.int, one.transition, one.reason) for one in told] == [(3, CLEARED, SUPERSEDED)]
    assert new.said(said(11, 40, Transition.CLEARED)).id.int == 1
    assert new.said(said(12, 40, Transition.CLEARED)).id.int == 2
    more = Openings()
    for one in (raised(21, 1), raised(22, 2)):
        more.said(one)
    assert [one.id.int for one in more.succeed(Openings(), Steps(3, from_ms(0)))] == [21, 22]


def test_promoted_before_it_knew_the_registry_it_learns_it_from_the_next_rewrite() -> None:
    driver = street()
    registered = FacilityRegistered(facility=cover("cover-0"), revision=5)
    driver.write(registered)
    driver.write(ShadowBegun(shadow="cover@99", detector="cover", version=CoverDetector.version))
    driver.write(ShadowPromoted(shadow="cover@99"))
    driver.write(registered)  # the daily rewrite
    tilt(driver, 0, 17.0)
    assert [one.detector_version for one in driver.findings] == [CoverDetector.version]


def test_a_new_detector_becomes_live_by_promotion_and_stays_so_in_snapshots() -> None:
    fold = PartitionFold([scribe(1)], 10_000, [Scribe("other")])
    fold.fold([tick(NOW), ShadowBegun(shadow="new", detector="other", version=1), batch(row(1))])
    fold.fold([ShadowPromoted(shadow="new")])
    again = restored(fold)
    assert briefs(again.fold([batch(row(2))])) == [
        f"scribe@z1: reading d1 {NOW} 0 a::2 q0",
        f"other@z1: reading d1 {NOW} 0 a::2 q0",
    ]


def test_a_trial_whose_version_is_no_longer_in_the_code_is_forgotten_with_its_timers() -> None:
    fold = PartitionFold([scribe(1)], 10_000, [scribe(2)])
    fold.fold([tick(NOW), ShadowBegun(shadow="b", detector="scribe", version=2), batch(row(1, 2.0))])
    assert fold.timers == 2
    data = tuple(fold.snapshot(shard, 0) for shard in range(SHARDS))
    again, _ = PartitionFold.restore([scribe(1)], 10_000, data)
    assert again.timers == 1
    again.fold([tick(NOW + 5000)])
    assert again.timers == 0


def test_the_story_of_a_trial_replays_to_the_same_bytes() -> None:
    driver = street(4)
    for n in range(4):
        tilt(driver, n, 12.0 + 10 * n)
    shadow = driver.begin_shadow("cover", 99, LAX)
    for n in range(4):
        tilt(driver, n, 12.0 + 10 * n)
    driver.write(ShadowPromoted(shadow=shadow))
    tilt(driver, 3, 0.0)
    again = PartitionFold((CoverDetector(),), driver.fold._lateness_ms, (Newer(),))
    assert [outgoing(output, "/test").value for output in again.fold(driver.log)] == records(driver)


def test_an_ended_trial_leaves_nothing_behind() -> None:
    driver, plain = street(), street()
    shadow = driver.begin_shadow("cover", 99, STRICT)
    for one in (driver, plain):
        tilt(one, 0, 7.0, 1)  # a suspicion, with a timer of its own
    driver.write(ShadowEnded(shadow=shadow))
    driver.advance(100)
    assert driver.shadow_findings == []
    assert driver.fold.timers == 0
    driver.write(ShadowPromoted(shadow=shadow))  # too late
    tilt(driver, 0, 17.0)
    assert [one.detector_version for one in driver.findings] == [CoverDetector.version]


def test_one_trial_at_a_time_and_only_of_what_the_code_knows() -> None:
    fold = PartitionFold([scribe(1)], 10_000, [scribe(2)])
    fold.fold([tick(NOW), ShadowBegun(shadow="a", detector="scribe", version=9)])
    assert fold._cast.trial is None
    fold.fold([ShadowBegun(shadow="b", detector="scribe", version=2)])
    fold.fold([ShadowBegun(shadow="c", detector="scribe", version=1)])
    assert fold._cast.trial is not None
    assert fold._cast.trial.begun.shadow == "b"


def test_the_version_that_was_promoted_may_become_that_of_the_code() -> None:
    driver = street()
    shadow = driver.begin_shadow("cover", 99)
    tilt(driver, 0, 17.0)
    driver.write(ShadowPromoted(shadow=shadow))
    data = tuple(driver.fold.snapshot(shard, 0) for shard in range(SHARDS))
    deployed, _ = PartitionFold.restore((Newer(),), driver.fold._lateness_ms, data)
    driver.fold = deployed
    tilt(driver, 0, 0.0)
    assert [one.transition for one in driver.findings] == [RAISED, CLEARED]
