"""A simulated city over a real broker: registered, understood in every format, its truth written beside."""

import json
import signal
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import EYES, City, tick_times

from ops.simulate.city.city import START_MS
from ops.simulate.model import HOUR_MS
from schemas.camera import CameraEvent
from schemas.model import to_ms
from schemas.quarantine import Quarantined, UnregisteredReadings
from schemas.topics import EVENTS, QUARANTINE, UNREGISTERED
from tests.waiting import eventually

pytestmark = pytest.mark.servers

FEED = {"EYES_CLOCK__MODE": "feed", "EYES_CLOCK__TICK_S": "60"}


def heard(city: City) -> dict[str, str]:
    filters = ("application/#", "frigate/#", "senml/#", "zigbee2mqtt/#", f"eyes/v1/{city.site}/#", "eyes/v1/_clock")
    return {"EYES_INGEST__TOPIC_FILTERS": json.dumps(filters)}


def begin(city: City, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start it for this city."""
    return subprocess.Popen(
        [*EYES, "simulate", "--seed", "3", "--facilities", "100", "--to", "mqtt", *arguments],
        env=city.env(folder, **FEED, **heard(city)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    said: dict[str, Any] = json.loads(out.splitlines()[-1])
    return said


def test_a_street_is_understood_in_every_format_until_it_is_broken_off(stack: Any, tmp_path: Path) -> None:
    city, truth = City.on(stack), tmp_path / "truth.ndjson"
    with city.ingest(tmp_path, **FEED, **heard(city)) as ingest:
        simulated = begin(city, tmp_path, "--truth", str(truth))
        eventually(lambda: any(tick_times(ticks)[-1:] > [START_MS + 4 * HOUR_MS] for ticks in city.ticks().values()))
        simulated.send_signal(signal.SIGTERM)
        said = ended(simulated)
        end_ms = to_ms(datetime.fromisoformat(said["clock"]))
        eventually(lambda: ingest.settled and all(tick_times(t)[-1:] == [end_ms] for t in city.ticks().values()))
        assert said["unheard"] == 0
        assert city.of(QUARANTINE, Quarantined) == []
        assert city.of(UNREGISTERED, UnregisteredReadings) == []
        rows = city.rows()
        assert len(rows) > said["messages"] > 1_000
        assert len(city.of(EVENTS, CameraEvent)) > 100
        assert {row.observed_property for row in rows} >= {
            *("tilt_angle", "occupied", "switch_on", "fill_level"),
            *("water_level", "gas_ch4", "pm2_5", "sound_level", "traffic_speed"),
        }
        assert len(truth.read_text().splitlines()) == said["truth"] > 20
