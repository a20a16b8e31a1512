"""Planned works: what is found in their place and time was to be expected."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from schemas.anomaly import AnomalyKind
from schemas.model import Model, Timestamp, ZoneId
from schemas.registry import Revision

WORKS_KEY: Final = "/works/"
"""Beginning of the keys of plans in ``city.facilities.v1``; behind it stands the reference."""
REMEMBERED_MS: Final = 7 * 86_400_000
"""So long after their end works are remembered: a finding may be dated earlier than it is made."""


class MaintenancePlanned(Model):
    """Works are planned, or (``cancelled``) called off, at a facility or in a whole zone; the newest word counts."""

    works: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f/]+$")]
    """Whoever plans them calls them so."""
    zone: ZoneId
    facility: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    """None: all of the zone."""
    kinds: tuple[AnomalyKind, ...] = ()
    """Of findings that are to be expected; empty: all."""
    begins: Timestamp
    ends: Timestamp
    """Exclusive."""
    note: Annotated[str | None, Field(max_length=256)] = None
    cancelled: bool = False
    revision: Revision = 0

    @model_validator(mode="after")
    def _not_before_they_begin(self) -> Self:
        if self.ends <= self.begins:
            raise ValueError("ends is not after begins")
        return self

    @property
    def key(self) -> str:
        """In ``city.facilities.v1``."""
        return WORKS_KEY + self.works
