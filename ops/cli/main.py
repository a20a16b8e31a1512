"""Assembles the ``eyes`` command line."""

import sys
import tomllib
from typing import Final

from kafka.errors import KafkaError
from pydantic import ValidationError
from rich.console import Console

from ops.cli.lazy import Entry, lazy_app
from runtime.errors import PipelineError
from runtime.settings import config_file

app: Final = lazy_app(
    "Digital Eyes (数字眼): see what a city's probes see, from MQTT to a closed case.",
    Entry(
        "run",
        "ops.cli.run:run",
        "Run a small city: servers, pipeline and feeder, with a live view. Ctrl-C stops everything.",
    ),
    Entry("stack", "ops.cli.stack:app", "The local stack: Kafka, PostgreSQL + TimescaleDB, Mosquitto, Prometheus."),
    Entry(
        "up",
        "ops.cli.up:up",
        "Run all processes of ours and restart what ends by itself; stop all on Ctrl-C or SIGTERM.",
    ),
    Entry(
        "ingest", "ops.cli.ingest:ingest", "Take what devices publish over MQTT into Kafka, until SIGTERM or Ctrl-C."
    ),
    Entry(
        "process",
        "ops.cli.process:process",
        "Turn what stands in city.events into findings in city.anomalies, until SIGTERM or Ctrl-C.",
    ),
    Entry(
        "sequence",
        "ops.cli.sequence:sequence",
        "Copy findings and the time into city.case-inputs, by district and in one order, until SIGTERM or Ctrl-C.",
    ),
    Entry(
        "correlate",
        "ops.cli.correlate:correlate",
        "Find what findings of one district have in common, such as a gateway that is down, until SIGTERM or Ctrl-C.",
    ),
    Entry("archive", "ops.cli.archive:app", "Store what the log says in the database, until SIGTERM or Ctrl-C."),
    Entry("db", "ops.cli.database:app", "The database: its schema, and what it keeps."),
    Entry(
        "rebuild",
        "ops.cli.rebuild:app",
        "Make the tables anew from the log, beside those in use, and then put them in their place.",
    ),
    Entry("topics", "ops.cli.inspect:topics_app", "The topics of the log."),
    Entry("registry", "ops.cli.registry:app", "Facilities, zones and the devices that speak for them."),
    Entry("water", "ops.cli.water:app", "Water networks: their sensors and models, for leak detection."),
    Entry("rules", "ops.cli.rules:app", "Thresholds of the detectors: what they are and to whom they apply."),
    Entry("calendar", "ops.cli.calendar:app", "The city's time zone and its designated days."),
    Entry("works", "ops.cli.works:app", "Planned works: what is found within them is marked as expected."),
    Entry("codecs", "ops.cli.codecs:app", "JavaScript codecs of LoRaWAN vendors, for uplinks that nobody decoded."),
    Entry(
        "feed",
        "ops.cli.feed:app",
        "Publish over MQTT as devices would, on the feed's clock. A summary in JSON ends the output.",
    ),
    Entry(
        "simulate",
        "ops.cli.simulate:simulate",
        "Make a city up: its registry, its MQTT traffic in the formats of real devices, and the truth about it.",
    ),
    Entry("score", "ops.cli.score:app", "How good are the detectors? Judged on labelled data."),
    Entry("publish", "ops.cli.publish:publish", "Send each line as one MQTT message with QoS 1."),
    Entry(
        "decode", "ops.cli.decode:decode", "Read messages as JSON lines on standard input, and write what each means."
    ),
    Entry(
        "devices",
        "ops.cli.devices:app",
        "What devices say of themselves: list them, see who is unknown and what nobody understands, register them.",
    ),
    Entry(
        "trace",
        "ops.cli.trace:trace",
        "Walk from a finding back to the accepted MQTT bytes, topic, device and arrival, each with its place in "
        "the log.",
    ),
    Entry("tail", "ops.cli.inspect:tail", "Show what is written to a topic, newest last; Ctrl-C ends."),
    Entry("quarantine", "ops.cli.quarantine:app", "Input that was refused: list it, look at it, send it again."),
    Entry(
        "account",
        "ops.cli.account:account",
        "Hold a feeder's own list of ids against the database, by SQL that shares no code with the pipeline.",
    ),
    Entry(
        "verify",
        "ops.cli.verify:verify",
        "Fold the whole log again, aside, and compare byte for byte with the findings that were published.",
    ),
    Entry(
        "replay",
        "ops.cli.replay:replay",
        "Fold the past again, aside, and say what would differ from the findings that were published then.",
    ),
    Entry(
        "shadow",
        "ops.cli.shadow:app",
        "Try a version or configuration beside the live one, unseen by operators; then promote or end it.",
    ),
    Entry("detectors", "ops.cli.detectors:app", "How good detectors are, by what people found on the spot."),
    Entry("bench", "ops.cli.bench:app", "Measure, on real servers of its own that are gone afterwards."),
    Entry("config", "ops.cli.inspect:config", "Show the configuration that applies, secrets hidden."),
)


def main() -> None:
    """Entry point of the ``eyes`` script; an error that a person can mend is said without a traceback."""
    try:
        app()
    except PipelineError as error:
        _fail(str(error))
    except KafkaError as error:
        _fail(f"Kafka does not answer as it should ({error!r}): is the stack up? eyes stack status")
    except tomllib.TOMLDecodeError as error:
        _fail(f"{config_file()} cannot be read: {error}")
    except ValidationError as error:
        if error.title != "Settings":
            raise
        _fail("\n".join(("the configuration is wrong:", *(f"  {line}" for line in _complaints(error)))))


def _complaints(error: ValidationError) -> list[str]:
    """What is wrong with which key, and how its variable is called."""
    return [
        f"{'.'.join(map(str, one['loc']))}: {one['msg']} (eyes.toml, or EYES_{'__'.join(map(str, one['loc'])).upper()})"
        for one in error.errors(include_url=False, include_input=False)  # an input may be a secret
    ]


def _fail(said: str) -> None:
    console = Console(stderr=True, highlight=False)
    console.print("eyes:", style="bold red", end=" ")
    console.print(said, markup=False, soft_wrap=True)  # a path must not be broken
    sys.exit(1)


if __name__ == "__main__":
    main()
