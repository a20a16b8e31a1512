"""Models by the hash of their bytes: who names one that is there is told of it, and nobody ever of one that is not."""

from collections.abc import Iterable

import pytest
from fold_kit import batch, row, tick
from runner_rig import City
from state_kit import restored, state

from processors.engine.composed import PartitionFold
from processors.engine.contract import ModelMissingError
from processors.engine.driver import PipelineTestDriver
from processors.engine.errors import SnapshotError
from processors.engine.models import held, model_of
from processors.engine.record import fold_record
from processors.engine.snapshot import models_of
from runtime.errors import RetryableError
from schemas.chunks import digest_of
from schemas.envelope import CloudEvent, Data, encode
from schemas.facility import CodeScheme, DeviceBinding, Facility, FacilityClass, Place
from schemas.model import Model, from_ms
from schemas.quarantine import Quarantined, Reason
from schemas.shadow import ShadowBegun, ShadowPromoted
from tests.surveyor import ODD, Surveyor, network

LATENESS_MS = 10_000
TWO, THREE = b"2", b"3"
"""Models."""
METER = Facility(
    facility="meter",
    scheme=CodeScheme.LOCAL,
    facility_class=FacilityClass.FLOW_METER,
    zone="dma:1",
    place=Place(lon=113.85, lat=34.03),
    devices=(DeviceBinding(device="meter"),),
)


def driver() -> PipelineTestDriver:
    made = PipelineTestDriver(Surveyor(), candidates=(Surveyor(version=2),), tick_s=60)
    made.register(METER)
    return made


def said(driver: PipelineTestDriver) -> list[str]:
    return [finding.summary.partition(" ")[0] for finding in driver.findings]


def refused(outputs: Iterable[Model]) -> list[str]:
    return [f"{one.field}: {one.detail}" for one in outputs if isinstance(one, Quarantined)]


def test_a_detector_looks_up_what_its_network_names() -> None:
    city = driver()
    city.read("meter", "flow", 5.0)
    city.configure_water(network(city.model(TWO)))
    city.advance(60)
    city.read("meter", "flow", 5.0)
    city.configure_water(network(city.model(THREE), sensors=2))
    city.advance(60)
    city.read("meter", "flow", 5.0)
    city.configure_water(network(None))
    city.advance(60)
    city.read("meter", "flow", 5.0)
    assert said(city) == ["5", "10", "15", "5"]
    assert city.quarantined == []


def test_what_names_a_model_that_is_nowhere_is_set_aside_and_the_one_before_holds() -> None:
    city = driver()
    city.configure_water(network(city.model(TWO), revision=1))
    lost = digest_of(b"never written")
    city.configure_water(network(lost, revision=2))
    (refusal,) = city.quarantined
    assert refusal.reason is Reason.POISON
    assert refused([refusal]) == [
        f"WaterNetworkConfigured: dma:1: no model {lost} in the log: run `eyes water configure` for this network again"
    ]
    assert city.fold.take_counts().poison == {"engine": 1}
    city.read("meter", "flow", 5.0)
    city.configure_water(network(city.model(THREE), revision=3))
    city.advance(60)
    city.read("meter", "flow", 5.0)
    assert said(city) == ["10", "15"]


def test_what_was_set_aside_is_heard_when_it_is_repeated_and_its_model_is_there() -> None:
    city = driver()
    word = network(digest_of(TWO), revision=2)
    city.configure_water(word)
    city.advance(60)
    city.configure_water(word)  # by the daily rewrite
    assert len({refusal.id for refusal in city.quarantined}) == 2
    city.model(TWO)
    city.configure_water(word)
    city.read("meter", "flow", 5.0)
    city.configure_water(network(digest_of(THREE), revision=1))  # an older word: no news, whatever it names
    assert said(city) == ["10"]
    assert len(city.quarantined) == 2


def test_a_detector_that_cannot_stomach_a_model_keeps_the_one_before() -> None:
    city = driver()
    city.configure_water(network(city.model(TWO)))
    city.configure_water(network(city.model(ODD)))
    assert [one.field for one in city.quarantined] == ["WaterNetworkConfigured"]
    city.read("meter", "flow", 5.0)
    assert said(city) == ["10"]
    assert models_of(state(city.fold)) == {digest_of(TWO), digest_of(ODD)}  # it may ask for either
    city.configure_water(network(city.model(THREE)))
    assert models_of(state(city.fold)) == {digest_of(THREE)}
    city.configure_water(network(None))
    assert models_of(state(city.fold)) == set()


def test_a_restored_state_finds_its_model_again() -> None:
    city = driver()
    city.configure_water(network(city.model(TWO)))
    shards = state(city.fold)
    assert models_of([*shards, b"\x01"]) == {digest_of(TWO)}
    lateness_ms = city.fold._lateness_ms
    again, _ = PartitionFold.restore((Surveyor(),), lateness_ms, shards, models=held({digest_of(TWO): TWO}))
    assert state(again) == shards
    city.read("meter", "flow", 5.0)
    (finding,) = again.fold(city.log[-1:])
    assert finding == city.findings[-1]


def test_a_state_whose_model_is_gone_is_none() -> None:
    city = driver()
    city.configure_water(network(city.model(TWO)))
    with pytest.raises(SnapshotError, match="eyes water configure"):
        PartitionFold.restore((Surveyor(),), LATENESS_MS, state(city.fold))


def test_one_on_trial_looks_up_the_same_and_takes_over_with_it() -> None:
    city = driver()
    city.configure_water(network(city.model(TWO), revision=4))
    shadow = city.begin_shadow("surveyor", 2)
    city.read("meter", "flow", 5.0)
    assert [finding.summary for finding in city.shadow_findings] == [city.findings[-1].summary]
    city.write(ShadowPromoted(shadow=shadow))
    city.advance(60)
    city.read("meter", "flow", 6.0)
    assert said(city)[-1] == "12"
    assert city.findings[-1].detector_version == 2


def test_one_on_trial_that_hears_of_an_older_model_makes_nobody_forget_the_newer() -> None:
    city = driver()
    city.configure_water(network(city.model(THREE), revision=5))
    city.write(ShadowBegun(shadow="s", detector="surveyor", version=2))
    city.write(network(city.model(TWO), revision=4))
    assert models_of(state(city.fold)) == {digest_of(TWO), digest_of(THREE)}


def test_a_lookup_knows_what_it_holds() -> None:
    look_up = held({digest_of(TWO): TWO})
    assert look_up(digest_of(TWO)) == TWO
    with pytest.raises(ModelMissingError, match=digest_of(THREE)):
        look_up(digest_of(THREE))


def test_a_state_of_before_there_were_models_is_restored() -> None:
    fold = PartitionFold((Surveyor(),), LATENESS_MS)
    fold.fold([tick(), batch(row(1, 5.0))])
    assert state(restored(fold)) == state(fold)


def test_a_record_is_folded_when_its_model_is_at_hand() -> None:
    library: dict[str, bytes] = {}
    fold = PartitionFold((Surveyor(),), LATENESS_MS, models=held(library))
    raw = encode(CloudEvent("1", "/test", from_ms(0), network(digest_of(TWO))))
    with pytest.raises(RetryableError):
        fold_record(fold, raw, "here", fetch=_away)
    asked: list[str] = []

    def fetch(digests: Iterable[str]) -> None:
        asked.extend(digests)
        library[digest_of(TWO)] = TWO

    assert fold_record(fold, raw, "here", fetch=fetch) == []
    assert asked == [digest_of(TWO)]
    fold_record(fold, encode(CloudEvent("1", "/test", from_ms(0), network(None))), "here", fetch=_away)


def test_nothing_but_a_network_names_a_model() -> None:
    events: list[Data] = [tick(), network(None)]
    assert [model_of(event) for event in events] == [None, None]
    assert model_of(network("0" * 64)) == "0" * 64


def test_a_log_that_is_away_when_a_model_is_wanted_costs_nothing_but_time() -> None:
    city = City(0, 1)
    for partition in (0, 1):
        city.write(tick(), batch(row(1)), partition=partition)
    city.write(network(digest_of(TWO), "z1"), batch(row(2)), tick(), partition=0)
    city.write(batch(row(3)), batch(row(4)), partition=1)
    worker = city.worker(poll_records=100)
    failures = iter([True] * 3)

    def fetch(_digests: Iterable[str]) -> None:
        if next(failures, False):
            raise RetryableError("away")

    worker.runner._fetch = fetch
    away = 0
    for _ in range(60):
        try:
            worker.turn()
        except RetryableError:
            away += 1
    assert away == 3
    assert city.published() == city.expected(0, 1)
    assert (city.offset(0), city.offset(1)) == (city.end(0), city.end(1))
    assert worker.notes.counts.events == 9


def _away(_digests: Iterable[str]) -> None:
    raise RetryableError("away")
