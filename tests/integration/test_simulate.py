"""A simulated city over a real broker: registered, understood in every format, its truth written beside."""

import json
import signal
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ingest_kit import EYES, City, eventually, tick_times

from schemas.camera import CameraEvent
from schemas.model import to_ms
from schemas.quarantine import Quarantined, UnregisteredReadings
from schemas.topics import EVENTS, QUARANTINE, UNREGISTERED

pytestmark = pytest.mark.servers

FEED = {"EYES_CLOCK__MODE": "feed", "EYES_CLOCK__TICK_S": "60"}


def begin(city: City, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*EYES, "simulate", "--seed", "3", "--facilities", "100", "--to", "mqtt", *arguments],
        env=city.env(folder, **FEED),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=150)
    assert process.returncode == 0, err
    said: dict[str, Any] = json.loads(out.splitlines()[-1])
    return said


def test_a_day_of_a_street_is_understood_whole_and_the_next_one_can_be_broken_off(stack: Any, tmp_path: Path) -> None:
    city, truth = City.on(stack), tmp_path / "truth.ndjson"
    with city.ingest(tmp_path, **FEED) as ingest:
        said = ended(begin(city, tmp_path, "--truth", str(truth)))
        assert said["unheard"] == 0
        end_ms = to_ms(datetime.fromisoformat(said["clock"]))
        eventually(lambda: ingest.settled and all(tick_times(t)[-1:] == [end_ms] for t in city.ticks().values()))
        assert city.of(QUARANTINE, Quarantined) == []
        assert city.of(UNREGISTERED, UnregisteredReadings) == []
        rows = city.rows()
        assert len(rows) > 20_000
        assert len(city.of(EVENTS, CameraEvent)) > 2_000
        assert {row.observed_property for row in rows} >= {
            *("tilt_angle", "occupied", "switch_on", "fill_level"),
            *("water_level", "gas_ch4", "pm2_5", "sound_level", "traffic_speed"),
        }
        assert len(truth.read_text().splitlines()) == said["truth"] > 20

        slow = begin(city, tmp_path, "--speed", "60")
        eventually(lambda: any(tick_times(t)[-1:] > [end_ms] for t in city.ticks().values()))
        slow.send_signal(signal.SIGTERM)
        assert 0 < ended(slow)["messages"] < said["messages"]
