import json
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.envelope import CloudEvent, decode, encode
from schemas.model import from_ms
from schemas.properties import PROPERTIES
from schemas.water import PROPERTY_OF, WaterNetworkConfigured, WaterRole, WaterSensor

INLET = {"facility": "f-1", "observedProperty": "flow", "role": "inlet", "element": "p227"}
NETWORK: dict[str, Any] = {"zone": "dma:1", "sensors": [INLET], "costPerM3": 0.8, "currency": "EUR"}


def read(**fields: Any) -> WaterNetworkConfigured:
    return WaterNetworkConfigured.model_validate_json(json.dumps(NETWORK | fields))


def test_a_network_goes_through_the_log_as_it_is() -> None:
    network = read(model="0" * 64, name="Weidu", revision=7)
    event = decode(encode(CloudEvent("1", "/test", from_ms(0), network)))
    assert event.data == network
    assert network.sensors == (
        WaterSensor(facility="f-1", observed_property="flow", role=WaterRole.INLET, element="p227"),
    )


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"model": "0" * 63}, "model"),
        ({"model": "F" * 64}, "model"),
        ({"sensors": []}, "sensors"),
        ({"sensors": [INLET | {"role": "intake"}]}, "role"),
        ({"sensors": [INLET | {"observedProperty": "pressure"}]}, "measures flow"),
        ({"sensors": [INLET | {"role": "pressure"}]}, "measures pressure"),
        ({"sensors": [INLET | {"facility": "f 1"}]}, "facility"),
        ({"sensors": [INLET | {"element": "p 227"}]}, "element"),
        ({"sensors": [INLET, INLET]}, "flow of f-1 stands there 2 times"),
        ({"sensors": [INLET, INLET | {"role": "pump"}]}, "one role"),
        ({"costPerM3": 0}, "costPerM3"),
        ({"currency": "euro"}, "currency"),
        ({"currency": None}, "together"),
        ({"costPerM3": None}, "together"),
        ({"pipes": 3}, "pipes"),
    ],
)
def test_what_cannot_be_a_network_is_refused_by_the_field(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        read(**fields)


def test_a_tank_that_is_also_a_meter_is_two_sensors() -> None:
    level = {"facility": "f-1", "observedProperty": "water_level", "role": "tank_level"}
    assert len(read(sensors=[INLET, level]).sensors) == 2


def test_every_role_measures_something_that_there_is() -> None:
    assert set(PROPERTY_OF) == set(WaterRole)
    assert set(PROPERTY_OF.values()) <= set(PROPERTIES)
