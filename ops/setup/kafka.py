"""Fetches Kafka's jars with Maven, so that its settings, mirrors and proxies hold."""

from ops.setup import java
from ops.setup.console import Progress
from ops.setup.layout import Layout, mark_complete
from ops.setup.tool import replacing, run

HINT = "Is the network up? Mirrors and proxies go into ~/.m2/settings.xml. Run again: Maven keeps what it has."
GOAL = "dependency:copy-dependencies"


def fetch_kafka(layout: Layout, progress: Progress) -> None:
    """Put the jars named by ``kafka-pom.xml`` into the cache.

    Raises:
        SetupError: Maven could not fetch them.
    """
    command, env = java.maven(layout)
    fetched = 0

    def show(line: str) -> None:
        nonlocal fetched
        if line.startswith("Downloaded from"):
            fetched += 1
            progress.update(f"{fetched} files")

    with replacing(layout.kafka) as temporary:
        arguments = ["-B", "--strict-checksums", "-f", str(layout.kafka_pom), GOAL, "-DincludeScope=runtime"]
        run(
            [*command, *arguments, f"-DoutputDirectory={temporary}"],
            what="fetching Kafka with Maven",
            hint=HINT,
            env=env,
            on_line=show,
        )
        mark_complete(temporary)
