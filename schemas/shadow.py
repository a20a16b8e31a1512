"""A detector's new version or configuration on trial: it hears what the live one hears, and nobody sees what it says.

Each of these events stands in every partition of ``city.events.v1``; where it stands it takes effect, in every replay
alike.
"""

from typing import Annotated

from pydantic import Field

from schemas.anomaly import Anomaly
from schemas.model import Model
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
