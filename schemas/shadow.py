"""A detector's new version or configuration on trial: it hears what the live one hears, and nobody sees what it says.

Each of these events stands in every partition of ``city.events.v1``; where it stands it takes effect, in every replay
alike.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.anomaly import Anomaly
from schemas.model import Model, Timestamp
from schemas.whatif import WhatIf

ShadowId = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@:-]*$")]


class ShadowBegun(Model):
    """From here on ``detector`` in ``version`` runs beside the live one, under other policies if ``what_if`` says so.

    It begins with nothing known: the registry follows behind this event.
    """

    shadow: ShadowId
    detector: Annotated[str, Field(min_length=1)]
    version: Annotated[int, Field(ge=1)]
    what_if: WhatIf = WhatIf()


class ShadowPromoted(Model):
    """From here on the shadow is live. What the old one left open it takes over, or clears as ``superseded``."""

    shadow: ShadowId


class ShadowEnded(Model):
    """The trial is over; what was live stays so."""

    shadow: ShadowId


class ShadowFinding(Model):
    """What a shadow says."""

    shadow: ShadowId
    finding: Anomaly


Offsets = dict[str, Annotated[int, Field(ge=0)]]


class Verdict(StrEnum):
    """How a trial came to its end."""

    PROMOTED = "promoted"
    ENDED = "ended"


class TrialRecord(Model):
    """What is known of one trial: written before each step of it, and after each partition that took the step.

    The events in ``city.events.v1`` alone count; this says where they stand, so that nobody has to look for them in a
    month of readings, and what a command that died has left to do.
    """

    begun: ShadowBegun
    since: Timestamp
    """The time of the log when it was begun."""
    begun_at: Offsets = Field(default_factory=dict)
    """The offset of ``ShadowBegun`` by partition, as far as it was acknowledged."""
    told: tuple[int, ...] = ()
    """The partitions in which the registry stands behind it."""
    verdict: Verdict | None = None
    until: Timestamp | None = None
    """The time of the log when ``verdict`` was given."""
    over_at: Offsets = Field(default_factory=dict)
    """The offset of the event that says it, by partition, as far as it was acknowledged."""
