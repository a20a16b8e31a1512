"""Curb policies: what a place at the kerb is for, when, and how long one may stay.

After the Curb Data Specification of the Open Mobility Foundation (Curbs API, "Policy" and "Time Span"): the same fields
with lengths of time in seconds and dates as days. Where it is silent we say more: a span whose end is not after its
start goes on past midnight and belongs to the day on which it begins.

Local time is part of the configuration: a zone is a rule as POSIX writes it (``CST-8``), so that no two machines with
other time zone data ever judge one log differently.
"""

from datetime import date
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from schemas.model import Model
from schemas.posixtz import PosixZone

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES: Final = 24 * 60

_CdsActivity = Literal[
    "parking",
    "no parking",
    "loading",
    "no loading",
    "unloading",
    "no unloading",
    "stopping",
    "no stopping",
    "travel",
    "no travel",
]


def _with_blanks(value: Any) -> Any:
    """As CDS spells it, also for who writes ``no_stopping`` as :class:`schemas.facility.Policy` does."""
    return value.replace("_", " ") if isinstance(value, str) else value


CurbActivity = Annotated[_CdsActivity, BeforeValidator(_with_blanks)]


def _from_iso(value: Any) -> Any:
    """Accept text where strict mode would want a date (JSON has no other way)."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def _known_zone(value: str) -> str:
    PosixZone.parse(value)
    return value


Day = Annotated[date, BeforeValidator(_from_iso), PlainSerializer(date.isoformat, return_type=str, when_used="json")]
TimeOfDay = Annotated[str, Field(pattern=r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
Period = Annotated[str, Field(min_length=1, max_length=64)]


class TimeSpan(Model):
    """When a policy applies: all that is given must be met. Starts are inclusive, ends exclusive."""

    start_date: Day | None = None
    end_date: Day | None = None
    days_of_week: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] | None = None
    days_of_month: tuple[Annotated[int, Field(ge=1, le=31)], ...] | None = None
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] | None = None
    time_of_day_start: TimeOfDay | None = None
    time_of_day_end: TimeOfDay | None = None
    designated_period: Period | None = None
    """A name in the calendar: ``holidays``."""
    designated_period_except: bool = False
    """It applies on all days but those of the period."""

    @model_validator(mode="after")
    def _not_before_it_begins(self) -> Self:
        if self.start_date is not None and self.end_date is not None and self.end_date <= self.start_date:
            raise ValueError("end_date, which is exclusive, is not after start_date")
        if self.time_of_day_start == "24:00":
            raise ValueError("time_of_day_start must be before 24:00")
        if self.time_of_day_start is not None and self.time_of_day_start == self.time_of_day_end:
            raise ValueError("time_of_day_end is time_of_day_start: leave both out for a whole day")
        if self.designated_period_except and self.designated_period is None:
            raise ValueError("designated_period_except without a designated_period")
        return self

    @property
    def minutes(self) -> tuple[int, int]:
        """From and to, in minutes after the midnight of its day; beyond a day where it goes past the next midnight."""
        start, end = _minutes(self.time_of_day_start, 0), _minutes(self.time_of_day_end, DAY_MINUTES)
        return start, end if end > start else end + DAY_MINUTES


class CurbPolicy(Model):
    """One rule of a place at the kerb; without time spans it applies always."""

    priority: Annotated[int, Field(ge=0)]
    """Of two that apply at once, the one with the lower number counts."""
    activity: CurbActivity
    max_stay_s: Annotated[float | None, Field(gt=0)] = None
    no_return_s: Annotated[float | None, Field(ge=0)] = None
    """How long one must be away before coming back."""
    time_spans: tuple[TimeSpan, ...] = ()


class Calendar(Model):
    """What a city's clocks and days are."""

    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_known_zone)]
    """As POSIX.1 (8.3, "TZ") writes it."""
    periods: Annotated[dict[Period, tuple[Day, ...]], Field(default_factory=dict)]
    """Days by the names of designated periods; a name that is not there has none."""


DEFAULT_CALENDAR: Final = Calendar(time_zone="CST-8", periods={})
"""While a city has not said its own: China Standard Time, and no designated day."""


def _minutes(text: str | None, default: int) -> int:
    if text is None:
        return default
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
