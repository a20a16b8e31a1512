"""Trials whose beginning or end was interrupted, and what commands say of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from replay_kit import cover
from shadow_kit import ALL, CALM, COVERS, STEEP, ZONES, City

from ops.registry import load_registry
from ops.shadow.begin import begin
from ops.shadow.finish import finish
from ops.shadow.record import Stage, read_trials, stage
from ops.shadow.writer import InterruptedTrialError, Writer
from processors.detectors.cover import CoverDetector
from runtime.errors import FatalError
from schemas.registry import FacilityRegistered, RegistryRewriteEnded
from schemas.shadow import ShadowBegun, ShadowPromoted, Verdict
from schemas.topics import FACILITIES
from schemas.whatif import WhatIf
from tests.servers import TestStack

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]


@pytest.fixture
def city(stack: TestStack, tmp_path: Path) -> Iterator[City]:
    with City.on(stack, tmp_path) as city:
        yield city


def begun_(shadow: str = "trial") -> ShadowBegun:
    what_if = WhatIf.read({"override": [{"zone": ZONES[0], "policy": {"tilt_deg": 30.0}}]})
    return ShadowBegun(shadow=shadow, detector="cover", version=CoverDetector.version, what_if=what_if)


class After:
    """Asks to end when it was asked so many times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize(("steps", "lacks"), [(4, "is not begun"), (ALL + 4, "does not know the registry")])
def test_a_beginning_that_was_interrupted_goes_on_and_does_nothing_twice(city: City, steps: int, lacks: str) -> None:
    city.register()
    settings = city.past.settings
    with pytest.raises(InterruptedTrialError, match=r"5 of 12 partitions|partitions know the registry"):
        begin(settings, begun_(), stopped=After(steps))
    assert lacks in city.eyes("status")
    assert "was not begun to the end" in city.eyes("promote", "trial", "--yes", code=1)
    assert "was not begun to the end" in city.eyes("begin", "cover", code=1)
    beginning = begin(settings, begun_())
    assert (beginning.resumed, beginning.matched) == (True, (COVERS,))
    (record,) = read_trials(settings.kafka).records
    assert stage(record) is Stage.RUNNING
    begun = city.events(ShadowBegun)
    assert sorted(partition for partition, _ in begun) == list(range(ALL))
    assert len(city.events(RegistryRewriteEnded)) == ALL
    assert len(city.events(FacilityRegistered)) == 2 * COVERS * len(ZONES)


class KilledError(Exception):
    """Stands for SIGKILL between an acknowledgement and the note of it."""


def test_a_command_that_died_before_it_wrote_down_what_it_did_may_do_it_again(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.register()
    city.lean(CALM)
    record, settings = Writer.record, city.past.settings
    left = 3  # notes until it dies

    def die(writer: Writer, said: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            raise KilledError
        return record(writer, said)

    monkeypatch.setattr(Writer, "record", die)
    with city.past.detectors():
        with pytest.raises(KilledError):
            begin(settings, begun_())
        left = ALL + 3  # by then it tells them of the registry
        with pytest.raises(KilledError):
            begin(settings, begun_())
        begun = begin(settings, begun_()).record
        assert len(city.events(ShadowBegun)) == ALL + 1
        assert len(city.events(RegistryRewriteEnded)) == ALL + 1
        city.lean(STEEP, 0, 2)
        left = 3
        with pytest.raises(KilledError):
            finish(settings, begun, Verdict.PROMOTED)
        assert "eyes shadow promote trial" in city.eyes("status")
        assert "is promoted in 1 of 12 partitions" in city.eyes("end", "trial", code=1)
        city.eyes("promote", "trial", "--yes")
        city.caught_up()
        assert len(city.events(ShadowPromoted)) == ALL + 1
    assert len(city.lives()) == 2 * len(ZONES)
    assert len(city.said()) == 2 * len(ZONES)
    city.verify()


def test_of_two_that_begin_at_once_one_does(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    record, settings = Writer.record, city.past.settings

    def late(writer: Writer, said: Any) -> Any:
        monkeypatch.setattr(Writer, "record", record)
        begin(settings, begun_("quicker"))
        return record(writer, said)

    monkeypatch.setattr(Writer, "record", late)
    with pytest.raises(FatalError, match="quicker was begun at the same moment"):
        begin(settings, begun_("slower"))
    (only,) = read_trials(settings.kafka).records
    assert only.begun.shadow == "quicker"
    assert {data.shadow for _, data in city.events(ShadowBegun)} == {"quicker"}


def test_a_load_of_the_registry_that_is_under_way_is_waited_for(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    from ops.registry import load as loading

    city.register()
    settings, zone, send = city.past.settings, ZONES[0], loading.send
    new = cover("new", zone)
    waited: list[int] = []

    def slow(producer: KafkaProducer, topic: str, records: Any) -> list[int]:
        if topic.endswith(FACILITIES.name) and any(key == "new" for key, _, _ in records):
            # Its event stands before those of the trial, its state nowhere yet.
            loads = begin(settings, begun_(), waiting=waited.append, stopped=lambda: bool(waited))
            raise AssertionError(loads)
        return send(producer, topic, records)

    with monkeypatch.context() as patch:
        patch.setattr(loading, "send", slow)
        with pytest.raises(InterruptedTrialError, match="a load of the registry is waited for"):
            load_registry(settings, [new], [])
    assert waited == [1]
    load_registry(settings, [new], [])  # mends it, but for the mark, which stands there until it is old
    with monkeypatch.context() as patch:
        patch.setattr("ops.shadow.begin.LOAD_MS", -1)
        begun = begin(settings, begun_())
    assert begun.registrations == COVERS * len(ZONES) + 1


def test_errors_say_what_to_do(city: City) -> None:
    assert "no detector 'cover@99'; there are:" in city.eyes("begin", "cover@99", code=1)
    assert "--with takes a file of policies" in city.eyes("begin", "cover", "--with", "/nowhere.toml", code=1)
    assert "cannot be called 'a b'" in city.eyes("begin", "cover", "--name", "a b", code=1)
    assert "there was no trial yet" in city.eyes("status")
    assert "there was no trial yet" in city.eyes("diff", code=1)
    assert "no trial is called 'x'" in city.eyes("end", "x", code=1)
    answer = city.past.eyes("shadow", "status", EYES_KAFKA__TOPIC_PREFIX="nowhere.")
    assert answer.returncode == 1
    assert "create them with `eyes topics create`" in " ".join(answer.stderr.split())
