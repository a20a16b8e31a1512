"""Moments on the command line."""

from datetime import UTC, datetime
from typing import Annotated

import typer


def parse_moment(text: str) -> datetime:
    """A date or time; without zone it is UTC.

    Raises:
        typer.BadParameter: it is neither.
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time; write e.g. 2018-01-20 or 2018-01-20T06:00:00Z") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


FindingsFrom = Annotated[
    datetime | None, typer.Option("--from", parser=parse_moment, metavar="TIME", help="only findings from then on")
]
FindingsTo = Annotated[
    datetime | None, typer.Option("--to", parser=parse_moment, metavar="TIME", help="only findings before then")
]
