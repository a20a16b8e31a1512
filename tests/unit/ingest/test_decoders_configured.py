from pathlib import Path
from typing import Any

import pytest

from ingest.decoders.base import Message
from ingest.decoders.catalogue import Catalogue, make_decoders
from ingest.decoders.configured import catalogue_of
from ingest.messages import Decoded, Kind, Report
from runtime.errors import FatalError
from runtime.settings import IngestSettings, RouteSettings, Settings
from schemas.quarantine import Reason

T = 1_795_000_000_000


def configured(**ingest: Any) -> Settings:
    return Settings.model_construct(ingest=IngestSettings(**ingest))


def test_a_route_of_the_configuration_comes_before_the_default_ones() -> None:
    route = RouteSettings(filter="tele/+/SENSOR", decoder="senml")
    message = Message("tele/x/SENSOR", b"[]", T)
    catalogue = catalogue_of(configured(routes=(route,)))
    catalogue.decode(message)
    assert (message.decoder, message.why) == ("senml", "route tele/+/SENSOR")
    assert "tele/+/SENSOR" not in catalogue.filters()  # a default one covers it


def test_a_route_says_where_local_times_are() -> None:
    payload = b'{"Time": "2026-11-18T19:06:40", "ENERGY": {"Power": 41}}'
    route = RouteSettings(filter="tele/#", decoder="tasmota", timezone="Asia/Shanghai")
    for routes, expected in (((route,), T), ((), None)):
        (report,) = catalogue_of(configured(routes=routes)).decode(Message("tele/x/SENSOR", payload, T)).reports
        assert report.time_ms == expected


@pytest.mark.parametrize(
    ("ingest", "says"),
    [
        ({"routes": (RouteSettings(filter="a/#", decoder="nobody"),)}, "no decoder 'nobody'; there are: axis-mqtt, "),
        ({"routes": (RouteSettings(filter="a/#/b", decoder="eyes"),)}, "not an MQTT topic filter"),
        ({"fields": Path("/nowhere/fields.toml")}, "ingest.fields: /nowhere/fields.toml: cannot be read"),
        ({"codecs": Path("/nowhere")}, "ingest.codecs: "),
    ],
)
def test_what_is_wrong_is_said(ingest: dict[str, Any], says: str) -> None:
    with pytest.raises(FatalError, match=says.replace("(", r"\(")):
        catalogue_of(configured(**ingest))


def test_a_table_of_ones_own_says_what_further_fields_mean(tmp_path: Path) -> None:
    own = tmp_path / "fields.toml"
    own.write_text('[[general]]\nis = "vibration"\nnames = ["wobble"]\n')
    payload = b'{"deviceInfo": {"devEui": "0102030405060708"}, "object": {"wobble": true}}'
    message = Message("application/a/device/0102030405060708/event/up", payload, T)
    (report,) = catalogue_of(configured(fields=own)).decode(message).reports
    assert [(one.observed_property, one.value) for one in report.measurements] == [("vibration", 1.0)]


def test_filters_are_covered_once() -> None:
    catalogue = catalogue_of(configured())
    filters = catalogue.filters()
    assert len(filters) == len(set(filters))
    assert "tele/+/+" in filters
    assert "+/online" in filters
    assert catalogue_of(configured()).filters(("a/#", "a/b", "a/+/c", "b/+", "b/c", "b/#")) == ["a/#", "b/#"]


@pytest.mark.parametrize("name", ["a b+c", "#", " ", "x" * 300, "a\nb", ""])
def test_a_device_that_the_log_cannot_name_is_refused_and_others_are_taken(name: str) -> None:
    class Two:
        name = "two"

        def recognise(self, message: Message) -> str | None:
            return "always"

        def decode(self, message: Message) -> Decoded:
            return Decoded((Report(name, Kind.STATUS), Report("good", Kind.STATUS)))

    catalogue = Catalogue(decoders=(*make_decoders(), Two()))
    decoded = catalogue.decode(Message("nobody/knows", b"?", T))
    assert [report.device for report in decoded.reports] == ["good"]
    assert decoded.refusal is not None
    assert (decoded.refusal.reason, decoded.refusal.field, decoded.refused) == (Reason.SCHEMA, "device", 1)
