from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from ingest_rig import NOW, Rig, facility

from ingest.batches import ROWS_MAX
from ingest.registry import Registry
from ingest.unregistered import Unregistered
from schemas.columns import BatchColumns
from schemas.facility import DeviceBinding
from schemas.model import from_ms
from schemas.observation import ObservationBatch
from schemas.quarantine import ReadingsReleased, UnregisteredReadings
from schemas.registry import FacilityRegistered


def readings(number: int, name: str = "pressure") -> UnregisteredReadings:
    return UnregisteredReadings(
        id=UUID(int=number),
        device="d",
        mqtt_topic="t",
        payload=b"",
        arrival_time=from_ms(NOW),
        identities=((name, f"a::{number}"),),
    )


def test_registry_follows_moves_and_tombstones() -> None:
    registry = Registry(12)
    one = facility("F1", DeviceBinding(device="d", properties=("flow",)), DeviceBinding(device="e"))
    assert registry.apply("F1", FacilityRegistered(facility=one)) == {"d", "e"}
    assert [t.series.zone for t in registry.targets("d", "flow")] == ["dma:1"]
    assert registry.targets("d", "pressure") == ()
    moved = facility("F1", DeviceBinding(device="e"), zone="dma:9")
    assert registry.apply("F1", FacilityRegistered(facility=moved)) == {"d", "e"}
    assert registry.targets("d", "flow") == ()
    assert [t.series.zone for t in registry.targets("e", "flow")] == ["dma:9"]
    assert registry.apply("F1", None) == {"e"}
    assert registry.targets("e", "flow") == ()
    assert len(registry) == 0


def test_a_device_may_speak_for_two_facilities() -> None:
    rig = Rig()
    rig.register(
        facility("F1", DeviceBinding(device="d", properties=("flow",))), facility("F2", DeviceBinding(device="d"))
    )
    assert [t.series.facility for t in rig.registry.targets("d", "flow")] == ["F1", "F2"]
    assert [t.series.facility for t in rig.registry.targets("d", "pressure")] == ["F2"]


@given(st.lists(st.sampled_from(["send", "read", "release", "forget"]), max_size=40))
def test_waiting_is_a_fold_of_the_log(steps: list[str]) -> None:
    state = Unregistered(10**6, Registry(12))
    log: list[UnregisteredReadings | ReadingsReleased] = []
    read = sent = 0
    for step in steps:
        if step == "send":
            sent += 1
            state.sent(readings(sent), 0)
            log.append(readings(sent))
        elif step == "read" and read < len(log):
            state.apply(0, read, log[read])
            read += 1
        elif step == "release":
            if offsets := state.offsets("d")[1]:
                log.append(ReadingsReleased(device="d", through=offsets[-1], messages=len(offsets)))
        elif step == "forget":
            state.forget_unwritten()
    for offset in range(read, len(log)):
        state.apply(0, offset, log[offset])
    fresh = Unregistered(10**6, Registry(12))
    for offset, event in enumerate(log):
        fresh.apply(0, offset, event)
    assert fresh.offsets("d") == state.offsets("d")
    assert len(fresh) == len(state)


def test_one_that_slipped_in_before_the_marker_stays_waiting() -> None:
    state = Unregistered(10, Registry(12))
    for offset, number in enumerate((1, 2, 3)):
        state.apply(0, offset, readings(number))
    state.apply(0, 3, ReadingsReleased(device="d", through=1, messages=2))
    assert state.offsets("d") == (0, [2])


def test_a_second_marker_of_the_same_release_closes_nothing_more() -> None:
    state = Unregistered(10, Registry(12))
    for offset, number in enumerate((1, 2, 3)):
        state.apply(0, offset, readings(number))
    for offset in (3, 4):  # two leaders, or one that wrote its marker twice
        state.apply(0, offset, ReadingsReleased(device="d", through=1, messages=2))
    assert state.offsets("d") == (0, [2])


def test_quota_and_memory_are_bounded() -> None:
    state = Unregistered(2, Registry(12), messages_max=3)
    state.sent(readings(1), 0)
    assert state.admits("d")
    state.sent(readings(2), 0)
    assert not state.admits("d")
    assert state.admits("other")
    state.sent(readings(9).model_copy(update={"device": "other"}), 0)
    assert not state.admits("third")


def test_only_claimed_devices_are_releasable() -> None:
    rig = Rig()
    rig.unregistered.apply(0, 0, readings(1, "temperature"))
    rig.register(facility("F1", DeviceBinding(device="d", properties=("flow",))))
    assert list(rig.unregistered.releasable()) == []
    rig.register(facility("F2", DeviceBinding(device="d")))
    assert list(rig.unregistered.releasable()) == ["d"]
    rig.unregistered.apply(0, 1, ReadingsReleased(device="d", through=0, messages=1))
    assert list(rig.unregistered.releasable()) == []


def test_one_that_was_read_back_only_after_its_device_was_registered_is_released_too() -> None:
    rig = Rig()
    rig.register(facility("F2", DeviceBinding(device="d")))
    rig.unregistered.apply(0, 0, readings(1, "temperature"))
    assert list(rig.unregistered.releasable()) == ["d"]


rows = st.lists(
    st.tuples(
        st.sampled_from([("d", "flow"), ("d", "pressure"), ("e", "flow")]),
        st.floats(allow_nan=False, allow_infinity=False),
        st.integers(0, 4),
    ),
    max_size=30,
)


@given(rows)
def test_batches_hold_only_their_series_and_are_what_the_model_says(rows: list) -> None:
    rig = Rig()
    rig.register(facility("F1", DeviceBinding(device="d")), facility("F2", DeviceBinding(device="e")))
    for number, ((device, name), value, quality) in enumerate(rows):
        ticket = rig.ledger.received(number + 1, 0, 0.0)
        (target,) = rig.registry.targets(device, name)
        rig.batches.add(ticket, target, NOW + number, value, f"a::{number}", quality, NOW)
        rig.ledger.confirm(ticket)
    rig.batches.flush_all()
    if not rows:
        assert rig.writer.written == []
        return
    (batch,) = rig.writer.of(BatchColumns)
    import msgspec

    model = ObservationBatch.model_validate_json(msgspec.json.encode(batch))
    used = {(model.series[i].device, model.series[i].observed_property) for i in model.series_index}
    assert used == {(s.device, s.observed_property) for s in model.series} == {row[0] for row in rows}
    assert list(model.result) == [row[1] for row in rows]
    assert rig.ledger.release().mids == []
    rig.writer.confirm_all()
    assert len(rig.ledger.release().mids) == len(rows)


def test_a_full_batch_is_written_and_its_message_waits_for_every_record() -> None:
    rig = Rig()
    rig.register(facility("F1", DeviceBinding(device="d")))
    (target,) = rig.registry.targets("d", "flow")
    ticket = rig.ledger.received(1, 0, 0.0)
    for number in range(ROWS_MAX + 1):
        rig.batches.add(ticket, target, NOW, 1.0, f"a::{number}", 0, NOW)
    rig.ledger.confirm(ticket)
    rig.batches.flush_all()
    assert [len(b.result) for b in rig.writer.of(BatchColumns)] == [ROWS_MAX, 1]
    rig.ledger.confirm(ticket)
    assert rig.ledger.waits(ticket)
    rig.ledger.confirm(ticket)
    assert rig.ledger.release().mids == [1]


def test_batches_wait_for_company_only_under_load() -> None:
    rig = Rig()
    rig.register(facility("F1", DeviceBinding(device="d")))
    (target,) = rig.registry.targets("d", "flow")
    ticket = rig.ledger.received(1, 0, 0.0)
    rig.batches.add(ticket, target, NOW, 1.0, "a::1", 0, NOW)
    opened = rig.batches.next_due_s()
    assert opened is not None
    rig.writer.outstanding = lambda partition: 1  # type: ignore[method-assign]
    rig.batches.flush_due(opened - 0.02, idle=True)
    assert len(rig.batches) == 1
    rig.batches.flush_due(opened, idle=False)
    assert len(rig.batches) == 0
