"""``eyes detectors``: a verdict goes by the log into the tables, and the report reckons with the newest."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from archive_kit import EYES, NOW, Store, finding

from ops.verdicts.give import give
from schemas.anomaly import Transition
from schemas.identity import event_id
from schemas.topics import ANOMALIES
from tests import warm
from tests.servers import TestStack
from tests.waiting import eventually

pytestmark = pytest.mark.servers


def eyes(city: Store, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env: dict[str, Any] = {
        **os.environ,
        **city.stack.env,
        "EYES_CONFIG": str(folder / "none.toml"),
        "EYES_KAFKA__TOPIC_PREFIX": city.kafka.topic_prefix,
        "EYES_DATABASE__DSN": city.database.dsn,
    }
    return warm.run((*EYES, "detectors", *arguments), env)


def test_a_verdict_is_stored_and_the_report_takes_the_newest(stack: TestStack, tmp_path: Path) -> None:
    with Store.on(stack) as city, city.archive(tmp_path):
        raised = finding(Transition.RAISED, NOW)
        others = [
            raised.model_copy(update={"id": event_id("more", n), "numbers": {"angle": 10.0 + n}}) for n in range(8)
        ]
        explained = others[0].model_copy(
            update={"transition": Transition.UPDATED, "caused_by": raised.id, "verify": True}
        )
        city.write(raised, *others, explained, topic=ANOMALIES)
        eventually(lambda: city.count("anomalies") == 9)
        shown = city.sql("SELECT caused_by, verify FROM open_anomalies WHERE finding_id = %s", others[0].id)
        assert shown == [(raised.id, True)]

        unknown = eyes(city, tmp_path, "verdict", "0000ffff", "--real")
        assert (unknown.returncode, "no finding 0000ffff" in unknown.stderr) == (1, True)
        settings = stack.settings.model_copy(update={"kafka": city.kafka, "database": city.database})
        for n, one in enumerate(others):
            give(settings, one.id, real=n >= 4 or n == 0, by="patrol 7", reason=None)
        last = eyes(city, tmp_path, "verdict", str(others[0].id)[:13], "--not-real", "--reason", "looked again")
        assert f"{others[0].id}: not real" in last.stdout
        eventually(lambda: city.count("verdicts") == 9)

        figures = json.loads(eyes(city, tmp_path, "report", "--json").stdout)
        (of_cover,) = figures["rules"]
        assert (of_cover["detector"], of_cover["rule"], of_cover["findings"]) == ("cover", "cover", 9)
        (cover,) = figures["detectors"]
        assert (cover["detector"], cover["findings"], cover["real"], cover["notReal"]) == ("cover", 9, 4, 4)
        (advice,) = figures["suggestions"]
        assert (advice["number"], advice["keep"], advice["threshold"]) == ("angle", ">=", 13.5)
        assert (advice["dropped"], advice["notReal"]) == (4, 4)
        shown = eyes(city, tmp_path, "report", "--detector", "cover").stdout
        assert "angle at least 13.5" in " ".join(shown.split())
