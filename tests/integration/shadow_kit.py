"""Streets of covers on the real servers, and detectors on trial in them."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archive_kit import Store
from replay_kit import Past, cover

from ops.logreader import read_all
from ops.registry import load_registry
from processors.detectors.cover import CoverDetector
from processors.engine.driver import PipelineTestDriver
from schemas.anomaly import Anomaly
from schemas.clock import Tick
from schemas.columns import BatchColumns
from schemas.envelope import Data
from schemas.shadow import ShadowFinding
from schemas.topics import ANOMALIES, EVENTS, SHADOWS
from tests.servers import TestStack
from tests.waiting import eventually

LIVE = f"cover@{CoverDetector.version}"

ZONES = ("segment:1", "segment:2", "segment:3", "segment:4")
COVERS = 30  # in each street
OPEN = 25  # of these lean when the trial begins: a hundred in all
CALM, MILD, STEEP = 0.0, 12.0, 45.0
ALL = EVENTS.partitions
LAX = "[[override]]\nfacility_class = 'manhole_cover'\npolicy.tilt_deg = 30.0\n"


@dataclass
class City:
    """Streets of covers in the log, the detectors and the archive beside it."""

    past: Past
    store: Store
    streets: dict[str, PipelineTestDriver] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)

    @classmethod
    @contextmanager
    def on(cls, stack: TestStack, folder: Path) -> "Iterator[City]":
        with Store.on(stack) as store:
            settings = stack.settings.model_copy(update={"kafka": store.kafka})
            yield cls(Past(stack, folder, settings), store)

    def register(self) -> None:
        for zone in ZONES:
            covers = [cover(f"{zone}-{number}", zone) for number in range(COVERS)]
            load_registry(self.past.settings, covers, [])
            self.streets[zone] = PipelineTestDriver(CoverDetector(), tick_s=10.0)
            self.streets[zone].register(*covers)
        self.write()

    def lean(self, degrees: float, first: int = 0, last: int = COVERS) -> None:
        """Covers ``first`` to ``last`` of each street say so, often enough to be believed."""
        for zone, driver in self.streets.items():
            for _ in range(2):
                for number in range(first, last):
                    driver.read(f"{zone}-{number}", "tilt_angle", degrees)
                driver.advance(10)
        self.write()

    def write(self) -> None:
        """What is new in the streets, but for registrations: those came by the loader."""
        for zone, driver in self.streets.items():
            new: list[Data | bytes] = [
                one for one in driver.log[self.written[zone] :] if isinstance(one, BatchColumns | Tick)
            ]
            self.written[zone] = len(driver.log)
            self.past.write(zone, new)

    def caught_up(self) -> None:
        eventually(self.past.caught_up)

    def eyes(self, *arguments: str, code: int = 0) -> str:
        answer = self.past.eyes("shadow", *arguments)
        assert answer.returncode == code, answer.stdout + answer.stderr
        assert "Traceback" not in answer.stderr
        return " ".join((answer.stdout if code == 0 else answer.stderr).split())

    def json(self, *arguments: str) -> Any:
        return json.loads(self.past.eyes("shadow", *arguments, "--json").stdout)

    def policy(self, text: str = LAX) -> str:
        path = self.past.folder / "policy.toml"
        path.write_text(text)
        return str(path)

    def said(self) -> list[Anomaly]:
        """What operators were told."""
        entries = (entry.event.data for entry in read_all(self.store.kafka, ANOMALIES) if entry.event)
        return [data for data in entries if isinstance(data, Anomaly)]

    def on_trial(self) -> list[ShadowFinding]:
        entries = (entry.event.data for entry in read_all(self.store.kafka, SHADOWS) if entry.event)
        return [data for data in entries if isinstance(data, ShadowFinding)]

    def lives(self) -> dict[str, list[Anomaly]]:
        found = defaultdict(list)
        for one in self.said():
            found[str(one.id)].append(one)
        return dict(found)

    def events(self, *kinds: type) -> list[tuple[int, Any]]:
        entries = read_all(self.store.kafka, EVENTS)
        return [(one.partition, one.event.data) for one in entries if one.event and isinstance(one.event.data, kinds)]

    def verify(self) -> None:
        answer = self.past.eyes("verify", "--json")
        assert answer.returncode == 0, answer.stdout + answer.stderr


def figures(told: dict[str, Any]) -> dict[str, Any]:
    (kind,) = told["kinds"].values()
    return {name: number for name, number in kind.items() if number}
