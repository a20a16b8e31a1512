"""Verdicts: what a person found on the spot, held against what a detector had found."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from schemas.model import Model, Timestamp


class VerdictGiven(Model):
    """Somebody looked: the matter of a finding was real or it was not. The newest word on a finding counts."""

    finding: UUID
    real: bool
    by: Annotated[str, Field(min_length=1, max_length=128)]
    """A person, or what they work with: a case, a patrol."""
    reason: Annotated[str | None, Field(max_length=512)] = None
    time: Timestamp
